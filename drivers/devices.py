"""All scanners that a station can reach, whichever driver reaches them: lists them, and opens one by its name."""

from __future__ import annotations

from dataclasses import dataclass

from filmscand.drivers.sane.devices import list_devices as list_sane
from filmscand.drivers.sane.devices import open_scanner as open_sane
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.protocol import Scanner


@dataclass(frozen=True, slots=True)
class Drivers:
    """The drivers of a station.

    Attributes
    ----------
    hosts : tuple of str
        Hosts whose scanners SANE lists too; numeric addresses are fastest.
    """

    hosts: tuple[str, ...] = ()

    def list(self, *, system: bool = False, probe: bool = True) -> tuple[DeviceInfo, ...]:
        """List the scanners.

        Parameters
        ----------
        system : bool
            Use every backend of SANE's own configuration instead of the backends that have a recipe; slow, but it lists
            scanners that no recipe drives.
        probe : bool
            Open each scanner to find out whether it delivers infrared; one that is in use reports that it is busy.

        Raises
        ------
        ScannerError
            If SANE is missing, crashes or takes too long.
        """
        return list_sane(self.hosts, system=system, probe=probe)

    def open(self, device: str) -> Scanner:
        """Make the scanner of this name; its process starts with the first call to it.

        Raises
        ------
        ScannerSetupError
            If no driver knows the name.
        """
        return open_sane(device)
