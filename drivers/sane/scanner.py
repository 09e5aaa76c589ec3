"""A scanner that SANE drives, in a child process."""

from __future__ import annotations

from filmscand.drivers.child.process import ChildProcess
from filmscand.drivers.child.scanner import ChildScanner
from filmscand.drivers.sane.configuration import SaneConfig, press_button
from filmscand.drivers.sane.device import SaneOpener
from filmscand.drivers.sane.link import DeviceName
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.protocol import Capabilities
from filmscand.drivers.scanner.recipes import Recipe


class SaneScanner(ChildScanner):
    """Drives one scanner through SANE.

    Parameters
    ----------
    device : str
        Name by which SANE opens the scanner, such as ``coolscan3:usb:libusb:001:004`` or
        ``net:127.0.0.2:pieusb:virtual``.
    recipe : Recipe
        How to drive it.
    vendor, model : str
        Names as SANE lists them; with both, the scanner is found again after its USB address has changed.
    """

    def __init__(self, device: str, recipe: Recipe, *, vendor: str = "", model: str = "") -> None:
        self._name = DeviceName(device, vendor, model)
        self._recipe = recipe
        self._config = SaneConfig.for_device(device, recipe.backend)
        super().__init__(recipe.budgets, self._config.environment, recipe.after_kill)

    def close(self) -> None:
        """Release the scanner for good; may be called repeatedly."""
        super().close()
        self._config.close()

    def _opener(self) -> SaneOpener:
        return SaneOpener(self._name, self._recipe)

    def _read_capabilities(self, child: ChildProcess) -> Capabilities:
        found = super()._read_capabilities(child)
        self._name = DeviceName(self._name.device, found.vendor, found.model)
        return found

    def _require_button(self, button: str) -> None:
        if button not in self._recipe.buttons:
            buttons = ", ".join(self._recipe.buttons) or "no buttons"
            raise ScannerSetupError(f"recipe {self._recipe.name} lists {buttons}, not {button!r}")

    def _press(self, button: str) -> None:
        # scanimage presses it, which has to open the device itself; it is opened again when needed.
        self._discard()
        press_button(self._name.device, button, self._config, self._recipe.budgets.start_s)
