from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.network import detector
from filmscand.ir.network.density_input import density_planes, measure_levels
from filmscand.ir.network.detector import find_probability, find_regions, probability_strips
from filmscand.ir.network.model_file import load_detector
from support.ir_frames import compiled
from support.onnx_models import save_detector

pytestmark = compiled


def dusty(shape, seed=1):
    """A grainy gradient with dark squares."""
    rng = np.random.default_rng(seed)
    rows, cols = shape
    light = 20_000 + 20_000 * np.arange(cols) / cols * np.ones((rows, 1))
    for row, col in rng.integers(0, [max(rows - 5, 1), max(cols - 5, 1)], (rows * cols // 3000 + 1, 2)):
        light[row : row + 5, col : col + 5] *= 0.6
    return np.rint(light[..., None] * rng.normal(1, 0.01, (rows, cols, 3))).astype(np.uint16)


def whole_answer(rgb, model):
    """Result of the model on the whole frame at once, mirrored at its ends to a size that it accepts."""
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


def test_the_shipped_detector_gives_the_same_in_tiles_and_at_once(monkeypatch):
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


def test_a_detector_with_an_infrared_input_gets_the_part_under_each_tile(by_both, monkeypatch):
    monkeypatch.setattr(detector, "TILE_PX", 192)
    rgb = np.full((500, 700, 3), 30_000, np.uint16)
    view = Spots((500, 700))
    probability = find_probability(rgb, by_both, view)
    planes = np.pad(view.whole, ((0, 0), (0, -500 % 4), (0, -700 % 4)), "symmetric")[None]
    (answer,) = by_both.session.run(None, {"density": np.zeros_like(planes), "infrared": planes})
    assert np.abs(probability - 255 * answer[0, 0, :500, :700]).max() < 1
    assert (probability[30::90, 40::70] > 200).all()


def test_a_detector_with_an_infrared_input_runs_on_colours_alone_where_there_is_none(by_both, model):
    rgb = dusty((233, 401))
    assert np.array_equal(find_probability(rgb, by_both), find_probability(rgb, model))


def test_a_detector_without_an_infrared_input_ignores_infrared(model):
    rgb = dusty((233, 401))
    assert not model.sees_infrared
    assert np.array_equal(find_probability(rgb, model, Spots((233, 401))), find_probability(rgb, model))


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (4, 4), (65, 129)], ids=str)
def test_a_frame_of_any_size_has_a_probability_everywhere(shape, model):
    probability = find_probability(dusty(shape), model)
    assert probability.shape == shape
    assert probability.dtype == np.uint8


@pytest.mark.parametrize("infrared", [False, True])
def test_the_number_of_threads_changes_no_bit_of_the_shipped_detectors_result(infrared):
    rgb = dusty((401, 509))
    view = Spots(rgb.shape[:2]) if infrared else None
    models = [load_detector(infrared=infrared, threads=threads) for threads in (1, 2, 3, 5)]
    answers = {b"".join(strip.tobytes() for _, strip in probability_strips(rgb, model, view)) for model in models}
    assert len(answers) == 1
    assert len({id(model.session) for model in models}) == 4
    assert find_probability(rgb, models[0], view).max() > 200


def test_only_tiles_with_needed_pixels_run(model, monkeypatch):
    monkeypatch.setattr(detector, "SPARSE_TILE_PX", 192)
    rgb = dusty((500, 700))
    needed = np.zeros((500, 700), np.bool_)
    needed[250, 20] = True
    everywhere, sparse = find_probability(rgb, model), find_probability(rgb, model, needed=needed)
    assert np.array_equal(sparse[230:270, :40], everywhere[230:270, :40])
    assert everywhere[:, 300:].any()
    assert not sparse[:, 300:].any()


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


def test_a_region_of_less_than_three_pixels_is_not_a_defect():
    probability = plane((5, np.s_[5:7], 255), (20, np.s_[5:8], 255))
    assert set(find_regions(probability, 0.8, 0.4).rows) == {20}


def test_a_region_larger_than_dirt_ever_is_belongs_to_the_picture(monkeypatch):
    monkeypatch.setattr(detector, "LARGEST_PX", 50)
    large, small = np.s_[5:20], np.s_[30:34]
    probability = plane((large, large, 255), (small, small, 255))
    regions = find_regions(probability, 0.8, 0.4)
    assert len(regions) == 1
    assert regions.rows.min() == 30


def test_the_highest_limits_find_certain_pixels_and_the_lowest_ignore_zeros():
    probability = plane((np.s_[5:9], np.s_[5:9], 255))
    assert len(find_regions(probability, 1.0, 1.0)) == 1
    assert find_regions(probability, 0.0, 0.0).rows.size == 16
