"""Frames of a second film, damage and infrared, which the engine was not made with: they are cleaned as well."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import pytest

from bench.frames.second_film import second_model
from bench.frames.second_infrared import SecondInfrared
from bench.measures.metrics import Answer, Judge
from filmscand.film.pictures import landscape, smooth_sky
from filmscand.ir import clean_frame
from filmscand.ir.report import Method
from support.ir_frames import compiled

SHAPE = (400, 600)
GOOD = SecondInfrared()


@cache
def second(how, picture=landscape, seed=31, spotless=False):
    return second_model(picture(*SHAPE, 5), seed=seed, spotless=spotless, infrared=how)


def test_the_infrared_shows_the_damage_and_a_part_of_the_picture():
    frame = second(GOOD)
    core = frame.visible_mask
    assert (frame.infrared[core] < frame.clean_infrared[core]).mean() > 0.9
    # Its focus is softer than the picture's.
    far = cv2.dilate(frame.any_mask.astype(np.uint8), np.ones((9, 9))) == 0
    assert np.array_equal(frame.infrared[far], second(GOOD, spotless=True).infrared[far])
    red, infrared = (np.log(plane[::4, ::4].ravel() + 1.0) for plane in (frame.clean_rgb[..., 0], frame.clean_infrared))
    assert np.corrcoef(red, infrared)[0, 1] > 0.8
    assert second_model(landscape(*SHAPE, 5), seed=31).infrared.max() == 0


@compiled
@pytest.mark.parametrize(
    ("how", "f1", "gain_db"),
    [
        (GOOD, 0.85, 16),
        (SecondInfrared(leak=0.3), 0.9, 16),
        (SecondInfrared(leak=0.6, bend=-0.08), 0.85, 11),
        (SecondInfrared(contrast=0.4), 0.85, 10),
        (SecondInfrared(contrast=0.2), 0.6, 2),
    ],
    ids=["good", "strong leak", "very strong leak", "weak", "very weak"],
)
def test_dust_is_found_and_healed_however_the_infrared_sees_it(how, f1, gain_db):
    frame = second(how)
    cleaned, judge = clean_frame(frame.rgb, frame.infrared), Judge(frame)
    score = judge.score(Answer(cleaned.rgb, cleaned.defect_mask, 0.0))
    before = judge.score(Answer(frame.rgb, frame.visible_mask, 0.0))
    assert cleaned.report.method in (Method.INFRARED, Method.FUSION)
    assert score.f1 > f1
    assert score.frame_db > before.frame_db + gain_db
    assert score.outside == 0


@compiled
@pytest.mark.parametrize("how", [GOOD, SecondInfrared(leak=0.3), SecondInfrared(contrast=0.2)], ids=str)
@pytest.mark.parametrize("picture", [landscape, smooth_sky])
def test_spotless_frames_stay_as_they_are(how, picture):
    frame = second(how, picture, spotless=True)
    assert not clean_frame(frame.rgb, frame.infrared).defect_mask.any()
