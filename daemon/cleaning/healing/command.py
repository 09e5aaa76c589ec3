"""Runs the command of another healer: without a shell, with a time limit, and never longer than this process lives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filmscand.daemon.core.errors import HealerError, HealerUnusableError
from filmscand.daemon.core.visible import visible
from filmscand.daemon.station.sections.cleaning import Cleaning, healer_arguments
from filmscand.drivers.command import keeper

_KEEPER: Final = keeper.__file__
# A worker that no longer wants the result dies; nothing asks the command to end before.
_NO_GRACE_S: Final = "0"
# More lines of what a command last wrote than that hide the one that tells.
_LAST_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Healer:
    """A command that fills defects in place of the engine.

    Attributes
    ----------
    command : str
        Program and arguments with `{picture}`, `{mask}` and `{output}`, as a person wrote them.
    timeout_s : float
        Seconds that it may take for one frame.
    """

    command: str
    timeout_s: float

    @classmethod
    def of(cls, cleaning: Cleaning) -> Healer | None:
        """Return the healer that the configuration names; None: the engine heals."""
        return None if cleaning.healer is None else cls(cleaning.healer, cleaning.healer_timeout_s)

    def run(self, folder: Path, picture: Path, mask: Path, output: Path) -> None:
        """Run the command for one frame.

        Parameters
        ----------
        folder : Path
            The folder that it runs in.
        picture, mask, output : Path
            The files for its placeholders.

        Raises
        ------
        HealerUnusableError
            It cannot be started.
        HealerError
            It takes too long, or its exit status is not 0.
        """
        files = {"{picture}": str(picture), "{mask}": str(mask), "{output}": str(output)}
        arguments = [_filled(argument, files) for argument in healer_arguments(self.command)]
        ended = _keep([sys.executable, "-I", "-S", _KEEPER, str(self.timeout_s), _NO_GRACE_S, *arguments], folder)
        if "refused" in ended:
            raise HealerUnusableError(
                f"cleaning.healer `{self.command}`: {arguments[0]} cannot be started ({ended['refused']}). Install it, "
                "or correct the command"
            )
        status = ended["status"]
        if status is None:
            raise self.error(f"took longer than {self.timeout_s:g} s and was killed", ended["last_words"])
        if status != 0:
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            raise self.error(how, ended["last_words"])

    def error(self, what: str, last_words: str = "") -> HealerError:
        """Return the error of a command that did not do its work; a frame that fails by it can be cleaned again."""
        lines = [visible(line.strip()) for line in last_words.splitlines() if line.strip()][-_LAST_LINES:]
        said = f". It last wrote: {' | '.join(lines)}" if lines else ". It wrote nothing"
        return HealerError(f"cleaning.healer `{self.command}`: {what}{said}")


def _filled(argument: str, files: dict[str, str]) -> str:
    for placeholder, file in files.items():
        argument = argument.replace(placeholder, file)
    return argument


def _keep(command: list[str], folder: Path) -> dict[str, Any]:
    """Run the keeper of a command, and return how the command ended."""
    theirs, ours = os.pipe()
    try:
        with subprocess.Popen(
            command, stdin=theirs, stdout=subprocess.PIPE, cwd=folder, start_new_session=True
        ) as process:
            os.close(theirs)
            theirs = -1
            assert process.stdout is not None
            said = process.stdout.read()
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    if process.returncode != 0 or not said:
        raise HealerError(f"the process that ran {command[6]} was ended (status {process.returncode})")
    answer: dict[str, Any] = json.loads(said)
    return answer
