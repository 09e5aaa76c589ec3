"""The parameters of an image request, by the tables of the IIIF Image API 3.0."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies

from filmscand.daemon.cleaning.deep_zoom import Cut, Layer, ZoomSource
from filmscand.daemon.core.description.orientation import UPRIGHT, Orientation
from filmscand.daemon.web.iiif.parameters import (
    MAX_AREA,
    BadImageRequestError,
    ImageParameters,
    NotOfferedError,
    cut_of,
)
from filmscand.daemon.web.iiif.shown import ShownImage
from filmscand.daemon.web.tiles import Zoomable

SOURCE = ZoomSource("/", "raw", None, "clean", "mask", None, True, 16, False, "key")


def image(rows=200, cols=300):
    return ShownImage(Zoomable(SOURCE, rows, cols, (Layer.CLEAN,), UPRIGHT), Layer.CLEAN, rows, cols)


def cut(region="full", size="max", rotation="0", quality="default.jpg", of=None):
    return cut_of(of or image(), ImageParameters(region, size, rotation, quality))


def part(found):
    """Return a region as the specification writes it: x, y, width, height."""
    return found.left, found.top, found.right - found.left, found.bottom - found.top


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("full", (0, 0, 300, 200)),
        ("square", (50, 0, 200, 200)),
        ("125,15,120,140", (125, 15, 120, 140)),
        ("125,15,200,200", (125, 15, 175, 185)),
        ("pct:41.6,7.5,40,70", (125, 15, 120, 140)),
        ("pct:41.6,7.5,66.6,100", (125, 15, 175, 185)),
        ("pct:0,0,0.1,.1", (0, 0, 1, 1)),
    ],
)
def test_region(region, expected):
    assert part(cut(region)) == expected


@pytest.mark.parametrize(
    "region",
    [
        "",
        "all",
        "1,2,3",
        "1,2,3,4,5",
        "-1,0,5,5",
        "0,0,0,5",
        "0,0,5,0",
        "300,0,5,5",
        "0,200,5,5",
        "pct:",
        "pct:,,,",
        "pct:0,0,0,5",
        "pct:100,0,5,5",
        "1.5,0,5,5",
        "pct:1e2,0,5,5",
        "pct:nan,0,5,5",
        "9999999999,0,1,1",
        "٣,0,5,5",
    ],
)
def test_a_region_of_a_wrong_form_or_outside_the_image_is_400(region):
    with pytest.raises(BadImageRequestError, match="region"):
        cut(region)


@pytest.mark.parametrize(
    ("size", "width_height"),
    [
        ("max", (300, 200)),
        ("150,", (150, 100)),
        (",150", (225, 150)),
        ("pct:50", (150, 100)),
        ("pct:100", (300, 200)),
        ("225,100", (225, 100)),
        ("!225,100", (150, 100)),
        ("!900,900", (300, 200)),
        ("1,", (1, 1)),
        ("^150,", (150, 100)),
        ("^pct:50", (150, 100)),
        ("^!225,100", (150, 100)),
    ],
)
def test_size(size, width_height):
    found = cut(size=size)
    assert (found.cols, found.rows) == width_height


@pytest.mark.parametrize(
    "size",
    [
        "",
        "full",
        "301,",
        ",201",
        "301,10",
        "pct:101",
        "pct:0",
        "pct:",
        "0,",
        ",0",
        "0,0",
        "!0,5",
        "!5,",
        ",",
        "!,",
        "-5,",
        "1.5,",
        "max,",
        "pct:nan",
        "150",
        "^",
        "^0,",
    ],
)
def test_a_size_of_a_wrong_form_or_larger_than_the_region_is_400(size):
    with pytest.raises(BadImageRequestError, match="size"):
        cut(size=size)


@pytest.mark.parametrize("size", ["^max", "^301,", "^,201", "^pct:120", "^301,10", "^!600,600"])
def test_enlarging_is_not_offered_and_is_501(size):
    with pytest.raises(NotOfferedError):
        cut(size=size)


def test_no_answer_is_larger_than_the_limit():
    large = image(10_000, 8_000)
    for size in ("max", "!9000,9000"):
        found = cut(size=size, of=large)
        assert 0.999 * MAX_AREA < found.rows * found.cols <= MAX_AREA
        assert abs(found.rows / found.cols - 1.25) < 0.001
    with pytest.raises(BadImageRequestError, match="expected 1 to"):
        cut(size="8000,", of=large)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [
        ("0", Orientation()),
        ("90", Orientation(90)),
        ("180", Orientation(180)),
        ("270", Orientation(270)),
        ("360", Orientation()),
        ("90.0", Orientation(90)),
        ("!0", Orientation(0, True)),
        ("!90", Orientation(90, True)),
    ],
)
def test_rotation(rotation, expected):
    assert cut(rotation=rotation).turned == expected


@pytest.mark.parametrize("rotation", ["", "!", "22.5", "450", "-90", "+90", "right", "9e1", "!!0"])
def test_other_rotations_are_400(rotation):
    with pytest.raises(BadImageRequestError, match="rotation"):
        cut(rotation=rotation)


@pytest.mark.parametrize(
    ("quality", "grey", "lossless"),
    [("default.jpg", False, False), ("color.png", False, True), ("gray.jpg", True, False)],
)
def test_quality_and_format(quality, grey, lossless):
    found = cut(quality=quality)
    assert (found.grey, found.lossless) == (grey, lossless)


@pytest.mark.parametrize(
    "quality", ["", "default", "bitonal.jpg", "default.tif", "default.jpg.png", ".jpg", "grey.jpg"]
)
def test_other_qualities_and_formats_are_400(quality):
    with pytest.raises(BadImageRequestError, match="quality"):
        cut(quality=quality)


numbers = strategies.integers(0, 400).map(str) | strategies.sampled_from(["", "1.5", "-1"])
sizes = strategies.builds(
    lambda up, fit, w, h: f"{up}{fit}{w},{h}", *map(strategies.sampled_from, (["", "^"], ["", "!"])), numbers, numbers
)
regions = strategies.lists(numbers, min_size=4, max_size=4).map(",".join)


@given(regions | strategies.just("full"), sizes | strategies.text("0123456789,pctmax^!.:", max_size=12))
def test_whatever_is_asked_gives_a_part_of_the_image_not_enlarged_or_an_error(region, size):
    try:
        found = cut(region, size)
    except (BadImageRequestError, NotOfferedError):
        return
    assert isinstance(found, Cut)
    assert 0 <= found.left < found.right <= 300
    assert 0 <= found.top < found.bottom <= 200
    assert 1 <= found.rows <= found.bottom - found.top
    assert 1 <= found.cols <= found.right - found.left
