"""The page under load: `python -m bench.page`.

The real service on a station with 200,000 frames cleans a batch of frames of 24 megapixels, half of them while twenty
browsers watch it. Then Chromium opens and scrolls a roll of 4,000 frames, and the queries of the page are timed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright
from rich.console import Console

from bench.frames.large import Planes, tiled_frame
from bench.measures.figure_table import Cell, FigureTable, Target, columns, target_table
from bench.measures.figures import save_figures
from bench.measures.process import in_child, memory_bytes, seconds_of
from bench.page.station import LONG_ROLL, Service, drop, fill, make_station, running, wait_for
from bench.page.watchers import StatusClock, watched
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import count_frames, find_frame, last_finished, states_of, unfinished_states
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.sheets.flagged import frames_to_review
from filmscand.daemon.database.sheets.rolls import count_by_roll, count_roll, frames_of_roll, neighbours
from filmscand.daemon.station.configuration import Station

_ROWS, _COLS = 4000, 6000
_TICKS_S = os.sysconf("SC_CLK_TCK")
_TIMES = 9
# Wanted: by the issue of the page.
_STATUS_MS, _SLOWER, _GROWTH_MB, _QUERY_MS = 200.0, 0.05, 150.0, 20.0
# What a person sees as a stutter: three frames of a screen at 60 Hz.
_STUTTER_MS = 50.0
_SCROLL = """async () => {
  const gaps = [];
  let before = performance.now();
  const end = before + 5000;
  while (before < end) {
    const now = await new Promise(requestAnimationFrame);
    gaps.push(now - before);
    before = now;
    scrollBy({ top: 60, behavior: "instant" });
  }
  return gaps.slice(1);
}"""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a batch took.

    Attributes
    ----------
    frame_s : tuple of float
        Seconds of the worker for each frame.
    service_s : float
        Processor seconds of the service's own process for each frame.
    """

    frame_s: tuple[float, ...]
    service_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """The service under load: batches without and with browsers, times of the status, and memory."""

    alone: tuple[Batch, ...]
    watched: tuple[Batch, ...]
    status_s: tuple[float, ...]
    growth_bytes: int
    events: int
    readings: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A long contact sheet in Chromium: milliseconds to its first paint, and between the frames of a scroll."""

    first_paint_ms: float
    gaps_ms: tuple[float, ...]


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--browsers", type=int, default=20)
    parser.add_argument("--batch", type=int, default=2, help="frames of each of four batches; every other is watched")
    parser.add_argument("--roll", type=int, default=4000, help="frames of the long roll")
    parser.add_argument("--frames", type=int, default=200_000, help="frames in the database")
    parser.add_argument("--folder", type=Path, help="folder for the station: some gigabytes")
    options = parser.parse_args()
    console = Console(highlight=False)
    loaded = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="filmscand-page-", dir=options.folder) as name:
        station = make_station(Path(name, "station"))
        with console.status("making the frame"):
            planes: Planes = in_child(tiled_frame, _ROWS, _COLS)
        with console.status("the first frame of the long roll"), running(station):
            drop(station, LONG_ROLL.roll, planes, range(1, 2))
            wait_for(station, LONG_ROLL.roll, 1)
        with console.status(f"{options.frames} frames"):
            fill(station, options.roll, options.frames)
        with running(station) as service:
            with console.status("batches"):
                load = _measure_load(station, service, planes, options.batch, options.browsers)
            with console.status("Chromium"):
                sheet = _measure_sheet(service)
        queries = _measure_queries(station, options.roll // 2)
    title = f"{len(os.sched_getaffinity(0))} cores, load {loaded:.1f} before the run"
    tables = [
        load_table(f"{options.browsers} browsers beside frames of 24 MP; {title}", load),
        sheet_table(f"a roll of {options.roll} frames in Chromium", sheet),
        queries_table(f"queries with {options.frames} frames", queries),
        target_table("targets", targets(load, sheet, queries)),
    ]
    for table in tables:
        console.print(table.for_terminal())
    save_figures("page", tables)


def _measure_load(station: Station, service: Service, planes: Planes, frames: int, browsers: int) -> Load:
    """Clean batches without, with, with and without browsers: what grows slowly is on both sides."""
    alone, watched_batches, status_s, seen = [], [], [], [0, 0]
    before_bytes = memory_bytes("VmRSS", service.pid)
    Path(f"/proc/{service.pid}/clear_refs").write_text("5")
    for turn, is_watched in enumerate((False, True, True, False)):
        if not is_watched:
            alone.append(_batch(station, service, planes, f"batch-{turn}", frames))
            continue
        clock = StatusClock(service.port)
        with watched(service.port, browsers) as watchers:
            clock.start()
            watched_batches.append(_batch(station, service, planes, f"batch-{turn}", frames))
            clock.stop()
        status_s += clock.seconds
        seen[0] += sum(watcher.events for watcher in watchers)
        seen[1] += sum(watcher.readings for watcher in watchers)
    growth_bytes = memory_bytes("VmHWM", service.pid) - before_bytes
    return Load(tuple(alone), tuple(watched_batches), tuple(status_s), growth_bytes, *seen)


def _batch(station: Station, service: Service, planes: Planes, roll: str, frames: int) -> Batch:
    began_s = _cpu_s(service.pid)
    # The number is in the content, and no picture comes twice.
    first = 1 + int(roll[-1]) * frames + 1
    drop(station, roll, planes, range(first, first + frames))
    jobs = wait_for(station, roll, frames)
    seconds = tuple(job.result.seconds["total"] for job in jobs if job.result is not None)
    return Batch(seconds, (_cpu_s(service.pid) - began_s) / frames)


def _cpu_s(pid: int) -> float:
    """Return the processor seconds of a process, without those of its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / _TICKS_S


def _measure_sheet(service: Service) -> Sheet:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed: as root, apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        place = f"{LONG_ROLL.collection}/{LONG_ROLL.box}/{LONG_ROLL.roll}"
        tab.goto(f"http://127.0.0.1:{service.port}/rolls/{place}")
        painted = tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
        gaps: Any = tab.evaluate(_SCROLL)
        browser.close()
    return Sheet(float(painted), tuple(map(float, gaps)))


def _measure_queries(station: Station, number: int) -> dict[str, float]:
    """Return the milliseconds of each query of the page and of the queue, the fastest of some; the service has ended.

    `number`: a frame of the long roll.
    """
    with closing(open_database(station.database)) as connection:
        queue, worker = Queue(connection), ProcessId(os.getpid(), 1)
        frame = FrameId(LONG_ROLL.collection, LONG_ROLL.box, LONG_ROLL.roll, number)
        known = find_frame(connection, frame)
        assert known is not None
        job = queue.retry(known.job_id)
        queries: dict[str, Callable[[], object]] = {
            "count the frames by state": lambda: count_frames(connection),
            "the last 20 frames": lambda: last_finished(connection, 20),
            "what has not finished": lambda: unfinished_states(connection),
            "what moved": lambda: states_of(connection, [job.job_id], 1e12),
            "all rolls": lambda: count_by_roll(connection),
            "one roll": lambda: count_roll(connection, LONG_ROLL),
            "the frames of the long roll": lambda: frames_of_roll(connection, LONG_ROLL),
            "one frame": lambda: find_frame(connection, frame),
            "its neighbours": lambda: neighbours(connection, frame),
            "500 frames to review": lambda: frames_to_review(connection, ["many_defects"], 500),
            "take a frame and give it back": lambda: _take(queue, worker),
        }
        # Whatever else the machine does makes a query slower, never faster.
        return {name: 1000 * min(seconds_of(query) for _ in range(_TIMES)) for name, query in queries.items()}


def _take(queue: Queue, worker: ProcessId) -> None:
    lease = queue.take(worker, 60.0)
    assert lease is not None
    queue.give_back(lease)


def slower(load: Load) -> float:
    """Return by which share the watched frames took longer: medians, for some frame always is disturbed."""
    alone, watching = (
        float(np.median([s for batch in each for s in batch.frame_s])) for each in (load.alone, load.watched)
    )
    return watching / alone - 1


def load_table(title: str, load: Load) -> FigureTable:
    """Return what the service did without and with browsers."""
    status_ms = 1000 * np.array(load.status_s)
    sides = {"alone": load.alone, "watched": load.watched}
    frame_s = {name: [s for batch in each for s in batch.frame_s] for name, each in sides.items()}
    rows: list[tuple[Cell, ...]] = [
        ("frames", *(len(each) for each in frame_s.values())),
        ("seconds a frame, median", *(float(np.median(each)) for each in frame_s.values())),
        ("seconds a frame, fastest", *(min(each) for each in frame_s.values())),
        (
            "the service's own processor seconds a frame",
            *(float(np.mean([batch.service_s for batch in each])) for each in sides.values()),
        ),
        ("status, median, ms", None, float(np.median(status_ms))),
        ("status, 99 of 100, ms", None, float(np.percentile(status_ms, 99))),
        ("answers of the status", None, len(status_ms)),
        ("events, and pages that were read again", load.events, load.readings),
        ("growth of the service, MB", None, load.growth_bytes / 1e6),
    ]
    return FigureTable(title=title, columns=columns("figure", "alone", "watched"), rows=tuple(rows))


def sheet_table(title: str, sheet: Sheet) -> FigureTable:
    """Return how long a long contact sheet takes."""
    gaps_ms = np.array(sheet.gaps_ms)
    return FigureTable(
        title=title,
        columns=columns(
            ("first paint, ms", 0), ("frames of 5 s of scrolling", 0), ("median, ms", 1), ("longest, ms", 1)
        ),
        rows=((sheet.first_paint_ms, len(gaps_ms), float(np.median(gaps_ms)), float(gaps_ms.max())),),
    )


def queries_table(title: str, queries: dict[str, float]) -> FigureTable:
    """Return the milliseconds of each query."""
    return FigureTable(title=title, columns=columns("query", ("ms", 1)), rows=tuple(queries.items()))


def targets(load: Load, sheet: Sheet, queries: dict[str, float]) -> Sequence[Target]:
    """Return what is wanted of the page, and whether it is so."""
    p99_ms = 1000 * float(np.percentile(load.status_s, 99))
    share, growth_mb, longest_ms = slower(load), load.growth_bytes / 1e6, max(sheet.gaps_ms)
    slowest = max(queries, key=lambda name: queries[name])
    return (
        ("status, 99 of 100", f"{p99_ms:.0f} ms", f"{_STATUS_MS:.0f} ms", p99_ms <= _STATUS_MS),
        ("cleaning is slower by", f"{share:.1%}", f"{_SLOWER:.0%}", share < _SLOWER),
        ("the service grows by", f"{growth_mb:.0f} MB", f"{_GROWTH_MB:.0f} MB", growth_mb < _GROWTH_MB),
        ("longest frame of scrolling", f"{longest_ms:.0f} ms", f"{_STUTTER_MS:.0f} ms", longest_ms <= _STUTTER_MS),
        (
            f"slowest query ({slowest})",
            f"{queries[slowest]:.1f} ms",
            f"{_QUERY_MS:.0f} ms",
            queries[slowest] < _QUERY_MS,
        ),
    )


if __name__ == "__main__":
    main()
