"""Which regions are dust on film without colour: by the picture, by their tints, and by both."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.decision.sure_regions import sure_regions, tinted_regions
from filmscand.ir.decision.tint import Tints
from filmscand.ir.network.model_file import load_detector

CARD = load_detector(threads=1).card


def frame_with(*marks):
    """A frame of two megapixels with square regions: row, probability by the picture, grade of the tint."""
    probability, grades = np.zeros((1000, 2000), np.uint8), np.zeros((500, 1000), np.uint8)
    for number, (row, level, grade) in enumerate(marks):
        probability[row : row + 12, 20 * number : 20 * number + 12] = level
        grades[row // 2 : row // 2 + 6, 10 * number : 10 * number + 6] = grade
    return probability, Tints(grades, np.array([-2.5, -2, 0, 3, 6, 7, 7, 7, 7, 7, 7, 0.0]))


def by_both(probability, tints):
    return tinted_regions(probability, sure_regions(probability, CARD, 0.5), tints, CARD, 0.5)[0]


def rows_of(regions):
    return sorted({int(row) // 100 for row in regions.rows})


def test_dust_that_the_picture_hardly_shows_is_found_by_its_tint():
    probability, tints = frame_with(*[(100, 254, 6)] * 20, *[(300, 20, 6)] * 5, *[(500, 20, 1)] * 5)
    assert rows_of(by_both(probability, tints)) == [1, 3]
    assert rows_of(sure_regions(probability, CARD, 0.5)) == [1]


@pytest.mark.parametrize(("count", "found"), [(2, []), (3, [1])])
def test_a_few_regions_are_dust_if_all_of_them_are_sure(count, found):
    assert rows_of(by_both(*frame_with(*[(100, 254, 6)] * count))) == found


@pytest.mark.parametrize(("by_tint", "by_picture", "found"), [(5, 0, []), (6, 0, [3]), (1, 3, [1, 3])])
def test_a_few_regions_that_only_tints_show_are_dust_where_the_picture_shows_dust_as_well(by_tint, by_picture, found):
    marks = frame_with(*[(300, 240, 6)] * by_tint, *[(100, 254, 6)] * by_picture)
    assert rows_of(by_both(*marks)) == found


def test_where_half_of_the_tinted_regions_are_not_sure_they_belong_to_the_picture():
    for doubtful, found in ((20, [1, 5]), (21, [])):
        marks = frame_with(*[(100, 240, 6)] * 20, *[(500, 196, 3)] * doubtful)
        assert rows_of(by_both(*marks)) == found


def test_where_the_picture_looks_like_dust_only_tinted_regions_are_dust():
    likely = frame_with(*[(100, 254, 6)] * 6, *[(300, 255, 1)] * 2)
    assert rows_of(by_both(*likely)) == [1, 3]
    # The many nearly sure regions belong to the picture, and so do its other regions without a tint.
    doubted = frame_with(*[(100, 254, 6)] * 6, *[(300, 255, 1)] * 2, *[(500, 200, 1)] * 60)
    assert rows_of(sure_regions(doubted[0], CARD, 0.5)) == []
    assert rows_of(by_both(*doubted)) == [1]
    weak = frame_with(*[(100, 254, 6)] * 6, *[(300, 254, 2)] * 2, *[(500, 200, 1)] * 60)
    assert rows_of(by_both(*weak)) == [1]


def test_a_region_that_the_picture_alone_does_not_show_needs_a_tint():
    """Girders: sure at the core and doubtful around, where hardly a pixel remains without a tint."""
    for grade, found in ((1, [1]), (6, [1, 6])):
        probability, tints = frame_with(*[(100, 254, 6)] * 20)
        probability[600:700, 600:700] = 150
        probability[620:680, 620:680] = 254
        tints.grades[300:350, 300:350] = grade
        assert rows_of(by_both(probability, tints)) == found


@pytest.mark.parametrize(
    ("cols", "grade", "found"), [(94, 1, [1, 6]), (98, 1, [1]), (98, 11, [1, 6])], ids=["few", "many", "opaque"]
)
def test_untinted_regions_belong_to_the_picture_where_most_lack_a_tint(cols, grade, found):
    probability, tints = frame_with(*[(100, 254, 6)] * 20)
    probability[600:660, 600 : 600 + cols] = 255
    tints.grades[300:330, 300 : 300 + cols // 2] = grade
    assert rows_of(sure_regions(probability, CARD, 0.5)) == [1, 6]
    assert rows_of(by_both(probability, tints)) == found


def test_without_regions_there_is_no_defect():
    assert not len(by_both(*frame_with()))
    assert not len(by_both(*frame_with((500, 235, 0))))


def with_squares(level, side_px, grade, sure=40):
    """Forty regions, or some, that picture and tints show, and a square in row 600."""
    probability, tints = frame_with(*[(100, 254, 6)] * sure)
    probability[600 : 600 + side_px, 400 : 400 + side_px] = level
    tints.grades[300 : 300 + side_px // 2, 200 : 200 + side_px // 2] = grade
    return probability, tints


@pytest.mark.parametrize(
    ("level", "side_px", "found"), [(20, 6, [1]), (20, 8, [1, 6]), (100, 6, [1, 6])], ids=["speck", "spot", "shown"]
)
def test_a_region_that_only_tints_show_is_noise_if_it_is_smaller_than_their_window(level, side_px, found):
    assert rows_of(by_both(*with_squares(level, side_px, 7))) == found


@pytest.mark.parametrize(("sure", "least"), [(40, 244), (8, 251)], ids=["many", "few"])
def test_a_region_without_a_tint_has_to_be_sure_and_more_so_where_few_are(sure, least):
    for level, found in ((least - 1, [1]), (least, [1, 6])):
        probability, tints = with_squares(level, 12, 1, sure)
        probability[600:603, 400:412] = 255
        assert rows_of(sure_regions(probability, CARD, 0.5)) == [1, 6]
        assert rows_of(by_both(probability, tints)) == found


def test_at_full_sensitivity_specks_that_only_tints_show_are_dust():
    probability, tints = with_squares(20, 6, 7)
    alone = sure_regions(probability, CARD, 1.0)
    assert rows_of(tinted_regions(probability, alone, tints, CARD, 1.0)[0]) == [1, 6]
