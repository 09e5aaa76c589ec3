"""Pairs that are cleaned and measured, by filmscand and by another program."""

from __future__ import annotations

import math

import numpy as np
import pytest

from filmscand.daemon.evaluation.measure import MeasureSettings, evaluate_pair, mean_of
from filmscand.daemon.evaluation.metrics import changed_mask, psnr_db, score_mask
from filmscand.daemon.evaluation.pairs import find_pairs
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir import CleanOptions, clean_frame
from support.picture_pairs import write_infrared, write_mask, write_pair, write_png


@pytest.fixture(scope="module")
def frame():
    return simulate_frame(landscape(160, 240, 5), KINDS["leaky_slide"], seed=8)


def test_a_frame_with_infrared_is_cleaned_and_comes_closer_to_the_restored_one(tmp_path, frame):
    write_pair(tmp_path, frame)
    write_infrared(tmp_path / "a_ir.tif", frame.infrared)
    write_mask(tmp_path / "a_mask.png", frame.visible_mask)
    score = evaluate_pair(find_pairs(tmp_path)[0], MeasureSettings(CleanOptions(), tolerance_px=2))
    cleaned = clean_frame(frame.rgb, frame.infrared)
    assert score.f1 == pytest.approx(score_mask(cleaned.defect_mask, frame.visible_mask, 2).f1)
    assert score.f1 > 0.7
    assert score.psnr_db == psnr_db(cleaned.rgb, frame.clean_rgb) > score.psnr_before_db + 3
    assert score.ssim > score.ssim_before
    assert score.damaged == frame.visible_mask.mean()


def test_without_a_mask_the_difference_of_both_pictures_is_the_truth(tmp_path, frame):
    write_pair(tmp_path, frame)
    score = evaluate_pair(find_pairs(tmp_path)[0], MeasureSettings(CleanOptions(), difference=0.02))
    assert score.damaged == changed_mask(frame.rgb, frame.clean_rgb, 0.02).mean() > 0


def test_another_program_s_pictures_are_measured_in_place_of_ours(tmp_path, frame):
    write_pair(tmp_path / "pairs", frame)
    write_png(tmp_path / "theirs" / "a.png", frame.clean_rgb)
    (pair,) = find_pairs(tmp_path / "pairs")
    score = evaluate_pair(pair, MeasureSettings(CleanOptions(), tmp_path / "theirs"))
    assert (score.f1, score.iou, score.emd) == (1, 1, 0)
    assert math.isinf(score.psnr_db)
    assert math.isnan(score.seconds)


def test_another_program_s_mask_goes_before_what_it_changed(tmp_path, frame):
    write_pair(tmp_path / "pairs", frame)
    write_png(tmp_path / "theirs" / "a_damaged_clean.png", frame.clean_rgb)
    write_mask(tmp_path / "theirs" / "a_damaged_mask.png", np.zeros_like(frame.visible_mask))
    (pair,) = find_pairs(tmp_path / "pairs")
    assert evaluate_pair(pair, MeasureSettings(CleanOptions(), tmp_path / "theirs")).f1 == 0


def test_means_leave_out_what_cannot_be_measured(tmp_path, frame):
    write_pair(tmp_path / "pairs", frame)
    write_png(tmp_path / "same" / "a.png", frame.rgb)
    write_png(tmp_path / "right" / "a.png", frame.clean_rgb)
    (pair,) = find_pairs(tmp_path / "pairs")
    scores = [evaluate_pair(pair, MeasureSettings(CleanOptions(), tmp_path / name)) for name in ("same", "right")]
    means = mean_of(scores)
    assert means["f1"] == 0.5
    assert means["psnr_db"] == scores[0].psnr_db
    assert means["seconds"] is None
