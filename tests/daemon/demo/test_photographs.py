"""Photographs on film."""

from __future__ import annotations

import numpy as np
import pytest

from filmscand.daemon.demo.photographs import photograph


@pytest.mark.parametrize("shape", [(100, 150), (150, 100), (90, 300)], ids=["landscape", "upright", "wide"])
def test_a_photograph_fills_a_frame_of_any_shape(shape):
    picture = photograph("coffee")(*shape)
    assert (picture.shape, picture.dtype) == ((*shape, 3), np.uint8)
    assert picture.std() > 20


def test_a_photograph_that_does_not_come_with_the_program_is_named():
    with pytest.raises(FileNotFoundError, match=r"tea\.jpg"):
        photograph("tea")(10, 15)
