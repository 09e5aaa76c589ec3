"""The frames of the demo, and the watch folders that they come through."""

from __future__ import annotations

from filmscand.daemon.demo.frames import DROPS, MAGAZINE, MUST_BE_CLEANED, SLIDES, folders_of, slides_as_files
from filmscand.film.kinds import KINDS


def test_each_frame_has_a_name_and_a_seed_of_its_own_and_a_known_kind():
    frames = [*SLIDES, *(drop.frame for drop in DROPS)]
    assert len({frame.name for frame in frames}) == len({frame.seed for frame in frames}) == len(frames)
    assert {frame.kind for frame in frames} <= set(KINDS)
    assert {frame.name for frame in frames} > MUST_BE_CLEANED


def test_files_come_through_a_folder_for_slides_and_one_for_negatives():
    assert [(folder.name, folder.film) for folder in folders_of(DROPS)] == [
        ("slides", "slide"),
        ("negatives", "negative"),
    ]


def test_the_slides_can_come_as_files_of_the_same_roll():
    drops = slides_as_files()
    assert [drop.frame for drop in drops] == list(SLIDES)
    assert [folder.name for folder in folders_of(drops)] == [MAGAZINE]
