"""A frame is the part of the slide that the options select."""

from __future__ import annotations

import numpy as np

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.virtual.magazine import Drift, Magazine, Slide
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import COLS, ROWS, make_slide, needs_sane, quick_recipe


@needs_sane
def test_a_second_pass_lies_where_its_drift_puts_it():
    rows = np.arange(200, dtype=np.float64)[:, None] * 200.0
    ramp = np.broadcast_to(rows, (200, 60)).astype(np.uint16)
    slide = Slide(np.repeat(ramp[..., None], 3, axis=2), ramp.copy(), Drift(rows_px=-2.5, wander_px=0.5))
    with (
        VirtualScanner("genesys", Magazine.of([slide]), address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("genesys")) as scanner,
    ):
        capture = scanner.capture(ScanRequest(7200), 1)
    shift_px = (capture.infrared.astype(float) - capture.rgb[..., 0]) / 200.0
    wander_px = 0.5 * np.sin(2 * np.pi * np.arange(200) / 200)
    inside = slice(5, -5)
    assert np.abs(shift_px.mean(axis=1) - (-2.5 + wander_px))[inside].max() < 0.01


@needs_sane
def test_pixma_gives_infrared_of_a_lower_resolution_and_the_driver_says_that_it_was_enlarged():
    magazine = Magazine.of([make_slide(1, "pixma")])
    with (
        VirtualScanner("pixma", magazine, address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("pixma")) as scanner,
    ):
        capture = scanner.capture(ScanRequest(9600), 1)
    assert capture.rgb.shape == (4 * ROWS, 4 * COLS, 3)
    assert capture.infrared.shape == (4 * ROWS, 4 * COLS)
    assert capture.info.flags == ("infrared_resampled",)
