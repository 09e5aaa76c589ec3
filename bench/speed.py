"""How fast frames are cleaned: `python -m bench.speed`, ours beside sanei_ir and beside a copy of the frame."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.measures.process import (
    Peak,
    Planes,
    copy_seconds,
    forget_peak,
    in_child,
    most_resident_bytes,
    resident_bytes,
    tiled_frame,
)
from bench.peers.sanei_ir import SaneiIr, UnavailableError
from filmscand.ir import clean_frame

# 35 mm at 4000 dpi with 24 megapixels, and 6x9 at 4000 dpi.
SIZES = {24: (4000, 6000), 120: (8940, 13420)}


@dataclass(frozen=True, slots=True)
class _Ours:
    seconds: float
    steps: dict[str, float]
    peak: Peak


@dataclass(frozen=True, slots=True)
class _Measured:
    megapixels: int
    frame_bytes: int
    copy_s: float
    ours: _Ours
    sanei_s: float | None


def main() -> None:
    """Measure each size and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--megapixels", type=int, nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--kind", default="leaky_slide")
    parser.add_argument("--times", type=int, default=3, help="the best of so many counts")
    asked = parser.parse_args()
    console = Console(highlight=False)
    console.print(f"{len(os.sched_getaffinity(0))} cores; the best of {asked.times}; unit: one copy of RGB + infrared")
    results = [_measure(size, asked.kind, asked.times, console) for size in asked.megapixels]
    for result in results:
        console.print(_table(result))
        console.print(f"peak of ours: {result.ours.peak.describe(result.frame_bytes)}\n", soft_wrap=True)
    if len(results) > 1:
        small, large = results[0], results[-1]
        growth = (large.ours.seconds / small.ours.seconds) / (large.frame_bytes / small.frame_bytes)
        console.print(f"time for a pixel of {large.megapixels} MP: {growth:.2f} of that of {small.megapixels} MP")


def _measure(megapixels: int, kind: str, times: int, console: Console) -> _Measured:
    with tempfile.TemporaryDirectory(prefix="filmscand-speed-") as name, console.status(f"{megapixels} MP"):
        planes = tiled_frame(*SIZES[megapixels], kind)
        planes.save(Path(name))
        frame_bytes, copy_s = planes.nbytes, copy_seconds(planes)
        del planes
        ours = in_child(clean_measured, Path(name), times)
        try:
            sanei_s = in_child(_sanei_seconds, Path(name), times)
        except UnavailableError as error:
            console.print(f"sanei_ir skipped: {error}")
            sanei_s = None
        return _Measured(megapixels, frame_bytes, copy_s, ours, sanei_s)


def clean_measured(folder: Path, times: int) -> _Ours:
    """Clean a saved frame some times, warmed up; returns the best run and the first run's peak."""
    warm = tiled_frame(800, 1200)
    clean_frame(warm.rgb, warm.infrared)
    del warm
    imported = resident_bytes()
    planes = Planes.load(folder)
    loaded = resident_bytes()
    forget_peak()
    runs = [_timed_clean(planes)]
    peak = Peak(imported, loaded, most_resident_bytes())
    runs += [_timed_clean(planes) for _ in range(times - 1)]
    seconds, steps = min(runs, key=lambda run: run[0])
    return _Ours(seconds, steps, peak)


def _timed_clean(planes: Planes) -> tuple[float, dict[str, float]]:
    began = time.perf_counter()
    cleaned = clean_frame(planes.rgb, planes.infrared)
    return time.perf_counter() - began, dict(cleaned.report.step_seconds)


def _sanei_seconds(folder: Path, times: int) -> float:
    sanei, planes = SaneiIr(), Planes.load(folder)
    return min(sanei.clean(planes.rgb, planes.infrared).seconds for _ in range(times))


def _table(result: _Measured) -> Table:
    table = Table(title=f"{result.megapixels} MP, {result.frame_bytes / 1e6:.0f} MB")
    table.add_column("step")
    for name in ("seconds", "copies", "x sanei_ir"):
        table.add_column(name, justify="right")
    for step, seconds in result.ours.steps.items():
        table.add_row(step, *_columns(seconds, result))
    table.add_section()
    table.add_row("[bold]ours[/]", *_columns(result.ours.seconds, result))
    if result.sanei_s is not None:
        table.add_row("sanei_ir (C)", *_columns(result.sanei_s, result))
    table.add_row("one copy", *_columns(result.copy_s, result))
    return table


def _columns(seconds: float, result: _Measured) -> tuple[str, str, str]:
    against = f"{seconds / result.sanei_s:.2f}" if result.sanei_s else "-"
    return f"{seconds:.3f}", f"{seconds / result.copy_s:.1f}", against


if __name__ == "__main__":
    main()
