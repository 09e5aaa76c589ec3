from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ir_frames import compiled
from onnx_models import save_detector

from ir import detector
from ir.convincing import INFRARED_RULES, sure_regions
from ir.density_input import density_planes, measure_levels
from ir.detector import find_probability, find_regions, probability_strips
from ir.model_file import load_detector

pytestmark = compiled


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load_detector(str(save_detector(tmp_path_factory.mktemp("model") / "tiny.onnx")))


def dusty(shape, seed=1):
    """A grainy gradient with dark squares."""
    rng = np.random.default_rng(seed)
    rows, cols = shape
    light = 20_000 + 20_000 * np.arange(cols) / cols * np.ones((rows, 1))
    for row, col in rng.integers(0, [max(rows - 5, 1), max(cols - 5, 1)], (rows * cols // 3000 + 1, 2)):
        light[row : row + 5, col : col + 5] *= 0.6
    return np.rint(light[..., None] * rng.normal(1, 0.01, (rows, cols, 3))).astype(np.uint16)


def whole_answer(rgb, model):
    """What the model says of the whole frame at once, mirrored at its ends to a size that it takes."""
    planes = density_planes(rgb, measure_levels(rgb))
    rows, cols = (-length % model.card.multiple_px for length in rgb.shape[:2])
    planes = np.pad(planes, ((0, 0), (0, rows), (0, cols)), "symmetric")
    infrared = {"infrared": np.zeros_like(planes)[None]} if model.sees_infrared else {}
    (answer,) = model.session.run(None, {"density": planes[None], **infrared})
    return answer[0, 0, : rgb.shape[0], : rgb.shape[1]]


def tiled_answer(rgb, model):
    return np.concatenate([strip for _, strip in probability_strips(rgb, model)])


@pytest.mark.parametrize("shape", [(500, 700), (233, 1001), (1001, 130), (160, 161)], ids=str)
def test_the_answer_of_tiles_is_the_answer_of_the_whole_frame(shape, model, monkeypatch):
    monkeypatch.setattr(detector, "TILE_PX", 192)
    rgb = dusty(shape)
    assert np.abs(tiled_answer(rgb, model) - whole_answer(rgb, model)).max() < 1e-3


def test_the_model_that_comes_along_answers_alike_in_tiles_and_at_once(monkeypatch):
    monkeypatch.setattr(detector, "TILE_PX", 512)
    shipped = load_detector()
    rgb = dusty((400, 900))
    assert np.abs(tiled_answer(rgb, shipped) - whole_answer(rgb, shipped)).max() < 1e-3


def test_where_the_margin_is_too_small_one_tile_fades_into_the_next_without_a_seam(tmp_path, monkeypatch):
    monkeypatch.setattr(detector, "TILE_PX", 96)
    model = load_detector(str(save_detector(tmp_path / "gentle.onnx", steepness=3.0)))
    narrow = replace(model, card=replace(model.card, margin_px=0))
    rgb = dusty((300, 420))
    expected = whole_answer(rgb, model)
    steps = {}
    for fade_px in (1, 16):
        monkeypatch.setattr(detector, "FADE_PX", fade_px)
        steps[fade_px] = np.abs(np.diff(tiled_answer(rgb, narrow) - expected, axis=1)).max()
    assert steps[16] < 0.4 * steps[1]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.sampled_from([1, 4, 16, 32]), st.integers(0, 60))
def test_the_weights_of_tiles_sum_to_one_everywhere(rows, cols, multiple, margin):
    for length in (rows, cols):
        axis = detector._axis(length * 7, multiple, margin, detector.TILE_PX)
        total = np.zeros(axis.starts[-1] + axis.size)
        for start, weight in zip(axis.starts, axis.weights, strict=True):
            assert start % multiple == 0
            total[start : start + axis.size] += weight
        assert axis.size % multiple == 0
        assert len(total) >= length * 7
        assert np.allclose(total, 1, atol=1e-6)


@pytest.fixture(scope="module")
def by_both(tmp_path_factory):
    return load_detector(str(save_detector(tmp_path_factory.mktemp("model") / "both.onnx", infrared=True)))


class Spots:
    """A view of infrared with spots in three planes that differ."""

    def __init__(self, shape):
        self.whole = np.zeros((3, *shape), np.float32)
        self.whole[:, 30::90, 40::70] = np.array([0.9, 0.6, 0.3])[:, None, None]

    def planes(self, corner, size):
        return self.whole[:, corner[0] : corner[0] + size[0], corner[1] : corner[1] + size[1]]


def test_a_detector_that_takes_infrared_gets_the_part_of_it_that_lies_under_each_tile(by_both, monkeypatch):
    monkeypatch.setattr(detector, "TILE_PX", 192)
    rgb = np.full((500, 700, 3), 30_000, np.uint16)
    view = Spots((500, 700))
    probability = find_probability(rgb, by_both, view)
    planes = np.pad(view.whole, ((0, 0), (0, -500 % 4), (0, -700 % 4)), "symmetric")[None]
    (answer,) = by_both.session.run(None, {"density": np.zeros_like(planes), "infrared": planes})
    assert np.abs(probability - 255 * answer[0, 0, :500, :700]).max() < 1
    assert (probability[30::90, 40::70] > 200).all()


def test_a_detector_that_takes_infrared_looks_at_the_colours_alone_where_there_is_none(by_both, model):
    rgb = dusty((233, 401))
    assert np.array_equal(find_probability(rgb, by_both), find_probability(rgb, model))


def test_a_detector_that_takes_no_infrared_goes_without(model):
    rgb = dusty((233, 401))
    assert not model.sees_infrared
    assert np.array_equal(find_probability(rgb, model, Spots((233, 401))), find_probability(rgb, model))


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (4, 4), (65, 129)], ids=str)
def test_frames_of_any_size_are_looked_at(shape, model):
    probability = find_probability(dusty(shape), model)
    assert probability.shape == shape
    assert probability.dtype == np.uint8


@pytest.mark.parametrize("infrared", [False, True])
def test_the_number_of_threads_changes_no_bit_of_what_the_models_that_come_along_say(infrared):
    rgb = dusty((401, 509))
    view = Spots(rgb.shape[:2]) if infrared else None
    models = [load_detector(infrared=infrared, threads=threads) for threads in (1, 2, 3, 5)]
    answers = {b"".join(strip.tobytes() for _, strip in probability_strips(rgb, model, view)) for model in models}
    assert len(answers) == 1
    assert len({id(model.session) for model in models}) == 4
    assert find_probability(rgb, models[0], view).max() > 200


def test_of_tiles_only_those_are_looked_at_that_hold_what_is_asked_for(model, monkeypatch):
    monkeypatch.setattr(detector, "SPARSE_TILE_PX", 192)
    rgb = dusty((500, 700))
    wanted = np.zeros((500, 700), np.bool_)
    wanted[250, 20] = True
    everywhere, asked = find_probability(rgb, model), find_probability(rgb, model, wanted=wanted)
    assert np.array_equal(asked[230:270, :40], everywhere[230:270, :40])
    assert everywhere[:, 300:].any()
    assert not asked[:, 300:].any()


def test_a_model_that_fails_on_a_tile_ends_the_frame_with_its_error(model):
    odd = replace(model, card=replace(model.card, multiple_px=1))
    with pytest.raises(Exception, match="Sub"):
        find_probability(dusty((61, 63)), odd)


def plane(*spots, shape=(60, 80)):
    """Probabilities, nothing but spots of (rows, cols, value)."""
    probability = np.zeros(shape, np.uint8)
    for rows, cols, value in spots:
        probability[rows, cols] = value
    return probability


def test_a_region_grows_from_its_seed_and_nothing_grows_without_one():
    weak, strong = np.s_[5:9], np.s_[30:34]
    probability = plane((weak, weak, 120), (strong, strong, 120), (31, 31, 230))
    regions = find_regions(probability, 0.8, 0.4)
    assert len(regions) == 1
    assert sorted(set(regions.rows)) == [30, 31, 32, 33]


def test_what_is_smaller_than_three_pixels_is_no_defect():
    probability = plane((5, np.s_[5:7], 255), (20, np.s_[5:8], 255))
    assert set(find_regions(probability, 0.8, 0.4).rows) == {20}


def test_what_covers_more_than_dirt_ever_does_is_the_pictures(monkeypatch):
    monkeypatch.setattr(detector, "LARGEST_PX", 50)
    large, small = np.s_[5:20], np.s_[30:34]
    probability = plane((large, large, 255), (small, small, 255))
    regions = find_regions(probability, 0.8, 0.4)
    assert len(regions) == 1
    assert regions.rows.min() == 30


def test_the_highest_limits_still_find_what_is_certain_and_the_lowest_leave_out_what_is_not():
    probability = plane((np.s_[5:9], np.s_[5:9], 255))
    assert len(find_regions(probability, 1.0, 1.0)) == 1
    assert find_regions(probability, 0.0, 0.0).rows.size == 16


def marked(sure, doubtful):
    """Probabilities with so many small marks that are sure, and so many that are nearly so."""
    probability = plane(shape=(1000, 1500))
    for index in range(sure + doubtful):
        top, left = 200 + 20 * (index // 50), 10 + 20 * (index % 50)
        probability[top : top + 4, left : left + 4] = 253 if index < sure else 225
    return probability


@pytest.mark.parametrize(
    ("sure", "doubtful", "found"),
    [(2, 0, 0), (3, 0, 3), (3, 4, 7), (3, 6, 0), (4, 8, 12), (7, 25, 0), (8, 25, 33), (200, 0, 200)],
    ids=["two", "three", "of seven", "of nine", "four of twelve", "seven of many", "eight of many", "many"],
)
def test_the_more_there_is_that_is_nearly_so_the_more_sure_marks_make_a_frame_dusty(sure, doubtful, found, model):
    assert len(sure_regions(marked(sure, doubtful), model.card, 0.5)) == found
    assert len(sure_regions(marked(sure, doubtful), model.card, 1.0)) == sure + doubtful


@pytest.mark.parametrize(("level", "found"), [(126, 3), (129, 0)])
def test_also_what_is_no_mark_is_nearly_one_from_a_half_on(level, found, model):
    probability = marked(3, 0)
    for index in range(25):
        probability[100:104, 10 + 20 * index : 14 + 20 * index] = level
    assert len(sure_regions(probability, model.card, 0.5)) == found


def test_a_model_with_limits_below_a_half_is_asked_for_its_own_marks(model):
    low = replace(model.card, seed=(0.4, 0.3, 0.2), grow=(0.3, 0.2, 0.1))
    probability = plane(shape=(1000, 1500))
    for index in range(5):
        probability[100:104, 10 + 20 * index : 14 + 20 * index] = 120
    assert len(find_regions(probability, *low.limits(0.5))) == 5
    # None is over a half, and a mean probability of a half is asked.
    assert len(sure_regions(probability, low, 0.5)) == 0
    probability[probability > 0] = 250
    assert len(sure_regions(probability, low, 0.5)) == 5


@pytest.mark.parametrize(("doubtful", "surely_dusty"), [(40, True), (80, False)])
def test_where_a_frame_is_surely_dusty_a_lower_seed_and_a_wider_rim_make_a_mark(doubtful, surely_dusty, model):
    """Of its seed of 0.8 half is enough where over 0.55 of the marks are sure, and of 0.4 to grow 0.85."""
    probability = marked(60, 0)
    for index in range(doubtful):
        probability[100:104, 10 + 16 * index : 14 + 16 * index] = 160
    probability[60:64, 100:104] = 150
    probability[60:64, 104:106] = 92
    probability[60:64, 200:204] = 150
    regions = sure_regions(probability, model.card, 0.5)
    assert len(regions) == 60 + surely_dusty * (doubtful + 2)
    assert ((regions.rows < 64) & (regions.cols == 105)).any() == surely_dusty


@pytest.mark.parametrize(("sure", "found"), [(6, 0), (7, 7)])
def test_the_network_that_sees_infrared_has_to_see_more_however_sure_it_is(sure, found, model):
    assert len(sure_regions(marked(sure, 0), model.card, 0.5, INFRARED_RULES)) == found


@pytest.mark.parametrize(("sure", "found"), [(1, 0), (2, 2)])
def test_on_a_tiny_frame_two_sure_marks_are_enough(sure, found, model):
    assert len(sure_regions(marked(sure, 0)[190:230, :200], model.card, 0.5)) == found


@pytest.mark.parametrize(("certain_px", "found"), [(2, 0), (3, 20)])
def test_sure_is_a_mark_of_which_more_than_15_in_a_hundred_is_certain(certain_px, found, model):
    probability = marked(0, 20)
    for index in range(20):
        probability[200, 10 + 20 * index : 10 + 20 * index + certain_px] = 253
    assert len(sure_regions(probability, model.card, 0.5)) == found


@pytest.mark.parametrize(
    ("size_px", "level", "certain_rows", "doubtful", "kept"),
    [
        (30, 145, 3, 3, True),
        (30, 110, 3, 3, False),
        (30, 145, 8, 52, False),
        (30, 200, 8, 52, True),
        (30, 185, 8, 52, False),
        (30, 240, 5, 52, False),
        (30, 240, 6, 52, True),
        (18, 170, 4, 52, True),
        (18, 150, 4, 52, False),
        (8, 150, 2, 52, True),
        (50, 200, 14, 52, False),
        (50, 210, 14, 52, True),
        (100, 195, 32, 52, False),
        (100, 210, 32, 52, True),
        (100, 235, 29, 52, False),
    ],
    ids=[
        *("dusty frame", "less likely", "where three in ten are sure", "surer itself", "doubtful all over"),
        *("hardly certain", "certain enough", "middling and sure", "middling", "small", "huge", "huge and sure"),
        *("vast", "vast and sure", "vast and hardly certain"),
    ],
)
def test_the_larger_a_mark_the_surer_it_has_to_be_all_over_and_the_more_so_where_little_is_sure(
    size_px, level, certain_rows, doubtful, kept, model
):
    probability = marked(20, doubtful)
    probability[60 : 60 + size_px, 10 : 10 + size_px] = level
    probability[60 : 60 + certain_rows, 10 : 10 + size_px] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows == 59 + size_px) & (found.cols == 10 + size_px // 2)).any() == kept
    everything = sure_regions(probability, model.card, 1.0)
    assert ((everything.rows == 59 + size_px) & (everything.cols == 10 + size_px // 2)).any()


@pytest.mark.parametrize(("doubtful", "kept"), [(0, True), (70, True), (100, False), (200, False)])
def test_the_more_marks_are_sure_the_less_is_asked_of_a_large_one_beyond_what_is_of_a_small_one(doubtful, kept, model):
    # Its mean is 0.6 and 11 % are certain; 0.72 and 12 % are asked, of the others 0.5.
    probability = marked(60, doubtful)
    probability[60:78, 10:28] = 140
    probability[60:62, 10:28] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows == 77) & (found.cols == 20)).any() == kept
    by_infrared = sure_regions(probability, model.card, 0.5, INFRARED_RULES)
    assert not ((by_infrared.rows == 77) & (by_infrared.cols == 20)).any()


def test_to_the_network_that_sees_infrared_a_mark_is_sure_that_is_certain_anywhere(model):
    probability = marked(0, 20)
    for index in range(20):
        probability[200, 10 + 20 * index] = 253
    assert len(sure_regions(probability, model.card, 0.5)) == 0
    assert len(sure_regions(probability, model.card, 0.5, INFRARED_RULES)) == 20


@pytest.mark.parametrize(("doubtful", "found"), [(29, 49), (31, 0)])
def test_to_it_marks_of_which_less_than_four_in_ten_are_sure_are_the_pictures(doubtful, found, model):
    assert len(sure_regions(marked(20, doubtful), model.card, 0.5, INFRARED_RULES)) == found


def with_core(probability, top, size_px, level, left=700):
    """Put a mark of a level, with a sure core of 4 x 4 pixels."""
    probability[top : top + size_px, left : left + size_px] = level
    probability[top + 4 : top + 8, left + 4 : left + 8] = 253


@pytest.mark.parametrize("level", [110, 130], ids=["under the first cut", "under the second cut"])
def test_a_mark_that_is_not_sure_enough_all_over_is_cut_down_to_what_is(level, model):
    probability = marked(60, 150)
    with_core(probability, 60, 18, level)
    found = sure_regions(probability, model.card, 0.5)
    assert len(found) == 211
    of_mark = found.rows < 200
    assert of_mark.sum() == 16
    assert set(found.rows[of_mark]) == {64, 65, 66, 67}


def test_a_huge_mark_is_cut_down_to_what_is_sure_by_a_third_cut(model):
    # Its mean is 0.79, where 0.86 is asked of its 2500 pixels.
    probability = marked(90, 140)
    with_core(probability, 60, 50, 200)
    found = sure_regions(probability, model.card, 0.5)
    assert sorted(set(found.rows[found.rows < 200])) == [64, 65, 66, 67]


@pytest.mark.parametrize(("doubtful", "looks_like_dust"), [(3, False), (4, True)])
def test_where_a_picture_looks_like_dust_doubtful_marks_are_left_and_more_is_asked_of_the_others(
    doubtful, looks_like_dust, model
):
    # 62 sure marks cover 992 pixels, 0.8 of them are 794; a doubtful mark covers 256.
    probability = marked(60, 0)
    for index in range(doubtful):
        with_core(probability, 60 + 30 * index, 16, 110)
    # Their means are 0.82 and 0.94; of a speck 0.5 is asked, and then 0.9.
    for col, level in ((100, 205), (200, 240)):
        probability[60:64, col : col + 4] = level
        probability[61, col + 1] = 253
    found = sure_regions(probability, model.card, 0.5)
    assert (found.rows >= 200).sum() == 960
    above = found.cols[found.rows < 200]
    assert (above == 706).any() != looks_like_dust
    assert (above == 101).any() != looks_like_dust
    assert (above == 201).any()


@pytest.mark.parametrize(("size_px", "looks_like_dust"), [(44, False), (46, True)])
def test_one_large_doubtful_mark_is_enough_where_little_is_sure(size_px, looks_like_dust, model):
    # Sure marks cover 2520 pixels: 0.8 of them are 2016. Of a mark of more 1000 count.
    probability = marked(120, 0)
    probability[60:84, 1000:1025] = 250
    with_core(probability, 60, size_px, 110)
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows < 200) & (found.cols < 900)).any() != looks_like_dust


@pytest.mark.parametrize(("doubtful", "looks_like_dust"), [(9, False), (10, True)])
def test_one_huge_mark_does_not_make_up_for_many_doubtful_ones(doubtful, looks_like_dust, model):
    # It counts as 1000 of its 3600 pixels: 1.3 of all sure ones are 2548; a doubtful mark covers 256.
    probability = marked(60, 0)
    probability[60:120, 1000:1060] = 250
    for index in range(doubtful):
        with_core(probability, 60 + 30 * (index % 4), 16, 110, 700 - 40 * (index // 4))
    found = sure_regions(probability, model.card, 0.5)
    assert ((found.rows < 200) & (found.cols < 900)).any() != looks_like_dust
    assert ((found.rows < 200) & (found.cols >= 1000)).sum() == 3600


def test_without_a_mark_that_is_sure_nothing_is_a_defect(model):
    probability = plane(*((np.s_[10 * i : 10 * i + 4], np.s_[5:9], 220) for i in range(1, 5)))
    assert len(find_regions(probability, *model.card.limits(0.5))) == 4
    assert len(sure_regions(probability, model.card, 0.5)) == 0
