"""A scan of a sheet: counts, and the change that damage made."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film.fields import Plane
from training.sheets.scanners import SRGB, ScanSettings, any_settings, encoded, infrared_counts, scan


def rng(seed=1):
    return np.random.default_rng(seed)


def linear_settings(**changes):
    settings = {name: getattr(any_settings(rng(), negative=False), name) for name in ScanSettings.__slots__}
    quiet = {"full_well_electrons": 1e8, "read_noise": 1e-6, "exposure": 1.0, "inverted": False, "flare": 0.0}
    return ScanSettings(
        **(settings | quiet | {"gamma": 1.0, "black": 0.0, "sharpening": 0.0, "jpeg_quality": 0, "bits": 16} | changes)
    )


def test_what_comes_beside_the_picture_is_encoded_as_the_picture_is():
    light = np.array([[0.0, 0.25, 1.0]], np.float32)
    assert infrared_counts(light, linear_settings(bits=8)).tolist() == [[0, 64 << 8, 255 << 8]]
    assert infrared_counts(light, linear_settings(gamma=2.0))[0, 1] == pytest.approx(65535 / 2, abs=1)


def test_srgb_is_linear_in_the_deepest_shadows_and_a_power_above():
    light = np.array([[0.0, 0.002, 0.214041, 1.0]], np.float32)
    assert encoded(light, SRGB)[0] == pytest.approx([0, 12.92 * 0.002, 0.5, 1], abs=1e-4)
    assert encoded(light, 1) is light


def test_an_encoding_program_cuts_off_the_deepest_shadows():
    clean = np.full((40, 40, 3), 0.004, np.float32)
    clean[:, 20:] = 0.5
    rgb = scan(rng(), clean, clean, linear_settings(black=0.005, gamma=SRGB, blur_px=0.3)).rgb
    assert not rgb[:, :15].any()
    assert rgb[:, 25:].min() > 30_000


def test_dust_takes_from_the_counts_what_it_takes_of_the_light():
    clean: Plane = np.full((40, 40, 3), 0.8, np.float32)
    damaged = clean.copy()
    damaged[10:30, 10:30] *= 0.5
    scanned = scan(rng(), damaged, clean, linear_settings())
    assert scanned.rgb[20, 20] / 65535 == pytest.approx(0.4, abs=0.01)
    assert scanned.change[20, 20] == pytest.approx(0.5, abs=0.01)
    assert scanned.change[2, 2] == pytest.approx(0, abs=1e-6)


def test_on_an_inverted_negative_dust_is_white():
    clean = np.repeat(np.linspace(0.1, 0.6, 40, dtype=np.float32)[:, None, None], 40, 1).repeat(3, 2)
    damaged = clean.copy()
    damaged[15:25, 15:25] *= 0.2
    scanned = scan(rng(), damaged, clean, linear_settings(inverted=True, gamma=2.2))
    assert scanned.rgb[20, 20].min() > scanned.rgb[20, 4].max()
