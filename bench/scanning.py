"""From a scanner to raw files that are safe: `python -m bench.scanning`.

A virtual scanner in a process of its own gives frames of 24 megapixels through real libsane; a session archives them,
hashed and synced: once with the workers held, and once while they clean, without a pause, what was scanned before. Both
as fast as the line allows, and at the pace of a real scanner made faster by a known factor: there, cleaning must cost
nothing.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import tifffile
import yaml
from rich.console import Console
from rich.table import Table

from bench.measures.process import in_child, tiled_frame
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import ScanPlan, SessionState, Taken
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.station.configuration import load_station

ROWS, COLS = 4000, 6000
# A real LS-5000 takes some 50 s for such a frame.
REAL_PACE = 0.05
_DEVICE = "net:127.0.0.33:coolscan3:virtual"
_LOOK_S = 0.02
_TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Course:
    """A magazine that was scanned.

    Attributes
    ----------
    archived_s : tuple of float
        When each frame stood in line for cleaning.
    cpu_s : float
        Processor seconds of service, its scanner process and virtual scanner, for all frames together.
    cleaned : int
        Frames that the workers finished meanwhile.
    """

    frame_bytes: int
    archived_s: tuple[float, ...]
    cpu_s: float
    cleaned: int
    before_bytes: int
    most_bytes: int

    @property
    def frame_s(self) -> list[float]:
        """Seconds from one frame to the next; the first one, which opens the scanner, is left out."""
        return [later - earlier for earlier, later in pairwise(self.archived_s)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scanning", description=__doc__)
    parser.add_argument("--slides", type=int, default=6, help="of each of the four courses")
    parser.add_argument("--folder", type=Path, help="where the archive is made, to measure that disk")
    asked = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="filmscand-scanning-", dir=asked.folder) as name:
        folder = Path(name)
        with console.status("making a slide"):
            slide = in_child(_write_slide, folder)
        for name, scale in (("as fast as the line", 0.0), (f"{1 / REAL_PACE:g} x as fast as a real one", REAL_PACE)):
            with console.status(name), _scanner([slide] * (2 * asked.slides), scale) as scanner:
                alone, cleaning = _courses(folder / f"scale-{scale:g}", scanner, asked.slides)
            console.print(_table(name, {"alone": alone, "while workers clean": cleaning}))


def _write_slide(folder: Path) -> Path:
    planes = tiled_frame(ROWS + 1, COLS)
    path = folder / "slide.tif"
    # Fourteen bits, as the scanner has them.
    samples = np.dstack([planes.rgb, planes.infrared]) & 0xFFFC
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"], software="VueScan", metadata=None)
    return path


@contextmanager
def _scanner(slides: Sequence[Path], time_scale: float) -> Iterator[int]:
    host = _DEVICE.split(":")[1]
    command = [sys.executable, "-m", "filmscand.daemon.cli", "virtual-scanner", "--address", host]
    command += ["--time-scale", str(time_scale), *map(str, slides)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as scanner:
        assert scanner.stdout is not None
        scanner.stdout.readline()
        try:
            yield scanner.pid
        finally:
            scanner.send_signal(signal.SIGTERM)


def _courses(root: Path, scanner: int, slides: int) -> tuple[Course, Course]:
    """Scan half of the magazine with the workers held, the other half while they clean what came of the first."""
    root.mkdir()
    config = root / "station.yaml"
    config.write_text(yaml.safe_dump({"root": str(root)}))
    station = load_station(config)
    command = [sys.executable, "-m", "filmscand.daemon.cli", "run", "--config", str(config)]
    with (root / "log").open("wb") as log, closing(open_database(station.database)) as connection:
        service = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while connection.execute("SELECT count(*) FROM service").fetchone()[0] == 0:
                time.sleep(_LOOK_S)
            time.sleep(2.0)
            _tell_workers(service.pid, signal.SIGSTOP)
            alone = _course(connection, "alone", service.pid, scanner, slides)
            _tell_workers(service.pid, signal.SIGCONT)
            return alone, _course(connection, "cleaning", service.pid, scanner, slides)
        finally:
            _tell_workers(service.pid, signal.SIGCONT)
            service.kill()
            service.wait()


def _course(connection: sqlite3.Connection, roll: str, service: int, scanner: int, slides: int) -> Course:
    before_bytes = _memory(service, "VmRSS")
    Path(f"/proc/{service}/clear_refs").write_text("5")
    cleaned, cpu_s = _count_cleaned(connection), _cpu_s(service) + _cpu_s(scanner)
    archived_s = _watch(Sessions(connection), ScanPlan(roll=roll, device=_DEVICE, frames=slides))
    # Until here the session's scanner process has ended, so that its time counts as the service's.
    cpu_s = _cpu_s(service) + _cpu_s(scanner) - cpu_s
    sizes = connection.execute("SELECT sum(size_bytes) FROM sources GROUP BY job_id").fetchall()
    cleaned = _count_cleaned(connection) - cleaned
    return Course(sizes[0][0], archived_s, cpu_s, cleaned, before_bytes, _memory(service, "VmHWM"))


def _count_cleaned(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM frames WHERE state = 'finished'").fetchone()[0])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / _TICKS_S


def _watch(sessions: Sessions, plan: ScanPlan) -> tuple[float, ...]:
    session_id = sessions.add(plan).session_id
    archived_s: list[float] = []
    while (session := sessions.find(session_id)).state is not SessionState.FINISHED:
        if session.state is SessionState.ATTENTION:
            raise SystemExit(f"the scanner calls for a person: {session.message}")
        captured = sum(frame.taken is Taken.CAPTURED for frame in sessions.frames(session_id))
        archived_s += [time.monotonic()] * (captured - len(archived_s))
        time.sleep(_LOOK_S)
    archived_s += [time.monotonic()] * (plan.frames - len(archived_s) if plan.frames else 0)
    return tuple(archived_s)


def _workers(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _tell_workers(pid: int, number: signal.Signals) -> None:
    for worker in _workers(pid):
        os.kill(worker, number)


def _memory(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None, f"the kernel does not tell {name}"
    return int(found[1]) << 10


def _table(name: str, courses: dict[str, Course]) -> Table:
    frame = next(iter(courses.values())).frame_bytes
    table = Table(title=f"{name}: {ROWS * COLS / 1e6:.0f} MP, {frame / 1e6:.0f} MB a frame, {os.cpu_count()} cores")
    table.add_column("", no_wrap=True)
    for what in courses:
        table.add_column(what, justify="right")
    for row in zip(*map(_figures, courses.values()), strict=True):
        table.add_row(row[0][0], *(figure for _, figure in row))
    return table


def _figures(course: Course) -> list[tuple[str, str]]:
    typical_s, best_s = float(np.median(course.frame_s)), min(course.frame_s)
    above = course.most_bytes - course.before_bytes - course.frame_bytes
    return [
        ("seconds a frame (best)", f"{typical_s:.2f} ({best_s:.2f})"),
        ("MB/s (best)", f"{course.frame_bytes / typical_s / 1e6:.0f} ({course.frame_bytes / best_s / 1e6:.0f})"),
        ("frames a minute", f"{60 / typical_s:.1f}"),
        ("processor seconds a frame", f"{course.cpu_s / len(course.archived_s):.2f}"),
        ("frames cleaned meanwhile", str(course.cleaned)),
        ("service's memory above one frame, MB", f"{above / 1e6:.0f}"),
    ]


if __name__ == "__main__":
    main()
