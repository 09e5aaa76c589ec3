"""The measures of masks and pictures, against values computed by hand and by scikit-image."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from filmscand.daemon.evaluation.metrics import changed_mask, psnr_db, score_mask, ssim
from support.picture_pairs import mask_of


def test_a_mask_scored_by_hand():
    found, true = mask_of((0, slice(0, 4))), mask_of((0, slice(2, 8)))
    score = score_mask(found, true)
    assert (score.precision, score.recall, score.iou) == (2 / 4, 2 / 6, 2 / 8)
    assert score.f1 == pytest.approx(2 * 2 / (4 + 6))
    assert score.emd == pytest.approx(2 / 600)
    # Along the columns the middles lie 1.5 and 4.5 from the side, and every pixel moves to the right.
    assert score.emd_place == pytest.approx((5 - 2) / 30 / 2)


def test_with_tolerance_a_pixel_beside_the_true_mask_is_right():
    found, true = mask_of((5, 5)), mask_of((5, 7))
    assert score_mask(found, true, 1).f1 == 0
    assert score_mask(found, true, 2).f1 == 1
    assert score_mask(found, true, 2).iou == 0


def test_masks_without_anything_have_no_f1_and_one_without_the_other_has_none():
    nothing, something = mask_of(), mask_of((4, 4))
    assert math.isnan(score_mask(nothing, nothing).f1)
    assert score_mask(nothing, something).f1 == score_mask(something, nothing).f1 == 0
    assert math.isnan(score_mask(nothing, something).emd_place)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.02, 0.5))
def test_f1_and_iou_of_a_mask_agree_and_every_mask_fits_itself(seed, share):
    rng = np.random.default_rng(seed)
    found, true = rng.random((2, 24, 32)) < share
    score = score_mask(found, true)
    assert score.f1 == pytest.approx(2 * score.iou / (1 + score.iou))
    assert score.emd == pytest.approx(abs(score.found - score.damaged))
    own = score_mask(true, true)
    assert (own.f1, own.iou, own.emd, own.emd_place) == (1, 1, 0, 0)


@pytest.mark.parametrize("rows", [7, 160, 600])
def test_psnr_and_ssim_are_those_of_scikit_image(rows):
    rng = np.random.default_rng(rows)
    first = rng.integers(0, 65536, (rows, 40, 3)).astype(np.uint16)
    second = (first // 2 + rng.integers(0, 30000, first.shape)).astype(np.uint16)
    assert psnr_db(first, second) == pytest.approx(peak_signal_noise_ratio(first, second))
    expected = structural_similarity(first / 65535, second / 65535, win_size=7, data_range=1.0, channel_axis=-1)
    assert ssim(first, second) == pytest.approx(expected, abs=1e-9)


def test_equal_pictures_have_no_noise():
    picture = np.full((20, 20, 3), 300, np.uint16)
    assert math.isinf(psnr_db(picture, picture))
    assert ssim(picture, picture) == pytest.approx(1)


def test_the_difference_counts_from_its_threshold_on_in_any_channel():
    first = np.full((300, 4, 3), 30000, np.uint16)
    second = first.copy()
    second[10, 1, 2] += 700
    second[290, 2, 0] -= 600
    assert np.argwhere(changed_mask(first, second, 0.01)).tolist() == [[10, 1]]
    assert np.argwhere(changed_mask(first, second, 0)).tolist() == [[10, 1], [290, 2]]
