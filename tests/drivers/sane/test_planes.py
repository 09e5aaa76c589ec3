from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.drivers.sane.planes import Parameters, decode, fit_grid, split, trim
from filmscand.drivers.scanner.errors import ScannerIoError, ShortFrameError


def parameters_for(samples, padding_bytes=0):
    rows, cols, channels = samples.shape
    line_bytes = cols * channels * samples.itemsize + padding_bytes
    kind = "gray" if channels == 1 else "color"
    return Parameters(kind, cols, rows, samples.itemsize * 8, line_bytes)


def through_python_sane(samples, padding_bytes=0):
    """Give the bytes as python-sane hands them on: without what does not fill its last line."""
    lines = samples.reshape(samples.shape[0], -1).view(np.uint8)
    stream = np.pad(lines, ((0, 0), (0, padding_bytes))).tobytes()
    chunk = samples.shape[1] * samples.itemsize * (1 if samples.shape[2] == 1 else 3)
    return stream[: len(stream) // chunk * chunk]


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(2, 9),
    cols=st.integers(1, 12),
    channels=st.sampled_from([1, 3, 4]),
    depth=st.sampled_from([np.uint8, np.uint16]),
    seed=st.integers(0, 99),
)
def test_every_row_but_perhaps_the_last_comes_through_python_sane(rows, cols, channels, depth, seed):
    samples = np.random.default_rng(seed).integers(0, 255, (rows, cols, channels)).astype(depth)
    decoded = decode(through_python_sane(samples), parameters_for(samples))
    assert rows - 1 <= decoded.shape[0] <= rows
    assert np.array_equal(decoded, samples[: decoded.shape[0]])
    if channels != 4:
        assert decoded.shape[0] == rows


def test_lines_with_padding_are_cut_to_their_pixels():
    samples = np.arange(7 * 50 * 3, dtype=np.uint16).reshape(7, 50, 3)
    decoded = decode(through_python_sane(samples, padding_bytes=30), parameters_for(samples, padding_bytes=30))
    assert np.array_equal(decoded, samples[: decoded.shape[0]])
    assert decoded.shape[0] >= 6


@pytest.mark.parametrize("missing", [1, 20])
def test_a_short_frame_is_an_error_and_never_a_picture(missing):
    samples = np.zeros((20, 8, 4), np.uint16)
    stream = through_python_sane(samples)
    with pytest.raises(ShortFrameError, match=r"of 12\d\d announced bytes"):
        decode(stream[: -missing * 8 * 3 * 2], parameters_for(samples))


def test_a_frame_that_is_too_long_is_an_error():
    samples = np.zeros((4, 8, 3), np.uint16)
    with pytest.raises(ScannerIoError, match="announced"):
        decode(through_python_sane(samples) + bytes(48), parameters_for(samples))


@pytest.mark.parametrize(
    "rubbish",
    [
        {"lines": -1},
        {"lines": 0},
        {"pixels_per_line": 0},
        {"depth_bits": 1},
        {"bytes_per_line": 0},
        {"bytes_per_line": 1 << 30},
    ],
)
def test_parameters_that_cannot_be_are_refused(rubbish):
    sound = {"format": "color", "pixels_per_line": 10, "lines": 5, "depth_bits": 16}
    with pytest.raises(ScannerIoError, match="impossible frame"):
        Parameters(**{**sound, "bytes_per_line": 60, **rubbish})


def test_four_samples_are_split_into_picture_and_infrared():
    samples = np.arange(4 * 5 * 4, dtype=np.uint16).reshape(4, 5, 4)
    rgb, infrared = split(samples, 3)
    assert np.array_equal(rgb.counts, samples[:3, :, :3])
    assert np.array_equal(infrared.counts, samples[:3, :, 3])
    rgb.close()
    infrared.close()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_frame_of_many_bands_is_split_to_its_last_wanted_row(depth):
    samples = np.random.default_rng(1).integers(0, 255, (1001, 400, 4)).astype(depth)
    rgb, infrared = split(samples, 1000)
    scale = 257 if depth is np.uint8 else 1
    assert np.array_equal(rgb.counts, samples[:1000, :, :3] * np.uint16(scale))
    assert np.array_equal(infrared.counts, samples[:1000, :, 3] * np.uint16(scale))


def test_eight_bits_are_spread_over_the_range_of_sixteen():
    rgb, infrared = split(np.array([[[0, 128, 255]]], np.uint8), 1)
    assert rgb.counts.tolist() == [[[0, 32896, 65535]]]
    assert infrared is None
    rgb.close()


@pytest.mark.parametrize("factor", [2, 4])
def test_infrared_of_a_lower_resolution_lies_where_the_picture_does(factor):
    # A plane that rises evenly stays the same plane, pixel centre on pixel centre.
    rows, cols = 12 * factor, 16 * factor
    fine = np.add.outer(np.arange(rows) * 90.0, np.arange(cols) * 30.0) + 1000.0
    coarse = fine.reshape(12, factor, 16, factor).mean(axis=(1, 3))
    fitted = fit_grid(np.rint(coarse).astype(np.uint16), (rows, cols))
    inside = slice(factor, -factor)
    assert np.abs(fitted.counts[inside, inside] - fine[inside, inside]).max() <= 2.0
    fitted.close()


@pytest.mark.parametrize("shape", [(9, 7), (10, 7), (9, 9), (6, 4)])
def test_a_second_pass_that_rounded_to_another_row_is_cut_or_continued_but_never_stretched(shape):
    plane = np.random.default_rng(0).integers(0, 65536, (8, 7), dtype=np.uint16)
    trimmed = trim(plane, shape)
    rows, cols = min(8, shape[0]), min(7, shape[1])
    assert trimmed.shape == shape
    assert np.array_equal(trimmed[:rows, :cols], plane[:rows, :cols])


def test_a_second_pass_of_quite_another_size_is_an_error():
    with pytest.raises(ScannerIoError, match="the infrared has the shape"):
        trim(np.zeros((20, 20), np.uint16), (30, 20))


def test_infrared_of_the_same_size_is_taken_as_it_is():
    plane = np.random.default_rng(0).integers(0, 65536, (9, 7), dtype=np.uint16)
    fitted = fit_grid(plane, (9, 7))
    assert np.array_equal(fitted.counts, plane)
    fitted.close()
