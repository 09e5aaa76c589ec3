from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from skimage.registration import phase_cross_correlation

from filmscand.film import pictures
from filmscand.film.frame import Damage, FrameRecipe, InfraredOptics, Leakage, simulate_frame
from filmscand.film.infrared_plane import draw_registration, leaked_density
from filmscand.film.kinds import KINDS

SPOTLESS = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=0, scratches=0)
FLAT_LAMP = InfraredOptics(vignette=0, stray_share=0, blur_px=0.7)


@pytest.fixture(scope="module")
def picture():
    return pictures.girders(300, 400, 1)


@pytest.fixture(scope="module")
def tones():
    """Return every tone without an edge, so that neither blur nor smoothing mixes far densities."""
    light = 10 ** np.linspace(-1.8, -0.05, 400, dtype=np.float32)
    return np.broadcast_to(light[None, :, None], (300, 400, 3))


def log_planes(frame):
    black = frame.recipe.scanner.black_level * 65535
    smooth = [
        ndimage.gaussian_filter(plane.astype(np.float64) - black, 2)
        for plane in (frame.clean_infrared, frame.clean_rgb[..., 0])
    ]
    return [np.log(plane) for plane in smooth]


@pytest.mark.parametrize("slope", [0.04, 0.12, 0.3])
def test_regression_of_log_infrared_on_log_red_recovers_the_slope(slope, tones):
    recipe = FrameRecipe(leakage=Leakage((slope, 0, 0)), infrared=FLAT_LAMP, damage=SPOTLESS)
    infrared, red = log_planes(simulate_frame(tones, recipe, seed=1))
    assert np.polyfit(red.ravel(), infrared.ravel(), 1)[0] == pytest.approx(slope, rel=0.06)


def test_a_curved_leak_flattens_towards_the_dark(tones):
    recipe = replace(KINDS["curved_leak"], infrared=FLAT_LAMP, damage=SPOTLESS)
    infrared, red = log_planes(simulate_frame(tones, recipe, seed=1))
    bright = red > np.median(red)
    slopes = [np.polyfit(red[part], infrared[part], 1)[0] for part in (bright, ~bright)]
    assert slopes[1] < 0.9 * slopes[0]


def test_a_regional_leak_makes_one_tone_differ_over_the_frame():
    grey = np.full((300, 400, 3), 0.1, np.float32)
    spreads = []
    for name in ("leaky_slide", "regional_leak"):
        frame = simulate_frame(grey, replace(KINDS[name], infrared=FLAT_LAMP, damage=SPOTLESS), seed=1)
        spreads.append(float(np.ptp(log_planes(frame)[0])))
    assert spreads[1] > 3 * spreads[0]


def test_kodachromes_leak_depends_on_the_colour():
    recipe = KINDS["kodachrome"]
    cyan, grey = np.array([[1.5], [0.2], [0.2]], np.float32), np.array([[1.5], [1.5], [1.5]], np.float32)
    assert 0.5 < leaked_density(grey, recipe.leakage, None)[0] / 1.5 < 0.9
    assert leaked_density(grey, recipe.leakage, None)[0] > 1.2 * leaked_density(cyan, recipe.leakage, None)[0]


def test_silver_in_infrared_is_the_picture(picture):
    frame = simulate_frame(picture, KINDS["silver"], seed=1)
    infrared, red = log_planes(frame)
    assert np.corrcoef(infrared.ravel(), red.ravel())[0, 1] > 0.95
    stray_free = replace(frame.recipe, infrared=FLAT_LAMP, damage=SPOTLESS)
    infrared, red = log_planes(simulate_frame(picture, stray_free, seed=1))
    assert np.polyfit(red.ravel(), infrared.ravel(), 1)[0] == pytest.approx(0.96, abs=0.06)


@pytest.mark.parametrize(("rows_px", "cols_px"), [(5.3, -1.2), (-11.5, 7.25)])
def test_a_shift_between_the_passes_can_be_measured(rows_px, cols_px, picture):
    optics_of_shift = replace(FLAT_LAMP, shift_rows_px=rows_px, shift_cols_px=cols_px)
    recipe = FrameRecipe(leakage=Leakage((0.25, 0, 0)), infrared=optics_of_shift, damage=SPOTLESS)
    infrared, red = log_planes(simulate_frame(picture, recipe, seed=1))
    inner = np.s_[16:-16, 16:-16]
    found, _, _ = phase_cross_correlation(infrared[inner], 0.25 * red[inner], upsample_factor=20, normalization=None)
    assert found == pytest.approx((rows_px, cols_px), abs=0.35)


def test_drift_stays_within_its_bound_runs_smoothly_and_is_told(picture):
    recipe = KINDS["two_pass_drift"]
    place = draw_registration(300, recipe.infrared, 1)
    drift = place.row_shift_px - recipe.infrared.shift_rows_px
    assert np.abs(drift).max() == pytest.approx(3.0)
    assert np.abs(np.diff(drift)).max() < 0.2
    assert np.array_equal(simulate_frame(picture, recipe, seed=1).registration.row_shift_px, place.row_shift_px)


def test_opaque_dust_keeps_the_stray_light_in_infrared(picture):
    damage = replace(SPOTLESS, dirt=6.0, median_density=2.0, density_spread=0.1)
    frame = simulate_frame(picture, FrameRecipe(damage=damage), seed=1)
    assert 0.03 * 65535 < frame.infrared.min() < 0.09 * 65535
    assert frame.rgb.min() < 0.012 * 65535


def test_weak_infrared_sees_a_small_part_of_what_the_picture_loses(picture):
    frame = simulate_frame(picture, KINDS["weak_infrared"], seed=3)
    core = frame.defect_labels > 0
    visible = np.log(frame.clean_rgb[core][:, 1] / np.maximum(frame.rgb[core][:, 1], 1.0))
    infrared = np.log(frame.clean_infrared[core] / np.maximum(frame.infrared[core], 1.0))
    deep = visible > 0.2
    assert 0.05 < np.median(infrared[deep] / visible[deep]) < 0.35


def test_clipped_infrared_stands_at_full_scale_over_clear_film():
    frame = simulate_frame(np.ones((90, 120, 3), np.float32), KINDS["clipped_infrared"], seed=1)
    assert (frame.infrared == 65535).mean() > 0.8


def test_an_uneven_lamp_is_seen_on_blank_film():
    blank = np.ones((200, 300, 3), np.float32)
    levels = [
        ndimage.gaussian_filter(simulate_frame(blank, KINDS[name], seed=1).clean_infrared.astype(float), 9)
        for name in ("leaky_slide", "uneven_lamp")
    ]
    even, uneven = (float(np.ptp(level) / level.mean()) for level in levels)
    assert even < 0.08 and uneven > 2 * even
