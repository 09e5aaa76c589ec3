"""The suite has frames of every kind of film."""

from __future__ import annotations

import numpy as np
from PIL import Image

from bench.frames.suite import suite
from filmscand.film.kinds import KINDS


def test_the_suite_covers_every_kind_and_changes_picture_and_seed_each_round():
    cases = list(suite(KINDS, rounds=2))
    assert {case.kind for case in cases} == set(KINDS)
    assert len({case.seed for case in cases}) == len(cases) == 2 * len(KINDS)
    slides = [case.picture_name for case in cases if case.kind == "leaky_slide"]
    assert slides[0] != slides[1]


def test_photographs_of_a_folder_take_turns_with_drawn_pictures(tmp_path):
    for name in "abc":
        Image.fromarray(np.full((60, 90, 3), 90, np.uint8)).save(tmp_path / f"{name}.png")
    names = [case.picture_name for case in suite(KINDS, tmp_path)]
    assert {"a", "b", "c", "girders", "night"} <= set(names)
    frame = next(suite(["leaky_slide"], tmp_path)).simulate(48, 72)
    assert frame.rgb.shape == (48, 72, 3)
