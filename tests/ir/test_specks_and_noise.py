"""Specks on whole frames: how faint, small and many they may be, and what is noise, leakage or picture instead."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.film.frame import Damage, Leakage
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.report import Caution, Method
from support.ir_frames import cleaned, compiled, simulated

pytestmark = compiled


def speck_frame(depth):
    """A frame with a lattice of specks of one density, one row of dark ones, and each pixel's distance to a speck."""
    frame = simulated("spotless", "landscape", (400, 600), 3)
    row, col = np.mgrid[:400, :600]
    away = np.hypot(row % 40 - 20, col % 40 - 20)
    depths = np.where(row // 40 == 4, 0.7, depth)
    through = 1 - (1 - np.exp(-depths)) / (1 + np.exp(2 * (away - 3)))
    rgb = np.rint(frame.rgb * through[..., None] ** 1.2).astype(np.uint16)
    return rgb, np.rint(frame.infrared * through).astype(np.uint16), away


def recall(depth, sensitivity=0.5):
    """Part of the specks of a density that is found, and part of the film around them that is changed."""
    rgb, infrared, away = speck_frame(depth)
    mask = clean_frame(rgb, infrared, CleanOptions(sensitivity)).defect_mask
    cores = (mask & (away < 2.5)).reshape(10, 40, 15, 40).any(axis=(1, 3))
    return np.delete(cores, 4, axis=0).mean(), mask[away > 9].mean()


@pytest.mark.parametrize(("depth", "least"), [(0.04, 0.85), (0.1, 0.95), (1.0, 0.98)])
def test_specks_of_a_known_density_are_found(depth, least):
    found, elsewhere = recall(depth)
    assert found > least
    assert elsewhere < 2e-4


def test_more_faint_specks_are_found_with_more_sensitivity():
    careful, usual, eager = (recall(0.025, sensitivity)[0] for sensitivity in (0.0, 0.5, 1.0))
    assert careful < 0.35
    assert 0.25 < usual < 0.78
    assert eager > 0.75
    assert careful < usual < eager


@pytest.mark.parametrize("kind", ["leaky_slide", "faint_dust", "negative"])
def test_more_sensitivity_lowers_the_limit_and_finds_no_fewer_defects(kind):
    found = [cleaned(kind, "landscape", (300, 420), sensitivity=s).report for s in (0.0, 0.25, 0.5, 0.75, 1.0)]
    limits = [report.probability_threshold for report in found]
    assert limits == sorted(limits, reverse=True)
    assert found[-1].defects_found >= found[2].defects_found >= found[0].defects_found


def defects_of_single_pixels(depth):
    """Defects of a spotless frame whose infrared is darker by a density in one of 676 pixels."""
    frame = simulated("spotless", "landscape")
    infrared = frame.infrared.astype(float)
    infrared[::26, ::26] *= np.exp(-depth)
    return clean_frame(frame.rgb, np.rint(infrared).astype(np.uint16)).report.defects_found


def test_noise_that_only_darkens_the_infrared_is_no_dust():
    assert [defects_of_single_pixels(depth) for depth in (0.0, 0.1, 0.25)] == [0, 0, 0]


def test_heavy_damage_gives_a_warning_and_light_damage_does_not():
    heavy, light = (
        cleaned("leaky_slide", "smooth_sky", (300, 420), damage=Damage(dust=amount, dirt=amount, median_density=0.5))
        for amount in (14.0, 3.4)
    )
    assert Caution.MANY_DEFECTS in heavy.report.warnings
    assert Caution.MANY_DEFECTS not in light.report.warnings
    assert light.report.coverage > 0.04
    assert heavy.report.coverage < 0.16


def test_dust_that_only_the_infrared_shows_is_left_unchanged():
    damage = Damage(dust=3, dirt=1, infrared_only_share=1.0, short_hairs=0, long_hairs=0, scratches=0)
    frame, result = (make("leaky_slide", "landscape", damage=damage) for make in (simulated, cleaned))
    seen = frame.any_mask.mean()
    assert seen > 0.005
    assert result.defect_mask.mean() < 0.1 * seen


def test_no_leakage_is_found_in_a_picture_that_does_not_leak():
    result = cleaned("spotless", "landscape", leakage=Leakage((0.0, 0.0, 0.0)))
    assert result.report.leakage.red < 0.01
    assert result.defect_mask.mean() < 1e-3
    # Without leakage and dust the planes share nothing to register on.
    assert result.report.warnings == (Caution.REGISTRATION_UNSURE,)


def test_gravel_is_not_taken_for_a_dark_frame_and_is_cleaned_without_infrared():
    rng = np.random.default_rng(1)
    stones = np.kron(rng.uniform(0.05, 1.0, (40, 60)), np.ones((10, 10))) * rng.uniform(0.4, 1.0, (400, 600))
    rgb = np.rint(40_000 * stones[..., None] * np.array([1.0, 0.9, 0.8])).astype(np.uint16)
    result = clean_frame(rgb, None)
    assert result.report.method == Method.DETECTOR
    assert result.report.warnings == (Caution.NO_INFRARED,)
