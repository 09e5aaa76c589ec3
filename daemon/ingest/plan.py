"""The settings of one ingest thread."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.station.configuration import Station, Watch


@dataclass(frozen=True, slots=True)
class IngestPlan:
    """The settings of one ingest thread.

    Attributes
    ----------
    watch : Watch
        The folder.
    archive, database : Path
        Top of the archive, and the station's database.
    request : CleanRequest
        How every frame is to be cleaned.
    timing : Timing
        Waiting times.
    memory_limit_bytes : int
        Memory that a comparison of two files may use: as much as a worker.
    targets : tuple of str
        Names of the targets that sealed rolls are copied to.
    """

    watch: Watch
    archive: Path
    database: Path
    request: CleanRequest
    timing: Timing
    memory_limit_bytes: int
    targets: tuple[str, ...] = ()


def plan_ingest(station: Station, timing: Timing) -> list[IngestPlan]:
    """Return one plan for each watch of a station."""
    limit_bytes = station.workers.memory_limit_mib << 20
    targets = tuple(replica.name for replica in station.replicate)
    return [
        IngestPlan(watch, station.archive, station.database, request_for(station, watch), timing, limit_bytes, targets)
        for watch in station.watch
    ]


def request_for(station: Station, watch: Watch) -> CleanRequest:
    """Return how every frame of a watch folder is to be cleaned."""
    return CleanRequest(
        film=watch.film,
        sensitivity=station.cleaning.sensitivity,
        fourth_sample_is_infrared=watch.fourth_sample_infrared,
    )
