"""The whole way of a 24-megapixel frame, file to sidecar: `python -m bench.throughput`."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from rich.console import Console
from rich.table import Table

from bench.measuring import Peak, copy_seconds, forget_peak, in_child, most_resident_bytes, resident_bytes, tiled_frame
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role

_ROWS, _COLS = 4000, 6000
_WARM_ROWS, _WARM_COLS = 800, 1200
_PARTS_OF_STORE = ("write_clean", "write_mask", "write_access")


@dataclass(frozen=True, slots=True)
class _Way:
    """Seconds: taking the file into the archive, each step from its reading to the sidecar, and the engine's steps."""

    ingest_s: float
    steps: dict[str, float]
    engine: dict[str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--frames", type=int, default=3, help="the fastest of so many counts")
    parser.add_argument("--kind", default="leaky_slide")
    parser.add_argument("--folder", type=Path, help="where the archive is made, to measure that disk")
    asked = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="filmscand-throughput-", dir=asked.folder) as name:
        folder = Path(name)
        with console.status("making the frame"):
            planes = tiled_frame(_ROWS, _COLS, asked.kind)
            _write(folder / "frame.tif", np.dstack([planes.rgb, planes.infrared]))
            _write(folder / "small.tif", np.dstack([planes.rgb, planes.infrared])[:_WARM_ROWS, :_WARM_COLS])
            frame_bytes, copy_s = planes.nbytes, copy_seconds(planes)
            del planes
        with console.status("cleaning into an archive"):
            ways, peak = in_child(_all_ways, folder, asked.frames)
    cores = len(os.sched_getaffinity(0))
    title = f"{_ROWS * _COLS / 1e6:.0f} MP, {frame_bytes / 1e6:.0f} MB, {cores} cores, fastest of {len(ways)} frames"
    console.print(_table(title, min(ways, key=lambda way: way.steps["total"]), copy_s))
    console.print(f"one copy of the frame in memory: {1000 * copy_s:.1f} ms")
    console.print(f"peak of the worker: {peak.describe(frame_bytes)}", soft_wrap=True)


def _write(path: Path, samples: np.ndarray) -> None:
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"], software="VueScan", metadata=None)


def _all_ways(folder: Path, frames: int) -> tuple[list[_Way], Peak]:
    archive = Archive(folder / "archive")
    _one_way(archive, FrameId("bench", "warm", "up", 1), folder / "small.tif")
    imported = resident_bytes()
    forget_peak()
    ways = [_one_way(archive, FrameId("bench", "box", "roll", 1), folder / "frame.tif")]
    # The pipeline reads the frame itself, so that "with the frame" is what was imported and the frame's own size.
    frame_bytes = (folder / "frame.tif").stat().st_size
    peak = Peak(imported, imported + frame_bytes, most_resident_bytes())
    numbers = range(2, frames + 1)
    ways += [_one_way(archive, FrameId("bench", "box", "roll", number), folder / "frame.tif") for number in numbers]
    return ways, peak


def _one_way(archive: Archive, frame: FrameId, source: Path) -> _Way:
    began = time.perf_counter()
    original = archive.copy_original(frame, source, Role.RAW)
    ingest_s = time.perf_counter() - began
    result = clean_into_archive(archive, frame, CleanRequest(originals=(original,)))
    return _Way(ingest_s, result.seconds, result.report.step_seconds or {})


def _table(title: str, way: _Way, copy_s: float) -> Table:
    table = Table(title=title)
    table.add_column("step")
    for name in ("seconds", "copies"):
        table.add_column(name, justify="right")

    def row(step: str, seconds: float) -> None:
        table.add_row(step, f"{seconds:.3f}", f"{seconds / copy_s:.1f}")

    row("taken into the archive, hashed, synced", way.ingest_s)
    table.add_section()
    for step in ("read", "clean"):
        row(step, way.steps[step])
    for step, seconds in way.engine.items():
        row(f"  {step}", seconds)
    row("preview", way.steps["preview"])
    row("store (side by side)", way.steps["store"])
    for step in _PARTS_OF_STORE:
        row(f"  {step}", way.steps[step])
    row("sidecar", way.steps["sidecar"])
    table.add_section()
    row("[bold]file read to sidecar[/]", way.steps["total"])
    return table


if __name__ == "__main__":
    main()
