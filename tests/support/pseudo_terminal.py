"""A program in a terminal of its own, as a person sees it and types into it."""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

LIMIT_S = 60.0
# As a terminal's shell does, it makes the terminal the program's own, so that Ctrl-C reaches it and its children, who
# hear it also where the tests run in the background of a shell.
_OWN_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """A terminal with a program in it; `shown` is everything that it has shown."""

    def __init__(self, handle, program):
        self.handle, self.program, self.shown, self._read = handle, program, "", 0

    def press_until(self, keys, pattern):
        """Press keys until something is shown: Python misses a Ctrl-C in the moment before it waits for a line."""
        for _ in range(int(LIMIT_S)):
            self.press(keys)
            with suppress(AssertionError):
                return self.wait_for(pattern, limit_s=1.0)
        raise AssertionError(self.shown)

    def wait_for(self, pattern, limit_s=LIMIT_S):
        """Wait until something new is shown that fits the pattern."""
        end_s = time.monotonic() + limit_s
        while (found := re.compile(pattern).search(self.shown, self._read)) is None:
            assert time.monotonic() < end_s, self.shown
            # Asked before it is read: what a program shows last is there when it has ended.
            has_ended = self.program.poll() is not None
            if select.select([self.handle], [], [], 0.2)[0]:
                self.shown += os.read(self.handle, 4096).decode()
            else:
                assert not has_ended, self.shown
        self._read = found.end()
        return found

    def press(self, keys):
        os.write(self.handle, keys)

    def answer(self, question, typed):
        """Wait for a question, and type the answer to it."""
        self.wait_for(question)
        self.press(typed.encode() + b"\n")

    def end(self):
        """Return the exit status, once the program has ended."""
        return self.program.wait(LIMIT_S)


@contextmanager
def terminal(*command, environment=None):
    """Run a command, whose first word is a path, in a terminal (a context manager)."""
    ours, theirs = os.openpty()
    variables = {**os.environ, **(environment or {}), "TERM": "xterm", "COLUMNS": "200"}
    start = [sys.executable, "-c", _OWN_TERMINAL, *map(str, command)]
    try:
        with subprocess.Popen(
            start, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True, env=variables
        ) as program:
            try:
                yield Terminal(ours, program)
            finally:
                program.kill()
    finally:
        os.close(ours)
        os.close(theirs)
