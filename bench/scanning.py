"""From a scanner to raw files that are safe: `python -m bench.scanning`.

A virtual scanner, unthrottled and in a process of its own, gives frames of 24 megapixels through real libsane; a
session archives them, hashed and synced. Then the same once more while workers clean, to see whether they hold it up.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
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

from bench.measuring import in_child, tiled_frame
from daemon.config import load_station
from daemon.database import open_database
from daemon.session_store import Sessions
from daemon.sessions import ScanPlan, SessionState, Taken

ROWS, COLS = 4000, 6000
_DEVICE = "net:127.0.0.33:coolscan3:virtual"
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Course:
    """A magazine that was scanned: when each frame was in line, and the memory of the service's process."""

    frame_bytes: int
    archived_s: tuple[float, ...]
    before_bytes: int
    most_bytes: int

    @property
    def frame_s(self) -> float:
        """Seconds from one frame to the next; the first one, which opens the scanner, is left out."""
        return float(np.median([later - earlier for earlier, later in pairwise(self.archived_s)]))

    @property
    def rate_mb_s(self) -> float:
        """Raw data that became safe, MB a second."""
        return self.frame_bytes / self.frame_s / 1e6


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.scanning", description=__doc__)
    parser.add_argument("--slides", type=int, default=6)
    parser.add_argument("--folder", type=Path, help="where the archive is made, to measure that disk")
    asked = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="filmscand-scanning-", dir=asked.folder) as name:
        folder = Path(name)
        with console.status("making a slide"):
            slide = in_child(_write_slide, folder)
        courses = {}
        for what, cleaning in (("scanning alone", False), ("scanning while workers clean", True)):
            with console.status(what), _scanner([slide] * asked.slides):
                courses[what] = _course(folder / what.replace(" ", "-"), asked.slides, cleaning=cleaning)
    console.print(_table(courses))


def _write_slide(folder: Path) -> Path:
    planes = tiled_frame(ROWS + 1, COLS)
    path = folder / "slide.tif"
    # Fourteen bits, as the scanner has them.
    samples = np.dstack([planes.rgb, planes.infrared]) & 0xFFFC
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"], software="VueScan", metadata=None)
    return path


@contextmanager
def _scanner(slides: Sequence[Path]) -> Iterator[None]:
    host = _DEVICE.split(":")[1]
    command = [sys.executable, "-m", "daemon.cli", "virtual-scanner", "--address", host, *map(str, slides)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as scanner:
        assert scanner.stdout is not None
        scanner.stdout.readline()
        try:
            yield
        finally:
            scanner.send_signal(signal.SIGTERM)


def _course(root: Path, slides: int, *, cleaning: bool) -> Course:
    root.mkdir()
    config = root / "station.yaml"
    config.write_text(yaml.safe_dump({"root": str(root)}))
    station = load_station(config)
    command = [sys.executable, "-m", "daemon.cli", "run", "--config", str(config)]
    with (root / "log").open("wb") as log, closing(open_database(station.database)) as connection:
        service = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while connection.execute("SELECT count(*) FROM service").fetchone()[0] == 0:
                time.sleep(_LOOK_S)
            time.sleep(2.0)
            if not cleaning:
                _hold_workers(service.pid)
            before = _memory(service.pid, "VmRSS")
            Path(f"/proc/{service.pid}/clear_refs").write_text("5")
            archived_s = _watch(Sessions(connection), ScanPlan(roll="bench", device=_DEVICE, frames=slides))
            sizes = connection.execute("SELECT sum(size_bytes) FROM sources GROUP BY job_id").fetchall()
            return Course(sizes[0][0], archived_s, before, _memory(service.pid, "VmHWM"))
        finally:
            _let_workers_go(service.pid)
            service.terminate()
            service.wait()


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


def _hold_workers(pid: int) -> None:
    for worker in _workers(pid):
        os.kill(worker, signal.SIGSTOP)


def _let_workers_go(pid: int) -> None:
    for worker in _workers(pid):
        os.kill(worker, signal.SIGCONT)


def _memory(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None, f"the kernel does not tell {name}"
    return int(found[1]) << 10


def _table(courses: dict[str, Course]) -> Table:
    frame = next(iter(courses.values())).frame_bytes
    table = Table(title=f"{ROWS * COLS / 1e6:.0f} MP, {frame / 1e6:.0f} MB a frame, {os.cpu_count()} cores")
    table.add_column("", no_wrap=True)
    for name in ("s a frame", "MB/s", "service before, MB", "at most, MB", "above one frame, MB"):
        table.add_column(name, justify="right")
    for what, course in courses.items():
        above = course.most_bytes - course.before_bytes - course.frame_bytes
        memory = (course.before_bytes, course.most_bytes, above)
        table.add_row(
            what, f"{course.frame_s:.2f}", f"{course.rate_mb_s:.0f}", *(f"{each / 1e6:.0f}" for each in memory)
        )
    return table


if __name__ == "__main__":
    main()
