"""How fast frames are cleaned, beside sanei_ir and beside a copy of the frame: `python -m bench.speed`."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.frames.large import Planes, tiled_frame
from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.figures import save_figures
from bench.measures.process import Peak, copy_seconds, forget_peak, in_child, most_resident_bytes, resident_bytes
from bench.peers.sanei_ir import SaneiIr, UnavailableError
from filmscand.film.kinds import KINDS
from filmscand.ir import clean_frame

# Rows and columns by megapixels: 35 mm, and 6 x 9 cm, both at 4000 dpi.
SIZES = {24: (4000, 6000), 120: (8940, 13420)}
# Row of the frame that is cleaned by its colours alone.
BY_COLOURS = "without infrared"
# Step of the engine's stopwatch in which the network looks at the frame.
NETWORK_STEP = "detector"


@dataclass(frozen=True, slots=True)
class OursMeasured:
    """Seconds of `clean_frame`, of each of its steps, and the peak of the process."""

    seconds: float
    steps: dict[str, float]
    peak: Peak


@dataclass(frozen=True, slots=True)
class KindMeasured:
    """Seconds that a frame of one kind takes; `sanei_s` is None without sanei_ir or infrared."""

    kind: str
    seconds: float
    network_s: float
    sanei_s: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements on a frame of one size; `sanei_s` is None where sanei_ir is not available."""

    megapixels: int
    frame_bytes: int
    copy_s: float
    ours: OursMeasured
    sanei_s: float | None


def main() -> None:
    """Measure each size, print the tables and save the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--megapixels", type=int, nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--kind", default="leaky_slide", help="kind of the frame that is timed step by step")
    parser.add_argument("--kinds", nargs="*", choices=list(KINDS), default=list(KINDS), help="kinds to compare")
    parser.add_argument("--times", type=int, default=3, help="number of runs; the fastest counts")
    options = parser.parse_args()
    console = Console(highlight=False)
    cores = len(os.sched_getaffinity(0))
    console.print(f"{cores} cores; the fastest of {options.times} runs; unit: one copy of RGB + infrared")
    results = [_measure(size, options.kind, options.times, console) for size in options.megapixels]
    kinds = measure_kinds(options.kinds, options.megapixels[0], options.times, console)
    tables = [kinds_table(kinds, options.megapixels[0])] if kinds else []
    tables += [*(steps_table(result) for result in results), peaks_table(results)]
    for table in tables:
        console.print(table.for_terminal())
    if len(results) > 1:
        small, large = results[0], results[-1]
        growth = (large.ours.seconds / small.ours.seconds) / (large.frame_bytes / small.frame_bytes)
        console.print(f"time for a pixel of {large.megapixels} MP: {growth:.2f} of that of {small.megapixels} MP")
    save_figures("speed", tables)


def _measure(megapixels: int, kind: str, times: int, console: Console) -> Measured:
    with tempfile.TemporaryDirectory(prefix="filmscand-speed-") as name, console.status(f"{megapixels} MP"):
        planes = tiled_frame(*SIZES[megapixels], kind)
        planes.save(Path(name))
        frame_bytes, copy_s = planes.nbytes, copy_seconds(planes)
        del planes
        ours = in_child(clean_measured, Path(name), times)
        return Measured(megapixels, frame_bytes, copy_s, ours, _sanei_or_none(Path(name), times, console))


def measure_kinds(kinds: Sequence[str], megapixels: int, times: int, console: Console) -> list[KindMeasured]:
    """Time frames of several kinds, and the first of them without its infrared."""
    measured = []
    with tempfile.TemporaryDirectory(prefix="filmscand-speed-") as name:
        for kind in kinds:
            with console.status(kind):
                tiled_frame(*SIZES[megapixels], kind).save(Path(name))
                sanei_s = _sanei_or_none(Path(name), times, console)
                measured.append(_kind_measured(kind, in_child(clean_measured, Path(name), times), sanei_s))
                if kind == kinds[0]:
                    by_colours = in_child(clean_measured, Path(name), times, False)
                    measured.append(_kind_measured(BY_COLOURS, by_colours, None))
    return measured


def _kind_measured(kind: str, ours: OursMeasured, sanei_s: float | None) -> KindMeasured:
    return KindMeasured(kind, ours.seconds, ours.steps.get(NETWORK_STEP, 0.0), sanei_s)


def clean_measured(folder: Path, times: int, infrared: bool = True) -> OursMeasured:
    """Clean a saved frame several times, warmed up; returns the fastest run, with the peak of the first.

    `infrared`: whether the engine gets it.
    """
    _timed_clean(tiled_frame(800, 1200), infrared)
    imported = resident_bytes()
    planes = Planes.load(folder)
    loaded = resident_bytes()
    forget_peak()
    runs = [_timed_clean(planes, infrared)]
    peak = Peak(imported, loaded, most_resident_bytes())
    runs += [_timed_clean(planes, infrared) for _ in range(times - 1)]
    seconds, steps = min(runs, key=lambda run: run[0])
    return OursMeasured(seconds, steps, peak)


def _timed_clean(planes: Planes, infrared: bool) -> tuple[float, dict[str, float]]:
    began = time.perf_counter()
    cleaned = clean_frame(planes.rgb, planes.infrared if infrared else None)
    return time.perf_counter() - began, dict(cleaned.report.step_seconds)


def _sanei_or_none(folder: Path, times: int, console: Console) -> float | None:
    """Return the seconds of sane-backends' cleaner on a saved frame, None where it cannot be built."""
    try:
        return in_child(_sanei_seconds, folder, times)
    except UnavailableError as error:
        console.print(f"sanei_ir skipped: {error}")
        return None


def _sanei_seconds(folder: Path, times: int) -> float:
    sanei, planes = SaneiIr(), Planes.load(folder)
    return min(sanei.clean(planes.rgb, planes.infrared).seconds for _ in range(times))


def kinds_table(kinds: Sequence[KindMeasured], megapixels: int) -> FigureTable:
    """Return the seconds of each kind beside sanei_ir, and the means over those that it can clean."""
    beside = [(each, each.sanei_s) for each in kinds if each.sanei_s is not None]
    rows = [_kind_row(each) for each in kinds]
    if beside:
        ours_s, network_s, sanei_s = (
            sum(seconds) / len(beside)
            for seconds in zip(*((each.seconds, each.network_s, other) for each, other in beside), strict=True)
        )
        rows.append(_kind_row(KindMeasured(f"mean of the {len(beside)} with infrared", ours_s, network_s, sanei_s)))
    return FigureTable(
        title=f"every kind of frame, {megapixels} MP",
        columns=columns("kind", ("ours, s", 2), ("network, s", 2), ("sanei_ir, s", 2), ("x sanei_ir", 2)),
        rows=tuple(rows),
    )


def _kind_row(each: KindMeasured) -> tuple[Cell, ...]:
    ratio = each.seconds / each.sanei_s if each.sanei_s else None
    return each.kind, each.seconds, each.network_s, each.sanei_s, ratio


def steps_table(result: Measured) -> FigureTable:
    """Return the seconds of each step beside sanei_ir and a copy of the frame."""
    seconds = {**result.ours.steps, "ours": result.ours.seconds}
    if result.sanei_s is not None:
        seconds["sanei_ir (C)"] = result.sanei_s
    seconds["one copy"] = result.copy_s
    return FigureTable(
        title=f"{result.megapixels} MP, {result.frame_bytes / 1e6:.0f} MB",
        columns=columns("step", ("seconds", 3), ("copies", 1), ("x sanei_ir", 2)),
        rows=tuple((step, *_cells(value, result)) for step, value in seconds.items()),
    )


def _cells(seconds: float, result: Measured) -> tuple[Cell, ...]:
    return seconds, seconds / result.copy_s, seconds / result.sanei_s if result.sanei_s else None


def peaks_table(results: Sequence[Measured]) -> FigureTable:
    """Return the peak of the process that cleans, for each size."""
    return FigureTable(
        title="peak of the process",
        columns=columns(
            "megapixels", ("resident, MB", 0), ("frames above the imports", 2), ("frames above imports and frame", 2)
        ),
        rows=tuple(_peak_row(result) for result in results),
    )


def _peak_row(result: Measured) -> tuple[Cell, ...]:
    peak, frame_bytes = result.ours.peak, result.frame_bytes
    multiples = peak.frames_over_imports(frame_bytes), peak.frames_over_frame(frame_bytes)
    return str(result.megapixels), peak.most_bytes / 1e6, *multiples


if __name__ == "__main__":
    main()
