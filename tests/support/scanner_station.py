"""A film scanner on the network for tests: magazines whose slides can be told apart, and a person who minds it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from filmscand.drivers.base import Capture
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.errors import Recovery, ScannerError, SlideFate
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import Budgets, Recipe, load_recipe
from filmscand.drivers.virtual.magazine import STILL, Magazine, Slide

# Resolution that a test scans at, and how many pixels of the slide lie between its samples.
RESOLUTION_DPI = {"coolscan2": 4000, "coolscan3": 4000, "pieusb": 5000, "genesys": 7200, "pixma": 2400}
PITCH = {"coolscan2": 1, "coolscan3": 1, "pieusb": 1, "genesys": 1, "pixma": 4}
# 4 * 61 * 90 samples do not fill python-sane's lines of 3 * 90: an inline frame loses the end of its last row.
ROWS, COLS = 61, 90
TRIES = 5


def quick_recipe(model: str) -> Recipe:
    """Give a model's recipe with budgets that suit a scanner that never takes its time."""
    budgets = Budgets(open_s=1.5, option_s=0.9, start_s=0.9, parameters_s=0.9, read_s=0.9, cancel_s=0.5, close_s=1.0)
    return load_recipe(model).model_copy(update={"budgets": budgets})


def make_slide(number: int, model: str = "coolscan3") -> Slide:
    """Make a slide that no other number gives, of counts that 14 bits can hold."""
    random = np.random.default_rng(number)
    rows, cols = ROWS * PITCH[model], COLS * PITCH[model]
    rgb = random.integers(0, 1 << 14, (rows, cols, 3)).astype(np.uint16) << 2
    infrared = random.integers(0, 1 << 14, (rows, cols)).astype(np.uint16) << 2
    return Slide(rgb, infrared, STILL)


def make_magazine(model: str, slides: int) -> Magazine:
    """Fill a magazine with slides 1 to `slides`."""
    return Magazine.of([make_slide(number, model) for number in range(1, slides + 1)])


def shows(capture: Capture, slide: Slide, model: str) -> bool:
    """Tell whether a capture is the slide, to the last bit of the rows that came."""
    rows, pitch = capture.rgb.shape[0], PITCH[model]
    same_rgb = np.array_equal(capture.rgb, slide.rgb[::pitch, ::pitch][:rows])
    if capture.infrared is None:
        return same_rgb
    return same_rgb and np.array_equal(capture.infrared, slide.infrared[::pitch, ::pitch][:rows])


def slide_numbers(captures: list[Capture], slides: int, model: str) -> list[int]:
    """Give the number of the slide that each capture shows; 0 where it shows none."""
    known = {number: make_slide(number, model) for number in range(1, slides + 1)}
    return [
        next((number for number, slide in known.items() if shows(capture, slide, model)), 0) for capture in captures
    ]


@dataclass
class Minded:
    """What came of a magazine that somebody minded."""

    captures: list[Capture] = field(default_factory=list)
    errors: list[ScannerError] = field(default_factory=list)
    noticed_s: list[float] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)


def mind(scanner: SaneScanner, model: str, slides: int) -> Minded:
    """Scan a magazine as an operator would: wait, open again, free a jam, go on after a slide that has passed."""
    outcome = Minded()
    request = ScanRequest(RESOLUTION_DPI[model])
    frame, tries = 1, 0
    while frame <= slides and tries < TRIES:
        began_s = time.monotonic()
        try:
            outcome.captures.append(scanner.capture(request, frame))
        except ScannerError as error:
            outcome.errors.append(error)
            outcome.noticed_s.append(time.monotonic() - began_s)
            if error.recovery is Recovery.FIX:
                raise
            if error.slide is SlideFate.PASSED:
                outcome.lost.append(frame)
            else:
                tries += 1
                continue
        frame, tries = frame + 1, 0
    return outcome
