"""Flags with their numbers, and what differs from the roll."""

from __future__ import annotations

import pytest

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.sheets.flagged import FinishedFrame, Numbers
from filmscand.daemon.review.flags import Flag, RollNumbers, flags_of


def frame(*codes, **numbers):
    return FinishedFrame(FrameId("c", "b", "r", 1), 1, codes, Numbers(**numbers), None)


@pytest.mark.parametrize(
    ("code", "numbers", "words"),
    [
        ("many_defects", {"coverage": 0.123}, "12.3 % of the film was changed"),
        ("registration_unsure", {"confidence": 0.0}, "confidence 0 %"),
        ("strong_leakage", {"leakage_red": 0.31}, "31 % of the red density leaked"),
        ("holder_in_picture", {"holder_fraction": 0.4}, "40 % of the frame is mount"),
        ("same_slide", {"coverage": 0.1}, ""),
        ("many_defects", {}, ""),
    ],
)
def test_a_code_is_told_with_the_number_that_it_is_based_on(code, numbers, words):
    assert flags_of(frame(code, **numbers)) == (Flag(code, words),)


def test_a_frame_with_far_more_or_less_than_its_roll_is_unusual():
    usual = RollNumbers(coverages=(0.010, 0.011, 0.012, 0.013, 0.014))
    (flag,) = flags_of(frame(coverage=0.09), usual)
    assert flag == Flag("coverage_unusual", "9.00 % of the film, on this roll usually 1.20 %")
    assert flags_of(frame(coverage=0.0), usual)[0].code == "coverage_unusual"
    assert flags_of(frame(coverage=0.015), usual) == ()


def test_a_few_frames_and_small_differences_tell_nothing():
    assert flags_of(frame(coverage=0.5), RollNumbers((0.01,) * 4, (2.0,) * 4)) == ()
    assert flags_of(frame(coverage=0.004, sharpness=1.5), RollNumbers((0.0,) * 9, (2.0,) * 9)) == ()
    assert flags_of(frame(), RollNumbers((0.0,) * 9, (2.0,) * 9)) == ()


def test_many_regions_left_alone_are_told_with_their_numbers():
    assert flags_of(frame(defects_found=30, defects_left=25)) == (Flag("many_left", "25 of 30 regions"),)
    assert flags_of(frame(defects_found=300, defects_left=25)) == ()
    assert flags_of(frame(defects_found=3, defects_left=3)) == ()


def test_a_frame_whose_grain_is_far_softer_than_its_rolls_is_out_of_focus():
    usual = RollNumbers(sharpnesses=(2.0, 2.05, 2.1, 1.4, 1.0))
    assert flags_of(frame(sharpness=0.9), usual) == (Flag("out_of_focus", "grain 0.90, on this roll usually 2.00"),)
    assert flags_of(frame(sharpness=1.4), usual) == ()
    assert flags_of(frame(sharpness=4.0), usual) == ()
    assert flags_of(frame(sharpness=0.0), usual) == ()


def test_many_regions_that_could_be_decided_otherwise_are_told():
    (flag,) = flags_of(frame(defects_found=30, defects_unsure=25))
    assert flag == Flag("detector_unsure", "25 regions, beside 30 defects")
    assert flags_of(frame(defects_found=300, defects_unsure=25)) == ()
    assert flags_of(frame(defects_found=0, defects_unsure=3)) == ()


def test_a_picture_whose_highlights_are_lost_is_told():
    usual = RollNumbers(clipped=(0.001, 0.0, 0.002, 0.001, 0.034))
    (flag,) = flags_of(frame(clipped=0.034), usual)
    assert flag == Flag("picture_clipped", "3.4 % of the picture, on this roll usually 0.1 %")
    assert flags_of(frame(clipped=0.009), usual) == ()
    assert flags_of(frame(clipped=0.0), RollNumbers(clipped=(0.05,) * 5)) == ()


def test_frames_that_do_not_tell_a_number_are_not_compared():
    told = RollNumbers.of([frame(coverage=0.1, sharpness=2.0), frame(sharpness=0.0, clipped=0.0), frame()])
    assert told == RollNumbers((0.1,), (2.0,), (0.0,))
