"""The scanners that can be reached, as checks; none is no failure, for files come through watch folders too."""

from __future__ import annotations

from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.scanning.drivers import drivers_of
from filmscand.daemon.station.configuration import Station
from filmscand.drivers.scanner.device_info import DeviceInfo
from filmscand.drivers.scanner.errors import ScannerError


def look_for_scanners(station: Station) -> tuple[Check, ...]:
    """Return each scanner that can be reached, or that there is none."""
    try:
        devices = drivers_of(station).list()
    except ScannerError as error:
        return (Check("scanner", Verdict.WARNING, str(error), error.advice),)
    if not devices:
        advice = "plug it in and switch it on, then `filmscand devices`; a watch folder needs none"
        return (Check("scanner", Verdict.OK, "none can be reached", advice),)
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
