"""Time and memory of the detector on a frame of 24 megapixels, in a process of its own."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from bench.measures.process import Peak, Planes, forget_peak, in_child, most_resident_bytes, resident_bytes, tiled_frame
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.network.detector import find_probability
from filmscand.ir.network.model_file import load_detector

ROWS, COLS = 4000, 6000
MOST_S, MOST_BYTES = 12.0, 1_000_000_000


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of the network alone and of a whole cleaning, and the memory of the latter."""

    network_s: float
    clean_s: float
    steps: dict[str, float]
    peak: Peak


def measure_speed(model: Path | None, threads: int) -> Speed:
    """Clean a frame of 24 megapixels without infrared, once, warmed up."""
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


def speed_table(speed: Speed) -> Table:
    """Return the seconds of each step, and the peak beside the frame."""
    table = Table(title=f"{ROWS * COLS / 1e6:.0f} MP without infrared")
    for name in ("", "is", "asked"):
        table.add_column(name)
    for step, seconds in speed.steps.items():
        table.add_row(f"  {step}", f"{seconds:.2f} s", "")
    table.add_row("cleaning", f"{speed.clean_s:.2f} s", f"{MOST_S:.0f} s on two cores")
    table.add_row("the network alone", f"{speed.network_s:.2f} s", "")
    beside = speed.peak.most_bytes - speed.peak.loaded_bytes
    table.add_row("memory beside the frame", f"{beside / 1e6:.0f} MB", f"{MOST_BYTES / 1e6:.0f} MB")
    return table
