"""A station with many frames for the bench of the page: one is real, the others have its record and its files."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import tifffile
import yaml

from bench.frames.large import Planes
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database, open_to_read, transaction
from filmscand.daemon.database.frames import Job, JobOutcome, Roll, find_frame
from filmscand.daemon.station.configuration import Station, load_station

LONG_ROLL: Final = Roll("unsorted", "unsorted", "long-roll")
# As many as a magazine of a slide projector or a film has.
FRAMES_OF_A_ROLL: Final = 40
# Every so many frames one is flagged, and one failed: more than at a station that is looked after.
_FLAGGED_EVERY, _FAILED_EVERY = 50, 97
_LIMIT_S: Final = 900.0
_LOOK_S: Final = 0.2
_PORT_IN: Final = "page at http://127.0.0.1:"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its process number, and the port of its page."""

    pid: int
    port: int


def make_station(root: Path) -> Station:
    """Write the configuration of a station in a folder: one watch folder, one worker, the page at any free port."""
    (root / "drop").mkdir(parents=True)
    watch = {"path": "drop", "settle_s": 1.0}
    (root / "station.yaml").write_text(yaml.safe_dump({"root": str(root), "watch": [watch], "page": {"port": 0}}))
    return load_station(root / "station.yaml")


@contextmanager
def running(station: Station) -> Iterator[Service]:
    """Run the service of a station around the block."""
    log = station.root / "service.log"
    command = [sys.executable, "-m", "filmscand.daemon.cli", "run", "--config", str(station.root / "station.yaml")]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Service(process.pid, _port(log, process))
        process.send_signal(signal.SIGTERM)
        process.wait(_LIMIT_S)
    finally:
        process.kill()
        process.wait()


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    end_s = time.monotonic() + _LIMIT_S
    while time.monotonic() < end_s and process.poll() is None:
        _, found, rest = log.read_text().partition(_PORT_IN)
        if found and "/" in rest:
            return int(rest.partition("/")[0])
        time.sleep(_LOOK_S)
    raise SystemExit(f"the service does not serve its page; {log} tells why")


def drop(station: Station, roll: str, planes: Planes, numbers: range) -> None:
    """Drop one scan for each number into the folder of a roll; no two have the same content."""
    folder = station.root / "drop" / roll
    folder.mkdir(exist_ok=True)
    samples = np.dstack([planes.rgb, planes.infrared])
    for number in numbers:
        samples[0, 0, 0] = number
        scan = station.root / f"{number:04d}.tif"
        tifffile.imwrite(
            scan, samples, photometric="rgb", extrasamples=["unspecified"], software="VueScan", metadata=None
        )
        scan.rename(folder / scan.name)


def wait_for(station: Station, roll: str, frames: int) -> list[Job]:
    """Wait until a roll has so many archived frames; returns them by number."""
    end_s = time.monotonic() + _LIMIT_S
    with closing(open_to_read(station.database)) as connection:
        while time.monotonic() < end_s:
            jobs = [find_frame(connection, FrameId("unsorted", "unsorted", roll, n)) for n in range(1, frames + 1)]
            done = [job for job in jobs if job is not None and job.outcome is not None]
            if len(done) == frames:
                if any(job.outcome is not JobOutcome.ARCHIVED for job in done):
                    raise SystemExit(f"a frame of {roll} failed: {[job.error for job in done]}")
                return done
            time.sleep(_LOOK_S)
    raise SystemExit(f"{roll}: {frames} frames were not cleaned within {_LIMIT_S:.0f} s")


def fill(station: Station, long_roll: int, frames: int) -> None:
    """Give a stopped station a roll of `long_roll` frames with files, and rows for `frames` frames in all.

    The first frame of the long roll has to be archived already: its files get more names, and its record is copied.
    """
    first = FrameId(LONG_ROLL.collection, LONG_ROLL.box, LONG_ROLL.roll, 1)
    archive = Archive(station.archive)
    for number in range(2, long_roll + 1):
        _copy_files(archive, first, number)
    with closing(open_database(station.database)) as connection:
        job = find_frame(connection, first)
        assert job is not None
        _copy_rows(connection, job, long_roll, frames)


def _copy_files(archive: Archive, first: FrameId, number: int) -> None:
    source = archive.frame_folder(first).path
    stem = f"{first.roll}_{number:04d}"
    folder = source.with_name(stem)
    folder.mkdir()
    for file in source.iterdir():
        copy = folder / file.name.replace(first.stem, stem)
        if file.suffix == ".json":
            record = json.loads(file.read_text().replace(first.stem, stem))
            record["frame"]["number"] = number
            copy.write_text(json.dumps(record))
        else:
            os.link(file, copy)


def _copy_rows(connection: sqlite3.Connection, job: Job, long_roll: int, frames: int) -> None:
    assert job.result is not None
    request, result = job.request.model_dump_json(), job.result.model_copy(update={"warnings": ()}).model_dump_json()
    flagged = job.result.model_copy(update={"warnings": ("many_defects",)}).model_dump_json()

    def row(place: tuple[str, str, str], number: int, index: int) -> tuple[object, ...]:
        if index % _FAILED_EVERY == 0:
            return (*place, number, "failed", request, None, float(index), float(index))
        return (*place, number, "archived", request, result if index % _FLAGGED_EVERY else flagged, index, index)

    long = ((LONG_ROLL.collection, LONG_ROLL.box, LONG_ROLL.roll), range(2, long_roll + 1))
    others = (
        (("museum", f"box-{roll // 50:03d}", f"roll-{roll:05d}"), range(1, FRAMES_OF_A_ROLL + 1))
        for roll in range((frames - long_roll) // FRAMES_OF_A_ROLL)
    )
    rows = (
        row(place, number, index * FRAMES_OF_A_ROLL + number)
        for index, (place, numbers) in enumerate((long, *others))
        for number in numbers
    )
    with transaction(connection):
        connection.executemany(
            "INSERT INTO frames (collection, box, roll, number, state, outcome, request, result, source, created_at,"
            " finished_at) VALUES (?, ?, ?, ?, 'finished', ?, ?, ?, 'scan.tif', ?, ?)",
            rows,
        )
