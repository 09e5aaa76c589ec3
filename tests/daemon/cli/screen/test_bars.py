"""A bar is one line, and says which time is which."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from filmscand.daemon.cli.screen.bars import line_of
from filmscand.daemon.core.visible import is_unsafe


def test_a_bar_names_the_time_gone_and_the_time_left():
    line = line_of("scanned", 0.5, ["2 of 4", "gone 0:00:10", "left 0:00:11"], "scanning", 100)
    assert line == "scanned   ━━━━━━╌╌╌╌╌╌  2 of 4  gone 0:00:10  left 0:00:11  scanning"


@given(st.text(max_size=80), st.none() | st.floats(0, 1), st.text(max_size=200), st.integers(20, 150))
def test_a_bar_is_never_wider_than_the_terminal_and_never_obeyed(name, part, state, width):
    line = line_of(name, part, ["2 of 40", "gone 0:00:10", "left 0:00:11"], state, width)
    assert cell_len(line) <= width
    assert not any(map(is_unsafe, line))


SCRIPT = """
import sys, logging
from pathlib import Path
from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.cli.screen.bars import reading_bar
from filmscand.daemon.cli.screen.terminal import say, set_up_streams
set_up_streams()
folder = Path(sys.argv[1])
with reading_bar("verified", [folder]):
    hash_file(folder / "a")
    logging.getLogger("x").warning("a record in between")
"""


def shown_on_a_terminal(*arguments):
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm"}
    line = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    subprocess.run(line, stdout=theirs, stderr=theirs, env=environment, check=True)
    os.close(theirs)
    seen = os.read(ours, 100_000).decode()
    os.close(ours)
    return seen


def test_reading_back_shows_bytes_done_and_in_all_and_records_stand_on_lines_of_their_own(tmp_path):
    (tmp_path / "a").write_bytes(bytes(20_000_000))
    seen = shown_on_a_terminal(tmp_path)
    assert "0.02 of 0.02 GB" in seen
    assert "gone 0:00:00" in seen
    assert "filmscand: a record in between\r\n" in seen
