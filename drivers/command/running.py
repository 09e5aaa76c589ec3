"""Runs one command of a scanner's program, in a process group of its own that ends with this process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.drivers.command import keeper
from filmscand.drivers.scanner.errors import (
    ScannerCrashedError,
    ScannerError,
    ScannerHungError,
    ScannerIoError,
    ScannerSetupError,
)
from filmscand.drivers.scanner.meanings import ERROR_OF, Meaning

# Interval at which the growth of the output is looked at, seconds.
LOOK_S: Final = 0.05
# Variables that a scanner's process gets for itself (`child.process`): another program has packages of its own.
_OWN_VARIABLES: Final = frozenset({"PYTHONPATH", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_"})


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    status : int or None
        Its exit code; the negative number of the signal that ended it; None if it had to be killed.
    last_words : str
        The end of what it wrote to stdout and stderr.
    """

    status: int | None
    last_words: str

    @property
    def last_line(self) -> str:
        """The last line that it wrote, "" if it wrote none."""
        lines = [line.strip() for line in self.last_words.splitlines() if line.strip()]
        return "".join(each if each.isprintable() else "?" for each in lines[-1]) if lines else ""


class RunningCommand:
    """A command that runs; only `ask_to_end` may be called by another thread than the one that waits for it.

    Parameters
    ----------
    arguments : sequence of str
        Program and arguments.
    folder : Path
        The folder that it runs in.
    limit_s : float
        Seconds that it may take; it is killed then.
    grace_s : float
        Seconds between the request to end and the kill.
    """

    def __init__(self, arguments: Sequence[str], folder: Path, *, limit_s: float, grace_s: float) -> None:
        self._program = arguments[0]
        theirs, ours = os.pipe()
        self._pipe = os.fdopen(ours, "wb", buffering=0)
        self._closing = threading.Lock()
        environment = {name: value for name, value in os.environ.items() if name not in _OWN_VARIABLES}
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", keeper.__file__, str(limit_s), str(grace_s), *arguments],
                stdin=theirs,
                stdout=subprocess.PIPE,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        finally:
            os.close(theirs)

    def ask_to_end(self) -> None:
        """Ask the command to end, and have it killed if it does not within its grace."""
        with self._closing, contextlib.suppress(OSError):
            if not self._pipe.closed:
                self._pipe.write(b"t")

    def wait(self, look: Callable[[], None]) -> Ended:
        """Wait until the command and all that it started have ended; `look` is called now and then.

        Raises
        ------
        ScannerSetupError
            If the program cannot be started.
        ScannerIoError
            If its keeper was killed.
        """
        assert self._keeper.stdout is not None
        try:
            while not select.select([self._keeper.stdout], [], [], LOOK_S)[0]:
                look()
            said = self._keeper.stdout.read()
        finally:
            with self._closing:
                self._pipe.close()
            self._keeper.stdout.close()
            self._keeper.wait()
        look()
        if not said:
            raise ScannerIoError(f"the process that ran {self._program} was ended")
        answer = json.loads(said)
        if "refused" in answer:
            raise cannot_start(self._program, answer["refused"])
        return Ended(answer["status"], answer["last_words"])


def cannot_start(program: str, reason: str) -> ScannerSetupError:
    """Return the error of a program that cannot be started."""
    advice = "Install the program, or correct the command in the scanner's recipe."
    return ScannerSetupError(f"{program} cannot be started ({reason})", advice=advice)


def error_of(program: str, ended: Ended, exit_codes: dict[int, Meaning], after_kill: str) -> ScannerError | None:
    """Return the error of a command that has ended, None if it did its work.

    Parameters
    ----------
    program : str
        Its name, for the message.
    ended : Ended
        How it ended.
    exit_codes : dict of int to Meaning
        What its exit codes mean.
    after_kill : str
        What a person must do if it was killed.
    """
    said = f": {ended.last_line}" if ended.last_line else ""
    if ended.status == 0:
        return None
    if ended.status is None:
        return ScannerHungError(f"{program} did not end and was killed{said}", advice=after_kill or None)
    if ended.status < 0:
        return ScannerCrashedError(f"{program} was ended by {signal.Signals(-ended.status).name}{said}")
    meaning = exit_codes.get(ended.status)
    if meaning is None:
        return ScannerIoError(f"{program} ended with exit code {ended.status}{said}")
    return ERROR_OF[meaning](f"{program} ended with exit code {ended.status} ({meaning}){said}")
