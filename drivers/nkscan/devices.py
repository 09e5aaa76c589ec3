"""Lists the Coolscans that nkscan finds, and opens one by its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from filmscand.drivers.child.messages import ListDevices
from filmscand.drivers.child.monitor import Monitor, Phase
from filmscand.drivers.child.process import ChildProcess
from filmscand.drivers.nkscan.device import RECIPE
from filmscand.drivers.nkscan.library import PREFIX, converted_errors, is_installed, load_nkscan
from filmscand.drivers.nkscan.scanner import BUDGETS, NkscanScanner
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerSetupError

_MAKER: Final = "Nikon"
# What nkscan adds to the name of a scanner that another program holds.
_IN_USE: Final = "(in use)"


def list_nkscan() -> tuple[DeviceInfo, ...]:
    """List the Coolscans that nkscan finds, in a process of its own; none if the package is not installed.

    Raises
    ------
    ScannerError
        If the process crashes or takes too long.
    """
    if not is_installed():
        return ()
    child = ChildProcess({}, BUDGETS)
    try:
        return cast(tuple[DeviceInfo, ...], child.value(ListDevices(NkscanLister())))
    finally:
        child.end()


def open_nkscan(device: str) -> NkscanScanner:
    """Make the scanner named ``nkscan:LOCATION``; its process starts with the first call to it.

    Raises
    ------
    ScannerSetupError
        If the name has no location, or the package is not installed.
    """
    location = device.removeprefix(PREFIX)
    if not location:
        raise ScannerSetupError(f"{device}: expected where the scanner is, such as {PREFIX}usb:1-3; see its list")
    if not is_installed():
        load_nkscan()
    return NkscanScanner(location)


@dataclass(frozen=True, slots=True)
class NkscanLister:
    """Lists the Coolscans; see `child.device.Lister`."""

    def list(self, monitor: Monitor) -> tuple[DeviceInfo, ...]:
        """Return the scanners of this machine."""
        monitor.enter(Phase.OPEN)
        with converted_errors():
            found = load_nkscan().list_devices()
        monitor.enter(Phase.IDLE)
        return tuple(_describe(each.location, each.name) for each in found)


def _describe(location: str, name: str) -> DeviceInfo:
    in_use = name.endswith(_IN_USE)
    model = name.removesuffix(_IN_USE).strip().removeprefix(_MAKER).strip()
    # Every Coolscan that nkscan drives has an infrared lamp.
    infrared = None if in_use else True
    problem = "in use by another program" if in_use else ""
    return DeviceInfo(PREFIX + location, _MAKER, model, "film scanner", RECIPE, infrared, problem)
