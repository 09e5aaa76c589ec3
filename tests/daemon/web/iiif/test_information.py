"""The information about an image, with the words of the IIIF Image API 3.0."""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.cleaning.deep_zoom import Layer, ZoomSource
from filmscand.daemon.core.description.orientation import UPRIGHT
from filmscand.daemon.web.iiif.information import information_of
from filmscand.daemon.web.iiif.parameters import ImageParameters, cut_of
from filmscand.daemon.web.iiif.shown import ShownImage
from filmscand.daemon.web.tiles import Zoomable

ADDRESS = "https://station.example.org/iiif/museum%2Fbox-1%2Froll-7_0001"


def image(rows, cols):
    source = ZoomSource("/", "raw", None, "clean", "mask", None, True, 16, False, "key")
    return ShownImage(Zoomable(source, rows, cols, (Layer.CLEAN,), UPRIGHT), Layer.CLEAN, rows, cols)


def information(rows, cols):
    return json.loads(information_of(image(rows, cols), ADDRESS).to_json())


def test_what_the_specification_requires_is_told():
    found = information(4000, 6000)
    assert found["@context"] == "http://iiif.io/api/image/3/context.json"
    assert (found["id"], found["type"], found["profile"]) == (ADDRESS, "ImageService3", "level2")
    assert found["protocol"] == "http://iiif.io/api/image"
    assert (found["width"], found["height"]) == (6000, 4000)


def test_tiles_reach_from_full_size_to_one_that_holds_the_whole_image():
    (tiles,) = information(4000, 6000)["tiles"]
    assert tiles == {"width": 512, "scaleFactors": [1, 2, 4, 8, 16]}
    assert information(90, 60)["tiles"] == [{"width": 512, "scaleFactors": [1]}]


@pytest.mark.parametrize("shape", [(4000, 6000), (12_000, 9_001), (300, 200), (1, 1)])
def test_every_size_and_every_tile_that_is_told_can_be_asked_for(shape):
    found, of = information(*shape), image(*shape)
    for size in found["sizes"]:
        cut_of(of, ImageParameters("full", f"{size['width']},{size['height']}", "0", "default.jpg"))
    for factor in found["tiles"][0]["scaleFactors"]:
        side = 512 * factor
        for left in range(0, shape[1], side):
            width, height = min(side, shape[1] - left), min(side, shape[0])
            size = f"{-(-width // factor)},{-(-height // factor)}"
            cut_of(of, ImageParameters(f"{left},0,{side},{side}", size, "0", "default.jpg"))
