"""The end of `make run`: on a terminal it names the page of its station, and serves it until Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HOUSE = Path(__file__).parents[3]
LIMIT_S = 60.0
# The demo without its frames, which take minutes: what follows them is the same. As a terminal's shell does, it makes
# the terminal its own, so that Ctrl-C reaches it and its service.
DEMO = """
import fcntl, sys, termios
from bench.demo import __main__ as demo
if sys.stdin.isatty():
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
demo._show = lambda root, console: console.print("nine frames are archived")
sys.exit(demo.main())
"""


class Terminal:
    """A terminal with the demo in it."""

    def __init__(self, handle, demo):
        self.handle, self.demo, self.shown = handle, demo, ""

    def wait_for(self, pattern):
        end_s = time.monotonic() + LIMIT_S
        while (found := re.search(pattern, self.shown)) is None:
            assert time.monotonic() < end_s, self.shown
            self.shown += os.read(self.handle, 4096).decode()
        return found

    def press(self, keys):
        os.write(self.handle, keys)


@contextmanager
def terminal(tmp_path):
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "200", "TMPDIR": str(tmp_path)}
    try:
        with subprocess.Popen(
            [sys.executable, "-c", DEMO],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            cwd=HOUSE,
            env=environment,
        ) as demo:
            try:
                yield Terminal(ours, demo)
            finally:
                demo.kill()
    finally:
        os.close(ours)
        os.close(theirs)


def test_on_a_terminal_the_page_is_named_and_served_until_ctrl_c(tmp_path):
    with terminal(tmp_path) as at:
        address = at.wait_for(r"page: \S*?(http://127\.0\.0\.1:\d+/)")[1]
        at.wait_for("Ctrl-C ends it")
        assert "nine frames are archived" in at.shown
        with urllib.request.urlopen(address) as page:
            assert "Ready" in page.read().decode()
        time.sleep(0.5)
        assert at.demo.poll() is None
        at.press(b"\x03")
        assert at.demo.wait(LIMIT_S) == 0
    (root,) = tmp_path.glob("filmscand-*")
    assert json.loads((root / "service.log").read_text().splitlines()[-1])["event"] == "stopped"


def test_without_a_terminal_it_ends_when_the_frames_are_done(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DEMO],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=HOUSE,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        timeout=LIMIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "nine frames are archived" in done.stdout
    assert "page" not in done.stdout
