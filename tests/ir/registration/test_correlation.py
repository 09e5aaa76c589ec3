from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.registration.correlation import cross_spectra, find_peak
from support.ir_frames import texture


def pieces(shift, leak=0.1, noise=0.003, size=(48, 128), count=24, seed=3):
    """Pieces of a picture, and of an infrared plane that shows a part of it, shifted."""
    rng = np.random.default_rng(seed)
    picture = texture((400, 600))
    moved = ndimage.shift(leak * picture, shift, order=3, mode="nearest") + noise * rng.standard_normal(picture.shape)
    corners = rng.integers(20, (400 - size[0] - 20, 600 - size[1] - 20), (count, 2))
    cut = [(slice(row, row + size[0]), slice(col, col + size[1])) for row, col in corners]
    return tuple(np.stack([plane[at] for at in cut]).astype(np.float32) for plane in (picture, moved))


def peak(shift, around=(0.0, 0.0), reach_px=6, **options):
    picture, infrared = pieces(shift, **options)
    return find_peak(cross_spectra(picture, infrared).sum(axis=0), picture.shape[1:], np.array(around), reach_px)


@pytest.mark.parametrize("tenths", range(-5, 6))
def test_a_shift_is_found_to_half_a_tenth_of_a_pixel(tenths):
    found, _ = peak((tenths / 10, 2 - tenths / 10))
    assert found == pytest.approx((tenths / 10, 2 - tenths / 10), abs=0.05)


def test_a_shift_is_found_near_the_expected_one():
    found, _ = peak((14.0, -11.5), around=(12.0, -9.0), reach_px=3, size=(128, 128))
    assert found == pytest.approx((14.0, -11.5), abs=0.1)


def test_a_peak_out_of_reach_is_not_found():
    found, _ = peak((9.0, 0.0))
    assert abs(found[0] - 9.0) > 2


def test_shared_texture_gives_a_high_peak_and_noise_alone_does_not():
    assert peak((1.0, 0.0))[1] > 25
    assert peak((1.0, 0.0), leak=0.0)[1] < 6


def test_the_shift_is_found_under_coarse_structure_of_the_infrared_and_under_fine_noise():
    # The infrared has coarse structure of its own, such as its lamp, or strong fine noise; both planes share a texture.
    def error_px(noise, coarse):
        picture, infrared = pieces((0.0, 1.5), leak=0.05, noise=noise, count=8)
        rng = np.random.default_rng(5)
        own = ndimage.gaussian_filter(rng.standard_normal(infrared.shape), (0, 9, 9)) * coarse * 16
        spectra = cross_spectra(picture, (infrared + own).astype(np.float32))
        found, _ = find_peak(spectra.sum(axis=0), picture.shape[1:], np.zeros(2), 6)
        return np.abs(found - (0.0, 1.5)).max()

    assert error_px(0.0, 1.0) < 0.1
    assert error_px(0.1, 0.0) < 0.2
