"""Small pictures, made in a child process."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from filmscand.daemon.web.pictures import OVERLAY_PX, THUMBNAIL_PX, Order, Small, SmallPictures, make_small


def encoded(array, form):
    out = io.BytesIO()
    Image.fromarray(array).save(out, form)
    return out.getvalue()


def opened(content):
    return Image.open(io.BytesIO(content))


def test_a_thumbnail_has_the_shape_of_the_picture_and_its_colours():
    rgb = np.zeros((1000, 1500, 3), np.uint8)
    rgb[:, :750] = (200, 40, 40)
    with opened(make_small(Order(Small.THUMBNAIL, encoded(rgb, "JPEG")))) as small:
        assert small.size == (THUMBNAIL_PX, 320)
        assert np.abs(np.subtract(small.getpixel((100, 100)), (200, 40, 40))).max() < 8


def test_a_small_picture_stays_as_it_is():
    with opened(make_small(Order(Small.THUMBNAIL, encoded(np.zeros((90, 120, 3), np.uint8), "JPEG")))) as small:
        assert small.size == (120, 90)


@pytest.mark.parametrize("shape", [(90, 120), (4000, 6000)])
def test_a_speck_of_one_pixel_is_seen_on_the_overlay_and_the_rest_lets_the_picture_through(shape):
    mask = np.zeros(shape, np.uint8)
    mask[61, 71] = 255
    with opened(make_small(Order(Small.OVERLAY, encoded(mask, "PNG")))) as overlay:
        opacity = np.asarray(overlay)[..., 3]
        factor = shape[1] / overlay.size[0]
        assert max(overlay.size) <= max(OVERLAY_PX, 120)
    assert opacity.max() == 255
    assert np.count_nonzero(opacity) <= 4
    assert np.abs(np.argwhere(opacity)[0] * factor - (61, 71)).max() <= 2 * factor


def test_the_child_makes_a_picture_once_and_a_hostile_one_does_it_no_harm():
    pictures = SmallPictures()
    try:
        with pytest.raises(OSError, match="cannot identify"):
            pictures.make("bad", Order(Small.THUMBNAIL, b"GIF89a no picture"))
        order = Order(Small.THUMBNAIL, encoded(np.zeros((90, 120, 3), np.uint8), "JPEG"))
        assert pictures.find("one", Small.THUMBNAIL) is None
        made = pictures.make("one", order)
        assert pictures.make("one", Order(Small.THUMBNAIL, b"")) is made
        assert pictures.find("one", Small.THUMBNAIL) is made
        assert pictures.find("one", Small.OVERLAY) is None
    finally:
        pictures.close()
