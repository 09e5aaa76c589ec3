"""Time and memory without infrared, on a frame of 24 megapixels in a process of its own."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.frames.large import Planes, tiled_frame
from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.process import Peak, forget_peak, in_child, most_resident_bytes, resident_bytes
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.network.detector import find_probability
from filmscand.ir.network.model_file import load_detector

ROWS, COLS = 4000, 6000
# Targets: seconds of cleaning on two cores, and memory above the frame.
MOST_S, MOST_BYTES = 12.0, 1_000_000_000


@dataclass(frozen=True, slots=True)
class Speed:
    """Measurements on one frame.

    Parameters
    ----------
    network_s, clean_s : float
        Seconds of the network alone, and of `clean_frame`.
    steps : dict from str to float
        Seconds of each step of `clean_frame`.
    peak : Peak
        Memory of `clean_frame`.
    """

    network_s: float
    clean_s: float
    steps: dict[str, float]
    peak: Peak


def measure_speed(model: Path | None, threads: int) -> Speed:
    """Clean a frame of 24 megapixels without infrared, once, after a smaller frame to warm up.

    Parameters
    ----------
    model : Path or None
        Another detector than the installed one.
    threads : int
        Threads of the network when it runs alone.
    """
    with tempfile.TemporaryDirectory(prefix="filmscand-blind-") as name:
        tiled_frame(ROWS, COLS, "leaky_slide").save(Path(name))
        return in_child(_measured, Path(name), None if model is None else str(model), threads)


def _measured(folder: Path, model: str | None, threads: int) -> Speed:
    warm = np.ascontiguousarray(Planes.load(folder).rgb[:800, :1200])
    options = CleanOptions(detector_model=model)
    clean_frame(warm, None, options)
    imported = resident_bytes()
    rgb = np.load(folder / "rgb.npy")
    loaded = resident_bytes()
    forget_peak()
    began = time.perf_counter()
    cleaned = clean_frame(rgb, None, options)
    clean_s = time.perf_counter() - began
    peak = Peak(imported, loaded, most_resident_bytes())
    detector = load_detector(model, threads=threads)
    began = time.perf_counter()
    find_probability(rgb, detector)
    return Speed(time.perf_counter() - began, clean_s, dict(cleaned.report.step_seconds), peak)


def speed_table(speed: Speed) -> FigureTable:
    """Return the seconds of each step, and the memory above the frame."""
    rows: list[tuple[Cell, ...]] = [(step, f"{seconds:.2f} s", "") for step, seconds in speed.steps.items()]
    rows.append(("cleaning", f"{speed.clean_s:.2f} s", f"{MOST_S:.0f} s on two cores"))
    rows.append(("the network alone", f"{speed.network_s:.2f} s", ""))
    above = speed.peak.most_bytes - speed.peak.loaded_bytes
    rows.append(("memory above the frame", f"{above / 1e6:.0f} MB", f"{MOST_BYTES / 1e6:.0f} MB"))
    title = f"{ROWS * COLS / 1e6:.0f} MP without infrared"
    return FigureTable(title=title, columns=columns("step", "is", "wanted"), rows=tuple(rows))
