"""Time of a 24-megapixel frame from its file to its sidecar, step by step: `python -m bench.throughput`."""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from rich.console import Console

from bench.frames.large import tiled_frame
from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.figures import save_figures
from bench.measures.process import Peak, copy_seconds, forget_peak, in_child, most_resident_bytes, resident_bytes
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role

_ROWS, _COLS = 4000, 6000
_WARM_ROWS, _WARM_COLS = 800, 1200
_PARTS_OF_STORE = ("write_clean", "write_mask", "write_access")


@dataclass(frozen=True, slots=True)
class Passage:
    """Seconds of one frame: its copy into the archive, each step from reading to sidecar, and the engine's steps.

    `cp_s`: the seconds that `cp` and `sync` take for the same file. Both find it on the disk, not in memory.
    """

    ingest_s: float
    cp_s: float
    steps: dict[str, float]
    engine: dict[str, float]


def main() -> None:
    """Measure, print and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.throughput", description=__doc__)
    parser.add_argument("--frames", type=int, default=3, help="number of frames; the fastest counts")
    parser.add_argument("--kind", default="leaky_slide")
    parser.add_argument("--folder", type=Path, help="folder for the archive, to measure its disk")
    options = parser.parse_args()
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="filmscand-throughput-", dir=options.folder) as name:
        folder = Path(name)
        with console.status("making the frame"):
            planes = tiled_frame(_ROWS, _COLS, options.kind)
            _write(folder / "frame.tif", np.dstack([planes.rgb, planes.infrared]))
            _write(folder / "small.tif", np.dstack([planes.rgb, planes.infrared])[:_WARM_ROWS, :_WARM_COLS])
            frame_bytes, copy_s = planes.nbytes, copy_seconds(planes)
            del planes
        with console.status("cleaning into an archive"):
            passages, peak = in_child(_measure, folder, options.frames)
    cores = len(os.sched_getaffinity(0))
    size = f"{_ROWS * _COLS / 1e6:.0f} MP, {frame_bytes / 1e6:.0f} MB"
    title = f"{size}, {cores} cores, fastest of {len(passages)} frames; one copy in memory: {1000 * copy_s:.1f} ms"
    tables = [
        steps_table(title, min(passages, key=lambda each: each.steps["total"]), copy_s),
        peak_table(peak, frame_bytes),
    ]
    for table in tables:
        console.print(table.for_terminal())
    save_figures("throughput", tables)


def _write(path: Path, samples: npt.NDArray[np.uint16]) -> None:
    tifffile.imwrite(path, samples, photometric="rgb", extrasamples=["unspecified"], software="VueScan", metadata=None)


def _measure(folder: Path, frames: int) -> tuple[list[Passage], Peak]:
    """Clean a small frame to warm up, then the large one several times; returns all runs and the peak of the first."""
    archive = Archive(folder / "archive")
    _clean(archive, FrameId("bench", "warm", "up", 1), folder / "small.tif")
    imported = resident_bytes()
    forget_peak()
    passages = [_clean(archive, FrameId("bench", "box", "roll", 1), folder / "frame.tif")]
    # The pipeline reads the frame: "imports and frame" is the memory after the imports plus the size of the frame.
    frame_bytes = (folder / "frame.tif").stat().st_size
    peak = Peak(imported, imported + frame_bytes, most_resident_bytes())
    numbers = range(2, frames + 1)
    passages += [_clean(archive, FrameId("bench", "box", "roll", number), folder / "frame.tif") for number in numbers]
    return passages, peak


def _clean(archive: Archive, frame: FrameId, source: Path) -> Passage:
    cp_s = _copied_by_cp(source)
    _forget(source)
    began = time.perf_counter()
    original = archive.copy_original(frame, source, Role.RAW)
    ingest_s = time.perf_counter() - began
    result = clean_into_archive(archive, frame, CleanRequest(originals=(original,)))
    return Passage(ingest_s, cp_s, result.seconds, result.report.step_seconds or {})


def _copied_by_cp(source: Path) -> float:
    """Return the seconds that `cp` and `sync` take."""
    target = source.with_name("by-cp.tif")
    _forget(source)
    began = time.perf_counter()
    subprocess.run(["cp", source, target], check=True)
    subprocess.run(["sync", target], check=True)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def _forget(file: Path) -> None:
    """Let the kernel forget what it holds of a file in memory."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def steps_table(title: str, way: Passage, copy_s: float) -> FigureTable:
    """Return the seconds of each step of a frame, beside those of a copy of the frame."""
    rows: list[tuple[Cell, ...]] = []

    def row(step: str, seconds: float) -> None:
        rows.append((step, seconds, seconds / copy_s))

    row("copied into the archive, hashed, synced", way.ingest_s)
    row("the same file by cp and sync", way.cp_s)
    for step in ("read", "clean"):
        row(step, way.steps[step])
    for step, seconds in way.engine.items():
        row(f"clean: {step}", seconds)
    row("preview", way.steps["preview"])
    row("store (side by side)", way.steps["store"])
    for step in _PARTS_OF_STORE:
        row(f"store: {step}", way.steps[step])
    row("sidecar", way.steps["sidecar"])
    row("file read to sidecar", way.steps["total"])
    return FigureTable(title=title, columns=columns("step", ("seconds", 3), ("copies", 1)), rows=tuple(rows))


def peak_table(peak: Peak, frame_bytes: int) -> FigureTable:
    """Return the peak of the process that cleans."""
    multiples = peak.frames_over_imports(frame_bytes), peak.frames_over_frame(frame_bytes)
    return FigureTable(
        title="peak of the worker",
        columns=columns(("resident, MB", 0), ("frames above the imports", 2), ("frames above imports and frame", 2)),
        rows=((peak.most_bytes / 1e6, *multiples),),
    )


if __name__ == "__main__":
    main()
