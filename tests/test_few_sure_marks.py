"""On a frame with few sure marks each has to be certain by itself; what is not is more often the picture's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ir_frames import compiled
from onnx_models import save_detector

from film.frame import Damage, simulate_frame
from film.kinds import KINDS
from film.pictures import girders
from ir import CleanOptions, clean_frame
from ir.convincing import INFRARED_RULES, sure_regions
from ir.model_file import load_detector
from ir.smooth_ground import without_branches

pytestmark = compiled

# A frame of one megapixel has few sure marks up to 16, and many from 24 on.
SHAPE = (1000, 1000)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_detector(str(save_detector(tmp_path_factory.mktemp("model") / "tiny.onnx")))


def sure_marks(number, shape=SHAPE):
    """Probabilities with so many specks of 144 pixels that are certain all over."""
    probability = np.zeros(shape, np.uint8)
    for index in range(number):
        top, left = 300 + 40 * (index // 20), 20 + 40 * (index % 20)
        probability[top : top + 12, left : left + 12] = 253
    return probability


def with_mark(probability, rows, cols, certain_px, level=225):
    """Put a mark in the upper left, of which so many pixels are certain."""
    mark = np.full(rows * cols, level, np.uint8)
    mark[:certain_px] = 253
    probability[20 : 20 + rows, 20 : 20 + cols] = mark.reshape(rows, cols)
    return probability


def is_found(probability, model, sensitivity=0.5, *rules):
    return bool((sure_regions(probability, model.card, sensitivity, *rules).rows < 280).any())


@pytest.mark.parametrize(
    ("rows", "cols", "certain_px", "found"),
    [(10, 20, 48, False), (10, 20, 52, True), (6, 6, 24, False), (6, 6, 26, True), (8, 8, 33, True), (8, 8, 29, False)],
    ids=["a quarter", "more than it", "small", "small and certain", "half-way", "half-way and less"],
)
def test_of_a_mark_a_quarter_is_certain_and_of_a_small_one_seven_tenths(rows, cols, certain_px, found, model):
    assert is_found(with_mark(sure_marks(12), rows, cols, certain_px), model) == found
    assert is_found(with_mark(sure_marks(12), rows, cols, certain_px), model, 1.0)


@pytest.mark.parametrize(("number", "found"), [(14, False), (17, False), (22, True), (30, True)])
def test_the_more_marks_are_sure_the_less_each_has_to_be_certain(number, found, model):
    assert is_found(with_mark(sure_marks(number), 10, 20, 20), model) == found


@pytest.mark.parametrize(("number", "found"), [(30, False), (44, True)])
def test_few_is_for_the_root_of_a_frames_area(number, found, model):
    assert is_found(with_mark(sure_marks(number, (2000, 2000)), 10, 20, 20), model) == found


def test_the_network_that_sees_infrared_is_seldom_certain_and_asked_for_no_more(model):
    assert is_found(with_mark(sure_marks(12), 10, 20, 20), model, 0.5, INFRARED_RULES)


@pytest.mark.parametrize(("certain_px", "found"), [(82, 0), (90, 6)])
def test_where_of_no_mark_six_tenths_are_certain_none_is_dust(certain_px, found, model):
    probability = np.zeros(SHAPE, np.uint8)
    for index in range(6):
        block = with_mark(np.zeros((40, 60), np.uint8), 12, 12, certain_px)
        probability[100:140, 60 * index : 60 * index + 60] = block
    assert len(sure_regions(probability, model.card, 0.5)) == found
    assert len(sure_regions(probability, model.card, 1.0)) == 6


# --- before a smooth ground ---


def before(ground, *, darker=0.3, certain_px=100, large=True, others=0, model, sensitivity=0.5):
    """Whether a mark before a ground of some density stays a defect, one of so many."""
    size_px = 16 if large else 12
    probability, density = np.zeros(SHAPE, np.uint8), np.broadcast_to(ground, SHAPE).astype(np.float32)
    with_mark(probability, size_px, size_px, certain_px)
    density[20 : 20 + size_px, 20 : 20 + size_px] += darker
    probability += sure_marks(others)
    rgb = np.repeat((60000 * 10**-density).astype(np.uint16)[..., None], 3, 2)
    # Where few marks are sure, the rules for these are another matter.
    regions = sure_regions(probability, model.card, 1.0)
    kept = without_branches(rgb, probability, regions, model.card, sensitivity)
    assert len(regions) == 1 + others
    return len(kept) == len(regions)


def grainy(deviation):
    return np.random.default_rng(1).normal(0.5, deviation, SHAPE)


def test_a_large_mark_that_is_plain_to_see_before_a_smooth_ground_and_not_certain_is_the_pictures(model):
    assert not before(grainy(0.01), model=model)


@pytest.mark.parametrize(
    "but",
    [{"darker": 0.06}, {"certain_px": 200}, {"large": False}, {"others": 30}, {"sensitivity": 0.9}],
    ids=["faint", "certain", "smaller", "on a dusty frame", "at more sensitivity"],
)
def test_it_is_dust_where_it_is_otherwise(but, model):
    assert before(grainy(0.01), **but, model=model)


def test_on_rough_ground_dust_is_seldom_certain(model):
    cobbles = 0.5 + 0.15 * np.sign(np.sin(np.arange(1000) / 3)[:, None] * np.sin(np.arange(1000) / 3))
    assert before(cobbles, darker=2.0, model=model)


def test_a_frame_without_a_mark_has_none(model):
    rgb, probability = np.zeros((*SHAPE, 3), np.uint16), np.zeros(SHAPE, np.uint8)
    none = sure_regions(probability, model.card, 0.5)
    assert len(without_branches(rgb, probability, none, model.card, 0.5)) == 0


@pytest.mark.parametrize("kind", ["dark_slide", "leaky_slide"])
def test_girders_and_twigs_with_few_specks_are_better_for_cleaning(kind):
    """A rig of twigs was taken for dirt here, at a loss of 7 dB."""
    specks = Damage(dust=0.1, dirt=0.1, short_hairs=0.1, long_hairs=0, scratches=0)
    frame = simulate_frame(girders(1000, 1500, 312001), replace(KINDS[kind], damage=specks), seed=312351)
    cleaned = clean_frame(frame.rgb, None, CleanOptions())
    outside = ~cleaned.defect_mask
    assert np.array_equal(cleaned.rgb[outside], frame.rgb[outside])
    before_error, after_error = (
        np.square(np.sqrt(rgb / 65535) - np.sqrt(frame.clean_rgb / 65535)).mean() for rgb in (frame.rgb, cleaned.rgb)
    )
    assert after_error < 0.7 * before_error
