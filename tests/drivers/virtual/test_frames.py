"""A frame is the part of the slide that the options select."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.scanner.recipes import load_recipe
from filmscand.drivers.virtual.frames import Content, Frame, Grid, blocks, grid_of
from filmscand.drivers.virtual.magazine import Drift, Magazine, Slide
from filmscand.drivers.virtual.models import MODELS, Gate
from filmscand.drivers.virtual.options import OptionSet
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import COLS, ROWS, make_slide, needs_sane


@needs_sane
def test_a_second_pass_lies_where_its_drift_puts_it():
    rows = np.arange(200, dtype=np.float64)[:, None] * 200.0
    ramp = np.broadcast_to(rows, (200, 60)).astype(np.uint16)
    slide = Slide(np.repeat(ramp[..., None], 3, axis=2), ramp.copy(), Drift(rows_px=-2.5, wander_px=0.5))
    with (
        VirtualScanner("genesys", Magazine.of([slide]), address=None) as virtual,
        SaneScanner(virtual.device, load_recipe("genesys")) as scanner,
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
        SaneScanner(virtual.device, load_recipe("pixma")) as scanner,
    ):
        capture = scanner.capture(ScanRequest(9600), 1)
    assert capture.rgb.shape == (4 * ROWS, 4 * COLS, 3)
    assert capture.infrared.shape == (4 * ROWS, 4 * COLS)
    assert capture.info.flags == ("infrared_resampled",)


def options_of(model, rows_px=ROWS, cols_px=COLS, **values):
    gate = Gate(rows_px, cols_px, 3, MODELS[model].resolution_dpi)
    options = OptionSet(MODELS[model].options(gate))
    options.values.update(values)
    return gate, options


@pytest.mark.parametrize(
    ("model", "values", "grid"),
    [
        ("coolscan3", {}, Grid(0, ROWS, 0, COLS, 1.0)),
        ("coolscan3", {"resolution": 2000}, Grid(0, ROWS // 2, 0, COLS // 2, 2.0)),
        ("coolscan3", {"tl-x": 10, "tl-y": 20, "br-x": 39, "br-y": 49}, Grid(20, 30, 10, 30, 1.0)),
        ("genesys", {"resolution": 7200}, Grid(0, ROWS, 0, COLS, 1.0)),
        ("genesys", {"resolution": 7200, "tl-x": 25.4 / 720, "br-x": 25.4 / 240}, Grid(0, ROWS, 10, 20, 1.0)),
        ("pixma", {"resolution": 9600, "br-y": 0.0}, Grid(0, 1, 0, COLS, 1.0)),
    ],
)
def test_the_grid_follows_the_scan_area_and_the_resolution(model, values, grid):
    gate, options = options_of(model, **values)
    assert grid_of(MODELS[model], gate, options) == grid


@pytest.mark.parametrize(
    ("content", "bits", "parameters"),
    [
        (Content.COLOUR, 16, (1, 1, 60, 10, 4, 16)),
        (Content.COLOUR, 8, (1, 1, 30, 10, 4, 8)),
        (Content.GRAY, 8, (0, 1, 10, 10, 4, 8)),
        (Content.INFRARED, 14, (0, 1, 20, 10, 4, 16)),
        (Content.COLOUR_AND_INFRARED, 16, (1, 1, 80, 10, 4, 16)),
    ],
)
def test_a_frame_announces_its_format_and_its_size(content, bits, parameters):
    frame = Frame(1, content, Grid(0, 4, 0, 10, 1.0), bits)
    assert frame.wire_parameters == parameters
    assert frame.total_bytes == parameters[2] * 4


def sent(content, bits, grid=None, rows=1000):
    frame = Frame(1, content, grid or Grid(0, ROWS, 0, COLS, 1.0), bits)
    parts = [bytes(part) for part in blocks(frame, Magazine.of([make_slide(1)]), rows)]
    return frame, parts


@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_blocks_are_whole_rows_and_together_the_whole_frame(rows):
    frame, parts = sent(Content.COLOUR, 16, rows=rows)
    assert all(len(part) % frame.bytes_per_line == 0 for part in parts)
    assert max(len(part) for part in parts) <= rows * frame.bytes_per_line
    assert b"".join(parts) == make_slide(1).rgb.tobytes()


def test_samples_have_the_bits_that_the_scanner_measures():
    rgb = make_slide(1).rgb
    for bits, expected in [(8, (rgb >> 8).astype(np.uint8)), (14, rgb & 0xFFFC), (16, rgb)]:
        assert b"".join(sent(Content.COLOUR, bits)[1]) == expected.tobytes()


def test_infrared_follows_the_colours_of_each_pixel_or_stands_alone():
    slide = make_slide(1)
    inline = np.frombuffer(b"".join(sent(Content.COLOUR_AND_INFRARED, 16)[1]), np.uint16).reshape(ROWS, COLS, 4)
    assert np.array_equal(inline, np.dstack([slide.rgb, slide.infrared]))
    assert b"".join(sent(Content.INFRARED, 16)[1]) == slide.infrared.tobytes()
    assert b"".join(sent(Content.GRAY, 16)[1]) == slide.rgb[..., 1].tobytes()


def test_a_coarser_grid_takes_every_second_pixel_of_its_part():
    _, parts = sent(Content.INFRARED, 16, Grid(4, 10, 6, 20, 2.0))
    assert b"".join(parts) == np.ascontiguousarray(make_slide(1).infrared[4:24:2, 6:46:2]).tobytes()
