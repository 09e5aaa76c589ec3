"""The end of `filmscand demo`: on a terminal it names the page of its station, and serves it until Ctrl-C."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import urllib.request

from rich.console import Console

from filmscand.daemon.demo import show
from filmscand.daemon.demo.frames import DROPS, SLIDES
from filmscand.daemon.demo.station import DemoError
from filmscand.daemon.maintenance.checks import Check, Verdict
from support.pseudo_terminal import LIMIT_S, terminal

# The demo without its frames, which take minutes: what follows them is the same.
DEMO = """
import sys
from pathlib import Path
from rich.console import Console
from filmscand.daemon.demo import show
show._show = lambda root, drops, console: console.print("all frames are archived")
sys.exit(not show.show_demo(Path(sys.argv[1]), Console()))
"""


def test_on_a_terminal_the_page_is_named_and_served_until_ctrl_c(tmp_path):
    with terminal(sys.executable, "-c", DEMO, tmp_path) as at:
        address = at.wait_for(r"page: \S*?(http://127\.0\.0\.1:\d+/)")[1]
        at.wait_for("Ctrl-C ends it")
        assert "all frames are archived" in at.shown
        with urllib.request.urlopen(address) as page:
            assert "Ready" in page.read().decode()
        time.sleep(0.5)
        assert at.program.poll() is None
        at.press(b"\x03")
        assert at.end() == 0
    assert json.loads((tmp_path / "service.log").read_text().splitlines()[-1])["event"] == "stopped"


def test_without_a_terminal_it_ends_when_the_frames_are_done(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DEMO, str(tmp_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "all frames are archived" in done.stdout
    assert f"to remove the scratch station: rm -r {tmp_path}" in done.stdout
    assert "page" not in done.stdout


def test_without_sane_the_slides_come_as_files_and_what_is_missing_is_told(monkeypatch):
    missing = Check("python-sane", Verdict.WARNING, "missing", "for scanners at this machine: pip install python-sane")
    monkeypatch.setattr(show, "examine_libraries", lambda: iter([Check("libsane", Verdict.OK, "installed"), missing]))
    console = Console(file=io.StringIO(), width=200)
    drops = show._drops(console)
    assert {drop.frame.name for drop in drops} == {frame.name for frame in (*SLIDES, *(one.frame for one in DROPS))}
    told = console.file.getvalue()
    assert "python-sane missing: no scanner can be shown. Its slides come as files instead." in told
    assert missing.advice in told
    assert "libsane" not in told


def test_after_a_failure_the_reason_and_the_end_of_the_log_are_shown(tmp_path, monkeypatch):
    def fail(root, drops, console):
        (root / "service.log").write_text("the last line [red]\n")
        raise DemoError("not archived within 400 s")

    monkeypatch.setattr(show, "_show", fail)
    console = Console(file=io.StringIO(), width=200)
    assert not show.show_demo(tmp_path, console)
    told = console.file.getvalue()
    assert "failed: not archived within 400 s" in told
    assert "the last line [red]" in told
    assert "to remove" not in told
