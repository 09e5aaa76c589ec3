"""A model's defects are drawn beside the frame, by whether they are right."""

from __future__ import annotations

import numpy as np

from support.onnx_models import save_detector
from training.look import drawing, onnx_detector
from training.networks.validation import Case

SHAPE = (40, 60)


def a_case(defect):
    density = np.full((3, *SHAPE), 0.3, np.float32)
    return Case("dust", density, np.zeros_like(density), defect, defect)


def square(row, col):
    mask = np.zeros(SHAPE, np.bool_)
    mask[row : row + 4, col : col + 4] = True
    return mask


def test_found_missed_and_false_defects_have_colours_of_their_own():
    found, missed, false = square(5, 5), square(5, 30), square(25, 30)
    sheet = drawing(a_case(found | missed), found | false)
    assert sheet.shape == (40, 120, 3)
    marked = sheet[:, 60:]
    for mask, channel in ((found, 1), (missed, 2), (false, 0)):
        assert set(np.unique(marked[mask].argmax(-1))) == {channel}
    assert np.ptp(marked[~(found | missed | false)].astype(int), axis=-1).max() == 0


def test_a_model_is_run_on_a_frame_whose_size_is_no_multiple_of_its_own(tmp_path):
    detect = onnx_detector(save_detector(tmp_path / "tiny.onnx"))
    density = np.full((3, *SHAPE), 0.3, np.float32)
    density[:, 20:23, 30:33] = 1.5
    probability = detect(density, np.zeros_like(density))
    assert probability.shape == SHAPE
    assert probability[21, 31] > 0.5 > np.median(probability)
    assert probability.min() >= 0
