"""How fast frames come from a scanner into the archive: `python -m bench.scanning`.

A virtual scanner in a process of its own delivers frames of 24 megapixels through real libsane, and a session archives
them, hashed and synced. It scans one magazine while the workers are stopped, and one while they clean the frames of the
first. Both are scanned as fast as the line allows, and at a multiple of a real scanner's pace, where cleaning must not
slow the scan down.
"""

from __future__ import annotations

import argparse
import os
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

from bench.frames.large import tiled_frame
from bench.measures.figure_table import FigureTable, columns
from bench.measures.figures import save_figures
from bench.measures.process import in_child, memory_bytes
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import ScanPlan, SessionState, Taken
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.station.configuration import load_station

ROWS, COLS = 4000, 6000
# Time of a frame over that of a real LS-5000, which takes some 50 s for a frame of this size.
REAL_PACE = 0.05
_DEVICE = "net:127.0.0.33:coolscan3:virtual"
_LOOK_S = 0.02
_TICKS_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class MagazineScan:
    """Measurements of one scanned magazine.

    Attributes
    ----------
    frame_bytes : int
        Size of a raw frame.
    archived_s : tuple of float
        Time at which each frame was queued for cleaning.
    cpu_s : float
        Processor seconds of the service, its scanner process and the virtual scanner, for all frames together.
    cleaned : int
        Frames that the workers cleaned meanwhile.
    before_bytes, most_bytes : int
        Resident memory of the service before the scan, and its peak.
    """

    frame_bytes: int
    archived_s: tuple[float, ...]
    cpu_s: float
    cleaned: int
    before_bytes: int
    most_bytes: int

    @property
    def frame_s(self) -> list[float]:
        """Seconds from each frame to the next; the first frame, for which the scanner is opened, has none."""
        return [later - earlier for earlier, later in pairwise(self.archived_s)]


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.scanning", description=__doc__)
    parser.add_argument("--slides", type=int, default=6, help="slides in each of the four magazines")
    parser.add_argument("--folder", type=Path, help="folder for the archive, to measure its disk")
    options = parser.parse_args()
    console = Console(highlight=False)
    tables: list[FigureTable] = []
    with tempfile.TemporaryDirectory(prefix="filmscand-scanning-", dir=options.folder) as name:
        folder = Path(name)
        with console.status("making a slide"):
            slide = in_child(_write_slide, folder)
        for name, scale in (("as fast as the line", 0.0), (f"{1 / REAL_PACE:g} x as fast as a real one", REAL_PACE)):
            with console.status(name), _scanner([slide] * (2 * options.slides), scale) as scanner:
                alone, cleaning = _scan_twice(folder / f"scale-{scale:g}", scanner, options.slides)
            tables.append(scan_table(name, {"alone": alone, "while workers clean": cleaning}))
            console.print(tables[-1].for_terminal())
    save_figures("scanning", tables)


def _write_slide(folder: Path) -> Path:
    planes = tiled_frame(ROWS + 1, COLS)
    path = folder / "slide.tif"
    # Fourteen bits, as the scanner has.
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


def _scan_twice(root: Path, scanner: int, slides: int) -> tuple[MagazineScan, MagazineScan]:
    """Scan half of the slides while the workers are stopped, the other half while they clean the first."""
    root.mkdir()
    config = root / "station.yaml"
    config.write_text(yaml.safe_dump({"root": str(root), "page": {"enabled": False}}))
    station = load_station(config)
    command = [sys.executable, "-m", "filmscand.daemon.cli", "run", "--config", str(config)]
    with (root / "log").open("wb") as log, closing(open_database(station.database)) as connection:
        service = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while connection.execute("SELECT count(*) FROM service").fetchone()[0] == 0:
                time.sleep(_LOOK_S)
            time.sleep(2.0)
            _signal_workers(service.pid, signal.SIGSTOP)
            alone = _scan(connection, "alone", service.pid, scanner, slides)
            _signal_workers(service.pid, signal.SIGCONT)
            return alone, _scan(connection, "cleaning", service.pid, scanner, slides)
        finally:
            _signal_workers(service.pid, signal.SIGCONT)
            service.kill()
            service.wait()


def _scan(connection: sqlite3.Connection, roll: str, service: int, scanner: int, slides: int) -> MagazineScan:
    before_bytes = memory_bytes("VmRSS", service)
    Path(f"/proc/{service}/clear_refs").write_text("5")
    cleaned, cpu_s = _count_cleaned(connection), _cpu_s(service) + _cpu_s(scanner)
    archived_s = _watch(Sessions(connection), ScanPlan(roll=roll, device=_DEVICE, frames=slides))
    # The session's scanner process has ended by now: its time is part of the service's.
    cpu_s = _cpu_s(service) + _cpu_s(scanner) - cpu_s
    sizes = connection.execute("SELECT sum(size_bytes) FROM sources GROUP BY job_id").fetchall()
    cleaned = _count_cleaned(connection) - cleaned
    return MagazineScan(sizes[0][0], archived_s, cpu_s, cleaned, before_bytes, memory_bytes("VmHWM", service))


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
            raise SystemExit(f"the session waits for a person: {session.message}")
        captured = sum(frame.taken is Taken.CAPTURED for frame in sessions.frames(session_id))
        archived_s += [time.monotonic()] * (captured - len(archived_s))
        time.sleep(_LOOK_S)
    archived_s += [time.monotonic()] * (plan.frames - len(archived_s) if plan.frames else 0)
    return tuple(archived_s)


def _workers(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _signal_workers(pid: int, number: signal.Signals) -> None:
    for worker in _workers(pid):
        os.kill(worker, number)


def scan_table(name: str, scans: dict[str, MagazineScan]) -> FigureTable:
    """Return the measurements of several magazines, a column each."""
    frame_bytes = next(iter(scans.values())).frame_bytes
    size = f"{ROWS * COLS / 1e6:.0f} MP, {frame_bytes / 1e6:.0f} MB a frame"
    figures = [_figures(scan) for scan in scans.values()]
    return FigureTable(
        title=f"{name}: {size}, {os.cpu_count()} cores",
        columns=columns("figure", *scans),
        rows=tuple((row, *(each[row] for each in figures)) for row in figures[0]),
    )


def _figures(scan: MagazineScan) -> dict[str, float | int]:
    typical_s, best_s = float(np.median(scan.frame_s)), min(scan.frame_s)
    return {
        "seconds a frame, median": typical_s,
        "seconds a frame, fastest": best_s,
        "MB/s, median": scan.frame_bytes / typical_s / 1e6,
        "MB/s, fastest": scan.frame_bytes / best_s / 1e6,
        "frames a minute": 60 / typical_s,
        "processor seconds a frame": scan.cpu_s / len(scan.archived_s),
        "frames cleaned meanwhile": scan.cleaned,
        "service's memory above one frame, MB": (scan.most_bytes - scan.before_bytes - scan.frame_bytes) / 1e6,
    }


if __name__ == "__main__":
    main()
