"""Frames of the blind bench: enough of every group, damaged unless spotless."""

from __future__ import annotations

import numpy as np
import pytest

from bench.blind.frames import Group, blind_cases, inverted
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import smooth_sky

CASES = blind_cases()


def test_there_are_enough_frames_of_every_group_and_no_two_of_one_name():
    groups = [case.group for case in CASES]
    assert len({case.name for case in CASES}) == len(CASES) > 40
    assert {group: groups.count(group) >= 3 for group in Group} == dict.fromkeys(Group, True)
    assert groups.count(Group.COLOUR) >= 18


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_frame_has_damage_unless_it_is_spotless(case):
    frame = case.make(96, 144).frame
    assert frame.rgb.shape == (96, 144, 3)
    assert frame.visible_mask.any() or case.group is Group.SPOTLESS or "faint" in case.name or not frame.defects
    assert not (frame.any_mask.any() and case.group is Group.SPOTLESS)
    assert np.array_equal(frame.rgb[~frame.any_mask], frame.clean_rgb[~frame.any_mask])


def test_in_an_inverted_negative_dust_is_white():
    frame = inverted(simulate_frame(smooth_sky(160, 240, 3), KINDS["negative"], seed=11))
    core = frame.visible_mask
    assert (frame.rgb[core].mean(-1) > frame.clean_rgb[core].mean(-1)).mean() > 0.95
    assert np.array_equal(frame.rgb[~frame.any_mask], frame.clean_rgb[~frame.any_mask])
