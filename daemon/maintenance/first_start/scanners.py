"""The scanners that SANE sees, as checks; none is no failure, for files come through watch folders too."""

from __future__ import annotations

from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.station.configuration import Station
from filmscand.drivers.sane.devices import list_devices
from filmscand.drivers.sane.listing import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerError


def look_for_scanners(station: Station) -> tuple[Check, ...]:
    """Return each scanner that SANE sees, or that there is none."""
    try:
        devices = list_devices(station.scanners.hosts, system=False)
    except ScannerError as error:
        return (Check("scanner", Verdict.WARNING, str(error), error.advice),)
    if not devices:
        advice = "plug it in and switch it on, then `filmscand devices`; a watch folder needs none"
        return (Check("scanner", Verdict.OK, "SANE sees none", advice),)
    return tuple(map(_check, devices))


def _check(device: DeviceInfo) -> Check:
    name = f"scanner {device.device}"
    if device.problem:
        return Check(
            name, Verdict.WARNING, f"{device.vendor} {device.model}: {device.problem}", "see `filmscand doctor`"
        )
    if device.recipe is None:
        advice = "scan with its own program into the watch folder"
        return Check(name, Verdict.WARNING, f"{device.vendor} {device.model}: no recipe drives it", advice)
    infrared = "with infrared" if device.infrared else "without infrared"
    return Check(name, Verdict.OK, f"{device.vendor} {device.model}, {infrared}")
