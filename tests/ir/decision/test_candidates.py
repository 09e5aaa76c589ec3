from __future__ import annotations

import numpy as np

from filmscand.ir.decision.candidates import joined_candidates, probable_candidates
from filmscand.ir.detection.regions import connected_regions

SHAPE = (40, 60)


def square(row, col, side=5):
    classes = np.zeros(SHAPE, np.uint8)
    classes[row : row + side, col : col + side] = 2
    return connected_regions(classes)


def test_pixels_from_a_probability_of_a_half_on_are_candidates_whatever_their_highest_is():
    probability = np.zeros(SHAPE, np.uint8)
    probability[5:10, 5:10] = 130
    probability[5:10, 20:25] = 125
    regions = probable_candidates(probability)
    assert len(regions) == 1
    assert regions.cols.tolist() == [*range(5, 10)] * 5


def test_what_both_see_has_the_networks_outline_and_what_infrared_alone_sees_is_added():
    together = joined_candidates(square(5, 5), square(8, 8, 12), SHAPE)
    assert len(together) == 1
    assert len(together.rows) == 25
    apart = joined_candidates(square(5, 5), square(20, 30), SHAPE)
    assert np.diff(apart.starts).tolist() == [25, 25]
