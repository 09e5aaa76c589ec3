"""The drivers that a station's configuration names."""

from __future__ import annotations

from filmscand.daemon.station.configuration import Station
from filmscand.drivers.devices import Drivers


def drivers_of(station: Station) -> Drivers:
    """Return what lists and opens the scanners of a station."""
    return Drivers(station.scanners.hosts, station.scanners.programs)
