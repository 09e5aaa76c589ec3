"""A Coolscan that nkscan drives, for the service."""

from __future__ import annotations

from typing import Final

from filmscand.drivers.child.scanner import ChildScanner
from filmscand.drivers.nkscan.device import BUTTONS, NkscanOpener
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.recipes import Budgets

# nkscan gives a move of the film three minutes and reports nothing meanwhile; a pass reports ten times a second.
BUDGETS: Final = Budgets(open_s=120.0, start_s=300.0, read_s=90.0, cancel_s=20.0, close_s=20.0)
AFTER_KILL: Final = "Turn the Coolscan off and on again; an aborted transfer leaves it out of sync."


class NkscanScanner(ChildScanner):
    """Drives one Coolscan through nkscan.

    Parameters
    ----------
    location : str
        Where nkscan finds it, such as ``usb:1-3.2`` or ``/dev/sg4``.
    budgets : Budgets
        How long each call may show no progress.
    """

    def __init__(self, location: str, budgets: Budgets = BUDGETS) -> None:
        super().__init__(budgets, {}, AFTER_KILL)
        self._location = location

    def _opener(self) -> NkscanOpener:
        return NkscanOpener(self._location)

    def _require_button(self, button: str) -> None:
        if button not in BUTTONS:
            raise ScannerSetupError(f"a Coolscan has {' and '.join(BUTTONS)}, not {button!r}")
