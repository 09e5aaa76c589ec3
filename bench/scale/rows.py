"""A station with very many empty frames: rows as the queue makes them, and of the archive only what a run reads."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from bench.scale.frame_cost import FrameCost
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.database.connection import open_database, transaction
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import Station, load_station
from filmscand.ir.identity import engine_identity

# As many as a magazine or a film has.
FRAMES_OF_A_ROLL: Final = 40
_ROLLS_OF_A_BOX: Final = 50


@dataclass(frozen=True, slots=True)
class DatabaseCost:
    """Rows and bytes of the database for each frame."""

    rows: float
    size_bytes: float


def make_station(root: Path, cost: FrameCost, frames: int) -> Station:
    """Return a station whose queue holds so many frames, each with the request of the measured one."""
    (root / "station.yaml").write_text(yaml.safe_dump({"root": str(root)}))
    station = load_station(root / "station.yaml")
    connect_station(station).close()
    with closing(open_database(station.database)) as connection, transaction(connection):
        queue = Queue(connection)
        for index in range(frames):
            frame = frame_of(index)
            sha256 = f"{index:064x}"
            original = cost.original.model_copy(update={"sha256": sha256, "name": f"{frame.stem}_raw.tif"})
            request = CleanRequest(originals=(original,))
            source = SourceFile("raw", sha256, cost.raw_bytes, original.name)
            roll = Roll(frame.collection, frame.box, frame.roll)
            job = queue.reserve(roll, frame.number, [source], request)
            queue.enqueue(job.job_id, request)
    return station


def frame_of(index: int) -> FrameId:
    """Return the frame of a number from 0."""
    roll = index // FRAMES_OF_A_ROLL
    return FrameId("bench", f"box-{roll // _ROLLS_OF_A_BOX:05d}", f"roll-{roll:06d}", index % FRAMES_OF_A_ROLL + 1)


def add_records(station: Station, cost: FrameCost, frames: int) -> None:
    """Write what is read of the archive when a result is entered: sidecars, and events of full rolls."""
    for index in range(frames):
        frame = frame_of(index)
        folder = station.archive / frame.folder
        folder.mkdir(parents=True)
        (folder / f"{frame.stem}.json").write_bytes(b" " * cost.sidecar_bytes)
        if frame.number == 1:
            (folder.parent.parent / "metadata").mkdir()
            events = folder.parent.parent / "metadata" / "events.jsonl"
            events.write_bytes(b" " * (cost.events_bytes * FRAMES_OF_A_ROLL))


def empty_result(cost: FrameCost) -> CleanResult:
    """Return the result of the measured frame, as made by an engine that is not this one."""
    return cost.result.model_copy(update={"engine": f"{engine_identity().version} 000000000000"})


def database_cost(station: Station, frames: int) -> DatabaseCost:
    """Return what each frame takes in a database in which all of them have finished."""
    with closing(open_database(station.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = sum(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables)
        pages, page_bytes = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    return DatabaseCost(rows / frames, pages * page_bytes / frames)
