"""Eight orientations: each leads back, and one after another is one again."""

from __future__ import annotations

import re

import pytest

from filmscand.daemon.core.description.orientation import TURNS, UPRIGHT, WORD_PATTERN, Orientation

ALL = [Orientation(turn, mirrored) for turn in TURNS for mirrored in (False, True)]
ROWS, COLS = 3, 5
PLACES = [(row, col) for row in range(ROWS + 1) for col in range(COLS + 1)]


def moved(place, *orientations):
    """Move a place of the captured picture by one orientation after another."""
    shape = (ROWS, COLS)
    for one in orientations:
        place = one.moved(*place, *shape)
        shape = one.shape(*shape)
    return place


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [
        (Orientation(0), (0, 0)),
        (Orientation(90), (0, 3)),
        (Orientation(180), (3, 5)),
        (Orientation(270), (5, 0)),
        (Orientation(0, mirrored=True), (0, 5)),
        (Orientation(90, mirrored=True), (5, 3)),
    ],
)
def test_the_upper_left_corner_is_shown_elsewhere(orientation, corner):
    assert moved((0, 0), orientation) == corner


@pytest.mark.parametrize("first", ALL, ids=lambda one: one.word)
@pytest.mark.parametrize("second", ALL, ids=lambda one: one.word)
def test_one_orientation_after_another_is_one_orientation(first, second):
    assert [moved(place, first.then(second)) for place in PLACES] == [moved(place, first, second) for place in PLACES]


@pytest.mark.parametrize("orientation", ALL, ids=lambda one: one.word)
def test_every_orientation_leads_back_and_has_a_word(orientation):
    assert orientation.then(orientation.inverse) == UPRIGHT
    assert [moved(place, orientation, orientation.inverse) for place in PLACES] == PLACES
    assert re.match(WORD_PATTERN, orientation.word)
    assert Orientation.from_word(orientation.word) == orientation


@pytest.mark.parametrize("word", ["", "45", "90M", "m", "90mm", "090", "-90"])
def test_nothing_else_is_a_word(word):
    assert not re.match(WORD_PATTERN, word)
