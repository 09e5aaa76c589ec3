"""All scanners that a station can reach, whichever driver reaches them: lists them, and opens one by its name.

A name with a prefix is that of another driver than SANE: ``command:NAME``, ``nkscan:LOCATION``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from filmscand.drivers.command.devices import list_commands, open_command
from filmscand.drivers.command.recipe import PREFIX as COMMAND_PREFIX
from filmscand.drivers.nkscan.devices import list_nkscan, open_nkscan
from filmscand.drivers.nkscan.library import PREFIX as NKSCAN_PREFIX
from filmscand.drivers.sane.devices import list_devices as list_sane
from filmscand.drivers.sane.devices import open_scanner as open_sane
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerError
from filmscand.drivers.scanner.protocol import Scanner

log = logging.getLogger(__name__)

# Within the class below, `list` is its method.
_Found: TypeAlias = tuple[DeviceInfo, ...]


@dataclass(frozen=True, slots=True)
class Drivers:
    """The drivers of a station.

    Attributes
    ----------
    hosts : tuple of str
        Hosts whose scanners SANE lists too; numeric addresses are fastest.
    programs : Path or None
        Folder with the recipes of scanners that other programs drive; None if there are none.
    """

    hosts: tuple[str, ...] = ()
    programs: Path | None = None

    def list(self, *, system: bool = False, probe: bool = True) -> _Found:
        """List the scanners of all drivers. A driver that fails is only logged if another one finds a scanner.

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
            If no scanner is found and a driver failed: SANE is missing, crashes or takes too long, or the folder of
            recipes cannot be read.
        """
        listers: list[Callable[[], _Found]] = [lambda: list_sane(self.hosts, system=system, probe=probe)]
        listers.append(list_nkscan)
        if (programs := self.programs) is not None:
            listers.append(lambda: list_commands(programs, probe=probe))
        found: _Found = ()
        failures = []
        for lister in listers:
            try:
                found += lister()
            except ScannerError as error:
                failures.append(error)
        if failures and not found:
            raise failures[0]
        for failure in failures:
            log.warning("some scanners cannot be listed: %s", failure)
        return found

    def open(self, device: str) -> Scanner:
        """Make the scanner of this name; its process starts with the first call to it.

        Raises
        ------
        ScannerSetupError
            If no driver knows the name.
        """
        if device.startswith(COMMAND_PREFIX):
            return open_command(device, self.programs)
        if device.startswith(NKSCAN_PREFIX):
            return open_nkscan(device)
        return open_sane(device)
