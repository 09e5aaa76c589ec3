"""A scanner that another program drives, for the service."""

from __future__ import annotations

import tempfile
from pathlib import Path

from filmscand.drivers.child.scanner import ChildScanner
from filmscand.drivers.command.device import CommandOpener
from filmscand.drivers.command.recipe import Program
from filmscand.drivers.scanner.errors import ScannerSetupError


class CommandScanner(ChildScanner):
    """Drives one scanner by the command lines of a recipe.

    The files of its frames go to a private folder below that for temporary files ($TMPDIR, else /tmp).

    Parameters
    ----------
    program : Program
        The recipe.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(program.budgets, {}, program.after_kill)
        self._program = program
        self._folder = tempfile.TemporaryDirectory(prefix="filmscand-command-")

    def close(self) -> None:
        """Release the scanner for good; may be called repeatedly."""
        super().close()
        self._folder.cleanup()

    def _opener(self) -> CommandOpener:
        return CommandOpener(self._program, Path(self._folder.name))

    def _require_button(self, button: str) -> None:
        if button not in self._program.buttons:
            buttons = ", ".join(self._program.buttons) or "no buttons"
            raise ScannerSetupError(f"recipe {self._program.name} lists {buttons}, not {button!r}")
