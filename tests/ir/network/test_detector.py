from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.detection.regions import Regions
from filmscand.ir.network import detector, windows
from filmscand.ir.network.density_input import density_planes, measure_levels
from filmscand.ir.network.detector import PROBABILITY_SCALE, find_probability, find_regions
from filmscand.ir.network.model_file import load_detector
from filmscand.ir.network.windows import Asked
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


def steps_apart(probability, answer):
    """Differences of a plane from an answer, in steps of the plane's scale."""
    return np.abs(probability - PROBABILITY_SCALE * answer)


@pytest.mark.parametrize("shape", [(500, 700), (233, 1001), (1001, 130), (160, 161)], ids=str)
def test_the_answer_of_cells_is_the_answer_of_the_whole_frame(shape, model, monkeypatch):
    monkeypatch.setattr(windows, "LARGEST_PX", 96)
    rgb = dusty(shape)
    assert steps_apart(find_probability(rgb, model), whole_answer(rgb, model)).max() < 1


def test_the_shipped_detector_gives_nearly_the_same_in_cells_and_at_once(monkeypatch):
    monkeypatch.setattr(windows, "LARGEST_PX", 192)
    shipped = load_detector()
    rgb = dusty((400, 900))
    apart = steps_apart(find_probability(rgb, shipped), whole_answer(rgb, shipped))
    # Its margin is narrower than all that it sees: a few pixels near a margin differ a little.
    assert apart.mean() < 1
    assert np.quantile(apart, 0.999) < PROBABILITY_SCALE / 16


def regions_at(*places):
    """One region of some pixels."""
    rows, cols = (np.array(each, np.int64) for each in zip(*places, strict=True))
    return Regions(rows, cols, np.array([0, len(rows)]))


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
    monkeypatch.setattr(windows, "LARGEST_PX", 96)
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
    answers = {find_probability(rgb, model, view).tobytes() for model in models}
    assert len(answers) == 1
    assert len({id(model.session) for model in models}) == 4
    assert find_probability(rgb, models[0], view).max() > 200


def asked(*places, shape, known=()):
    """The question about one region of some pixels; `known` are slices of other defects."""
    plane = np.zeros(shape, np.bool_)
    for each in known:
        plane[each] = True
    return Asked(regions_at(*places), plane)


def test_only_the_surroundings_of_what_is_asked_are_looked_at(model):
    rgb = dusty((500, 700))
    shape = rgb.shape[:2]
    everywhere, sparse = find_probability(rgb, model), find_probability(rgb, model, None, asked((250, 20), shape=shape))
    near = np.s_[246:255, 16:25]
    # Sums of a convolution may round otherwise at another place of its window.
    assert np.abs(sparse[near].astype(int) - everywhere[near]).max() <= 1
    assert everywhere[:, 300:].any()
    assert not sparse[:, 300:].any()


def streak(rows=(100, 103), cols=(50, 450)):
    rgb = np.full((400, 500, 3), 30_000, np.uint16)
    rgb[slice(*rows), slice(*cols)] = 15_000
    return rgb


def test_a_defect_that_leaves_its_window_is_followed_to_its_end(model):
    rgb = streak()
    everywhere = find_probability(rgb, model)
    followed = find_probability(rgb, model, None, asked((101, 60), shape=rgb.shape[:2]))
    assert everywhere[101, 60:440].min() > 200
    assert np.array_equal(followed > 127, everywhere > 127)


def test_a_defect_is_not_followed_into_what_is_known(model):
    rgb = streak()
    known = np.s_[100:103, 200:450]
    followed = find_probability(rgb, model, None, asked((101, 60), shape=rgb.shape[:2], known=[known]))
    assert followed[101, 60:190].min() > 200
    assert not followed[:, 250:].any()


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
    monkeypatch.setattr(detector, "LARGEST_AREA_PX", 50)
    large, small = np.s_[5:20], np.s_[30:34]
    probability = plane((large, large, 255), (small, small, 255))
    regions = find_regions(probability, 0.8, 0.4)
    assert len(regions) == 1
    assert regions.rows.min() == 30


def test_the_highest_limits_find_certain_pixels_and_the_lowest_ignore_zeros():
    probability = plane((np.s_[5:9], np.s_[5:9], 255))
    assert len(find_regions(probability, 1.0, 1.0)) == 1
    assert find_regions(probability, 0.0, 0.0).rows.size == 16
