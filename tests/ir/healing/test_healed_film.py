"""What is divided, what is filled and what is left, on film with dust of a known density."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing.absorption import InfraredResponse
from filmscand.ir.healing.infrared_healing import Measured, heal
from filmscand.ir.leakage.residual import Residual
from support.ir_frames import base_of, plain_photometry

COUNTS = 65536
LATTICE_PX = 40


def healed_film(picture, density, noise=0.004, least=0.001, exponent=1.2, dark_noise=0.0):
    """Heal a picture of display values under a density that takes 1.2 times as much from it as from the infrared.

    The infrared's noise is the same around each speck of a lattice.
    """
    rows, cols = density.shape
    light = (picture**2.2 * np.exp(-exponent * density))[..., None] * np.ones(3)
    light += dark_noise * np.random.default_rng(1).standard_normal(light.shape)
    rgb = np.clip(np.rint(60000 * light), 1, COUNTS - 1).astype(np.uint16)
    tile = np.random.default_rng(2).standard_normal((LATTICE_PX, LATTICE_PX))
    seen = density + noise * np.tile(tile, (-(-rows // LATTICE_PX), -(-cols // LATTICE_PX)))[:rows, :cols]
    residual = Residual(np.rint(-4096 * seen).astype(np.int16), np.zeros(density.shape, np.uint8))
    base = base_of(np.zeros((-(-rows // 16), -(-cols // 16))), 16)
    limits = np.full((3, 16), 0.008, np.float32)
    regions = connected_regions((2 * (density > least)).astype(np.uint8))
    photometry = plain_photometry(dark_noise or 1e-4)
    return rgb, heal(rgb, regions, Measured(photometry, residual, base, limits, InfraredResponse(1.0, noise)))


def specks_of(depth, ring=0.0, shape=(160, 200)):
    """A lattice of specks of a density, with a fainter ring around each."""
    row, col = (axis % LATTICE_PX - LATTICE_PX // 2 for axis in np.mgrid[: shape[0], : shape[1]])
    away = np.hypot(row, col)
    return np.where(away < 3.5, depth, np.where(away < 6.5, ring, 0.0))


@pytest.mark.parametrize(("ring", "changed"), [(0.0035, False), (0.0075, True)])
def test_a_change_that_one_could_not_see_is_not_made(ring, changed):
    density = specks_of(0.6, ring)
    _, found = healed_film(np.full(density.shape, 0.6), density, noise=1e-4)
    assert found.mask[density == 0.6].all()
    assert found.mask[density == ring].mean() == float(changed)


def told(picture, density, noise=0.004, **film):
    """Regions divided, filled and left."""
    _, found = healed_film(picture, density, noise, **film)
    return found.divided, found.filled, found.left


@pytest.mark.parametrize(("noise", "expected"), [(0.023, (20, 0, 0)), (0.036, (0, 20, 0))])
def test_in_a_plain_dust_is_divided_while_the_infrared_tells_it_better_than_grain_lets_it_be_filled(noise, expected):
    assert told(np.full((160, 200), 0.7), specks_of(0.1), noise) == expected


@pytest.mark.parametrize(("noise", "way"), [(0.34, 0), (0.48, 1)], ids=["divided", "filled"])
def test_in_texture_dust_is_divided_up_to_more_of_the_infrareds_noise(noise, way):
    texture = 0.6 + 0.048 * np.random.default_rng(3).standard_normal((160, 200))
    assert told(texture, specks_of(0.3), noise)[way] >= 16


def test_in_rough_texture_what_promises_half_the_error_is_healed():
    rough = np.clip(0.6 + 0.12 * np.random.default_rng(3).standard_normal((160, 200)), 0.2, 1)
    assert told(rough, specks_of(0.5), 0.6) == (20, 0, 0)
    assert told(rough, specks_of(0.5), 0.85)[2] == 0
    assert told(np.clip(2 * rough - 0.6, 0.1, 1.2), specks_of(0.5), 0.9)[2] == 20


@pytest.mark.parametrize(("roughness", "left"), [(0.13, 0), (0.21, 8)])
def test_beside_sure_defects_one_on_rough_ground_is_healed_while_its_error_falls_by_a_fifth(roughness, left):
    rough = np.where(np.arange(200) < 120, 0, roughness) * np.random.default_rng(3).standard_normal((160, 200))
    assert told(np.clip(0.6 + rough, 0.1, 1.2), specks_of(0.5), 0.8)[2] == left


@pytest.mark.parametrize(("dark_noise", "left"), [(0.02, 8), (0.028, 0)], ids=["told from dust", "not told"])
def test_a_dip_that_only_the_infrared_shows_is_told_in_the_dark_until_noise_could_hide_the_dust(dark_noise, left):
    dark = np.arange(200) >= 120
    picture = np.where(dark, 0.3, 0.8) * np.ones((160, 1))
    assert told(picture, specks_of(0.3), exponent=np.where(dark, 0, 1.2), dark_noise=dark_noise)[2] == left


@pytest.mark.parametrize(("density", "expected"), [(1.1, (20, 0, 0)), (1.27, (0, 20, 0))], ids=["divided", "filled"])
def test_under_opaque_dust_the_noise_of_full_light_makes_dividing_worse_than_filling_in_the_dark(density, expected):
    dark = np.full((160, 200), 0.002 ** (1 / 2.2))
    assert told(dark, specks_of(density), 0.001, dark_noise=1e-6) == expected


@pytest.mark.parametrize(("density", "expected"), [(0.135, (20, 0, 0)), (0.16, (0, 20, 0))])
def test_the_sharper_a_speck_the_less_is_the_infrareds_detail_trusted(density, expected):
    row, col = (axis % 40 - 20 for axis in np.mgrid[:160, :200])
    tiny = np.hypot(row, col) < 1.5
    assert told(np.full((160, 200), 0.7), density * tiny, 0.001) == expected


def test_a_healed_speck_shows_the_picture_that_it_hid():
    col = np.mgrid[:160, :200][1]
    picture, density = 0.5 + 0.1 * np.sin(col / 9), specks_of(0.6)
    rgb, found = healed_film(picture, density)
    error = found.rgb / (60000 * picture[..., None] ** 2.2) - 1
    assert np.abs(error[density > 0]).max() < 0.07
    assert np.array_equal(found.rgb[~found.mask], rgb[~found.mask])


def scratched_film(shape=(200, 400)):
    """Density and exponents of scratches that took dye away, with specks that touch them and lone ones; the former."""
    row, col = np.mgrid[: shape[0], : shape[1]] % np.array([LATTICE_PX, 2 * LATTICE_PX])[:, None, None]
    beside, lone = np.hypot(row - 24, col - 20) < 3.5, np.hypot(row, col - 60) < 3.5
    scratch = (np.abs(row - 19.5) < 2) & ~beside
    density = np.where(beside | lone, 0.6, np.where(scratch, 0.3, 0))
    return density, np.where(scratch, -1.0, 1.2), beside


def test_dust_beside_a_scratch_that_took_dye_away_is_healed_and_not_darkened_with_it():
    density, exponent, beside = scratched_film()
    _, found = healed_film(np.full(density.shape, 0.5), density, exponent=exponent)
    left = np.log(found.rgb / (60000 * 0.5**2.2))
    assert np.abs(left[density > 0]).max() < 0.02
    assert found.mask[beside].all()
    assert found.left == 0
