"""Each feature on regions whose value is known: drawn specks and hairs on film without grain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.decision.region_features import (
    BYTE_DOUBT,
    FEATURES,
    SHOWN_PARTS,
    USUAL_PART,
    Evidence,
    measure_features,
)
from filmscand.ir.detection.regions import connected_regions, none
from filmscand.ir.leakage.noise import Noise
from filmscand.ir.leakage.residual import Residual
from filmscand.ir.network.density_input import density_levels
from filmscand.ir.network.infrared_view import InfraredView
from support.ir_frames import base_of, no_holder

SHAPE = (96, 128)
WHITE = 50_000.0


def discs(radius_px, *centres):
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.array([np.hypot(rows - row, cols - col) <= radius_px for row, col in centres]).any(axis=0)


def rgb_of(density):
    """Counts of clear film with a decadic density, (rows, cols) or (rows, cols, 3)."""
    density = density[..., None] if density.ndim == 2 else density
    return np.rint(WHITE * 10 ** -np.broadcast_to(density, (*SHAPE, 3))).astype(np.uint16)


def view_of(density, deviation=0.01):
    """Infrared with a decadic density on clear film."""
    residual = Residual(np.rint(-density * np.log(10) * 4096).astype(np.int16), np.zeros(SHAPE, np.uint8))
    grid = (SHAPE[0] // 16, SHAPE[1] // 16)
    noise = Noise(
        np.full((2, 16), deviation, np.float32), np.zeros((2, 16), np.float32), np.ones((2, 2)), np.ones(grid)
    )
    noise = Noise(noise.deviation, noise.offset, noise.tails.astype(np.float32), noise.factor.astype(np.float32))
    return InfraredView(residual, base_of(np.zeros(grid), 16), noise, no_holder(SHAPE), 1.0)


def features(mask, density, infrared=None, probability=None, leakage=0.0):
    regions = connected_regions(mask.astype(np.uint8) * 2)
    view = None if infrared is None else view_of(infrared)
    evidence = Evidence(rgb_of(density), density_levels((WHITE,) * 3), view, leakage, probability)
    return [dict(zip(FEATURES, row, strict=True)) for row in measure_features(evidence, regions)]


def soft(mask):
    return ndimage.gaussian_filter(mask.astype(float), 1.2)


SPECK = discs(5, (48, 64))


def test_infrared_shows_dust_as_the_picture_does():
    (speck,) = features(SPECK, 0.36 * soft(SPECK), 0.3 * soft(SPECK))
    assert speck["shown_part"] == pytest.approx(0.3 / 0.36 / USUAL_PART, rel=0.05)
    assert speck["least_correlation"] > 0.99
    assert speck["colour_correlation"] > 0.98
    assert speck["highest_deviation"] == 32.0


def test_what_the_picture_does_not_show_has_no_correlation():
    (hidden,) = features(SPECK, np.zeros(SHAPE), 0.3 * soft(SPECK))
    assert abs(hidden["least_correlation"]) < 0.05
    (deep,) = features(SPECK, 0.05 * soft(SPECK), 0.3 * soft(SPECK))
    assert deep["shown_part"] == SHOWN_PARTS[1]
    assert hidden["contrast"] == pytest.approx(0, abs=1e-3)


def test_the_surest_defects_tell_what_infrared_shows_of_a_frames_dust():
    places = [(30, 20 + 20 * number) for number in range(5)] + [(70, 20 + 20 * number) for number in range(5)]
    dust, disc = discs(4, *places[:9]), discs(4, places[9])
    # Infrared that shows a third, and a disc of the picture, which it does not show.
    probability = np.where(dust, 255, 100).astype(np.uint8)
    rows = features(dust | disc, 0.3 * soft(dust | disc), 0.1 * soft(dust), probability)
    assert [row["shown_part"] for row in rows] == pytest.approx([1.0] * 9 + [0.0], abs=0.05)


def test_a_scratch_that_took_one_dye_is_brighter_than_its_surroundings_and_colours_disagree():
    density = np.full((*SHAPE, 3), 0.5)
    density[..., 0] -= 0.4 * soft(SPECK)
    density[..., 2] += 0.1 * soft(SPECK)
    (scratch,) = features(SPECK, density)
    assert scratch["contrast"] < -0.05
    assert scratch["colour_correlation"] < 0


def test_contrast_is_density_above_the_surroundings_and_relative_to_their_structure():
    (plain,) = features(SPECK, 0.3 * SPECK)
    rng = np.random.default_rng(1)
    (rough,) = features(SPECK, 0.3 * SPECK + 0.2 * rng.standard_normal(SHAPE).clip(-1, 1) + 0.3)
    assert plain["contrast"] == pytest.approx(0.3, rel=0.02)
    assert rough["relative_contrast"] < plain["relative_contrast"] / 5
    assert rough["roughness"] > plain["roughness"] + 1


def test_the_surroundings_are_not_taken_from_other_regions():
    pair = discs(5, (48, 54), (48, 68))
    left, right = features(pair, 0.3 * pair)
    assert left["contrast"] == right["contrast"] == pytest.approx(0.3, rel=0.02)


def test_a_hair_is_long_and_a_speck_is_round():
    hair = np.zeros(SHAPE, np.bool_)
    hair[40:43, 20:100] = True
    (long,), (round_,) = features(hair, 0.3 * hair), features(SPECK, 0.3 * SPECK)
    assert long["log_elongation"] == pytest.approx(np.log(80 / 3), rel=0.05)
    assert round_["log_elongation"] == pytest.approx(0, abs=0.05)
    assert long["log_area"] == pytest.approx(np.log(240))


def test_the_networks_mean_probability_counts_as_log_odds_and_a_byte_is_never_certain():
    probability = np.zeros(SHAPE, np.uint8)
    probability[SPECK] = 255
    (certain,) = features(SPECK, 0.3 * SPECK, probability=probability)
    assert certain["mean_log_odds"] == pytest.approx(np.log((1 - BYTE_DOUBT) / BYTE_DOUBT))


def test_a_pixel_is_sure_where_all_that_was_asked_is_sure():
    both = discs(5, (48, 30), (48, 90))
    probability = np.where(both, 255, 0).astype(np.uint8)
    infrared = 0.3 * discs(5, (48, 30))
    shares = [row["sure_share"] for row in features(both, 0.3 * both, infrared, probability)]
    assert shares == pytest.approx([0.5, 0.5])
    alone = features(both, 0.3 * both, None, probability)[0]
    assert alone["sure_share"] == 1.0
    assert alone["log_sure_part"] == pytest.approx(np.log1p(1e6 * both.mean()))


def test_the_leakage_is_that_of_the_frame_and_without_infrared_there_is_none():
    assert features(SPECK, 0.3 * SPECK, 0.3 * SPECK, leakage=0.4)[0]["leakage"] == 0.4
    colours = features(SPECK, 0.3 * SPECK)[0]
    assert [colours[name] for name in ("highest_deviation", "least_correlation", "shown_part", "leakage")] == [
        0,
        0,
        0,
        0,
    ]


def test_no_region_has_no_features():
    evidence = Evidence(rgb_of(np.zeros(SHAPE)), density_levels((WHITE,) * 3), None, 0.0, None)
    assert measure_features(evidence, none()).shape == (0, len(FEATURES))
