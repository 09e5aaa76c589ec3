"""A floor under the shipped detector: far below what the blind bench measures, so that only a real loss fails."""

from __future__ import annotations

import numpy as np
import pytest

from bench.blind.frames import BlindFrame
from bench.blind.scores import score_mask
from bench.frames.drawn_pictures import night_lamps, rocks, star_field
from bench.frames.second_film import second_model
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape, smooth_sky
from filmscand.ir import clean_frame

SHAPE = (320, 480)
SEED = 97_001


def score(blind: BlindFrame):
    cleaned = clean_frame(blind.frame.rgb, None)
    return score_mask(blind, cleaned.defect_mask, cleaned.rgb, 0.0)


@pytest.mark.parametrize(
    ("picture", "kind", "floor"),
    [(smooth_sky, "bright_slide", 0.6), (smooth_sky, "heavy_dirt", 0.6), (landscape, "leaky_slide", 0.1)],
    ids=["bright sky", "heavy dirt", "landscape"],
)
def test_dust_is_found_in_the_colours_alone_and_healed(picture, kind, floor):
    found = score(BlindFrame(simulate_frame(picture(*SHAPE, SEED), KINDS[kind], seed=SEED)))
    assert found.f1 > floor
    assert found.after_db > found.before_db


def test_dust_of_another_model_of_damage_is_found():
    found = score(BlindFrame(second_model(smooth_sky(*SHAPE, SEED), seed=SEED)))
    assert found.f1 > 0.6
    assert found.after_db > found.before_db


@pytest.mark.parametrize("picture", [smooth_sky, landscape, rocks], ids=lambda picture: picture.__name__)
def test_a_spotless_frame_is_not_touched(picture):
    frame = simulate_frame(picture(*SHAPE, SEED), KINDS["spotless"], seed=SEED)
    assert not clean_frame(frame.rgb, None).defect_mask.any()


@pytest.mark.parametrize("make", [star_field, night_lamps], ids=["stars", "lamps"])
def test_hardly_any_light_is_touched(make):
    lights = make(*SHAPE, SEED)
    frame = simulate_frame(lights.picture, KINDS["spotless"], seed=SEED)
    seen = score(BlindFrame(frame, lights.labels)).lights
    assert seen.of > 15
    assert seen.found <= 0.02 * seen.of


def test_film_without_a_picture_is_not_touched():
    rng = np.random.default_rng(SEED)
    rgb = (30_000 + 200 * rng.standard_normal((*SHAPE, 3))).astype(np.uint16)
    assert not clean_frame(rgb, None).defect_mask.any()
