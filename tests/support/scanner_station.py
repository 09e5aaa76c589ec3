"""Helpers for tests of scanners: magazines whose slides differ, and an operator who scans a magazine."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from filmscand.drivers.base import Capture
from filmscand.drivers.sane.configuration import SaneConfig
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import Recovery, ScannerError, SlideFate
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Budgets, Recipe, load_recipe
from filmscand.drivers.virtual.faults import Fault
from filmscand.drivers.virtual.magazine import STILL, Magazine, Slide
from filmscand.drivers.virtual.server import VirtualScanner

# Resolution at which tests scan, and the distance of its samples in pixels of the slide.
RESOLUTION_DPI = {"coolscan2": 4000, "coolscan3": 4000, "pieusb": 5000, "genesys": 7200, "pixma": 2400}
PITCH = {"coolscan2": 1, "coolscan3": 1, "pieusb": 1, "genesys": 1, "pixma": 4}
# The scanner of tests that hold for any, and a plain request to it.
MODEL = "coolscan3"
REQUEST = ScanRequest(RESOLUTION_DPI[MODEL])
# 4 * 61 * 90 samples are no multiple of python-sane's lines of 3 * 90: an inline frame loses the end of its last row.
ROWS, COLS = 61, 90
TRIES = 5


def _python_sane_loads() -> bool:
    try:
        importlib.import_module("sane")
    except ImportError:
        return False
    return True


needs_sane = pytest.mark.skipif(not _python_sane_loads(), reason="python-sane is not installed")
needs_scanimage = pytest.mark.skipif(
    shutil.which("scanimage") is None, reason="scanimage (sane-utils) is not installed"
)


def scanimage(virtual: VirtualScanner, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run SANE's own program on a virtual scanner."""
    config = SaneConfig([], [virtual.address])
    try:
        environment = {**os.environ, **config.environment}
        return subprocess.run(
            ["scanimage", *arguments], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    finally:
        config.close()


def wait_until(happened: Callable[[], bool], limit_s: float = 20.0) -> bool:
    """Wait until something has happened; return whether it has."""
    end_s = time.monotonic() + limit_s
    while not (done := happened()) and time.monotonic() < end_s:
        time.sleep(0.02)
    return done


def quick_recipe(model: str) -> Recipe:
    """Return a model's recipe with short budgets, for a scanner that never waits."""
    budgets = Budgets(open_s=1.5, option_s=0.9, start_s=0.9, parameters_s=0.9, read_s=0.9, cancel_s=0.5, close_s=1.0)
    return load_recipe(model).model_copy(update={"budgets": budgets})


def make_slide(number: int, model: str = "coolscan3") -> Slide:
    """Make a slide that differs from those of other numbers, with counts that fit 14 bits."""
    random = np.random.default_rng(number)
    rows, cols = ROWS * PITCH[model], COLS * PITCH[model]
    rgb = random.integers(0, 1 << 14, (rows, cols, 3)).astype(np.uint16) << 2
    infrared = random.integers(0, 1 << 14, (rows, cols)).astype(np.uint16) << 2
    return Slide(rgb, infrared, STILL)


def make_magazine(model: str, slides: int) -> Magazine:
    """Fill a magazine with slides 1 to `slides`."""
    return Magazine.of([make_slide(number, model) for number in range(1, slides + 1)])


@contextmanager
def scanner(slides, *faults, model="coolscan3", **settings):
    """Run a virtual scanner with so many slides and the faults that are named."""
    faults = [Fault.parse(text) for text in faults]
    with VirtualScanner(model, make_magazine(model, slides), faults, address=None, **settings) as virtual:
        yield virtual


def shows(capture: Capture, slide: Slide, model: str) -> bool:
    """Return whether a capture equals the slide to the last bit, in the rows that were delivered."""
    rows, pitch = capture.rgb.shape[0], PITCH[model]
    same_rgb = np.array_equal(capture.rgb, slide.rgb[::pitch, ::pitch][:rows])
    if capture.infrared is None:
        return same_rgb
    return same_rgb and np.array_equal(capture.infrared, slide.infrared[::pitch, ::pitch][:rows])


def slide_numbers(captures: list[Capture], slides: int, model: str) -> list[int]:
    """Return the number of the slide that each capture shows; 0 if it shows none."""
    slides_by_number = {number: make_slide(number, model) for number in range(1, slides + 1)}
    return [
        next((number for number, slide in slides_by_number.items() if shows(capture, slide, model)), 0)
        for capture in captures
    ]


@dataclass
class MagazineRun:
    """What happened while a magazine was scanned: captures, errors with their times, and numbers of lost frames."""

    captures: list[Capture] = field(default_factory=list)
    errors: list[ScannerError] = field(default_factory=list)
    error_times_s: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)


def scan_as_operator(scanner: SaneScanner, model: str, slides: int) -> MagazineRun:
    """Scan a magazine as an operator would: try again after an error, skip a slide that has passed."""
    run = MagazineRun()
    request = ScanRequest(RESOLUTION_DPI[model])
    frame, tries = 1, 0
    while frame <= slides and tries < TRIES:
        began_s = time.monotonic()
        try:
            run.captures.append(scanner.capture(request, frame))
        except ScannerError as error:
            run.errors.append(error)
            run.error_times_s.append(time.monotonic() - began_s)
            if error.recovery is Recovery.FIX:
                raise
            if error.slide is SlideFate.PASSED:
                run.lost.append(frame)
            else:
                tries += 1
                continue
        frame, tries = frame + 1, 0
    return run
