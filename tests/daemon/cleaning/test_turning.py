"""Pictures are turned as the places on them are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from filmscand.daemon.cleaning.turning import turned
from filmscand.daemon.core.description.orientation import TURNS, Orientation

PICTURE = np.arange(15, dtype=np.uint8).reshape(3, 5)


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("mirrored", [False, True])
def test_every_pixel_lies_where_its_place_is_shown(turn, mirrored):
    orientation = Orientation(turn, mirrored)
    shown = np.asarray(turned(Image.fromarray(PICTURE), orientation))
    assert shown.shape == orientation.shape(3, 5)
    for (row, col), value in np.ndenumerate(PICTURE):
        first, last = orientation.moved(row, col, 3, 5), orientation.moved(row + 1, col + 1, 3, 5)
        assert shown[min(first[0], last[0]), min(first[1], last[1])] == value
