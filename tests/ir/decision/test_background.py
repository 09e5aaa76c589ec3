from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.decision.background import measure_backgrounds
from filmscand.ir.detection.regions import connected_regions
from support.ir_frames import compiled

pytestmark = compiled

SHAPE = (120, 160)


def scanned(density):
    """A grey frame of a density, with a white corner far from the middle."""
    density = np.broadcast_to(density, SHAPE).copy()
    density[:12, :12] = 0.0
    return np.repeat(np.rint(60000 * 10**-density).astype(np.uint16)[..., None], 3, 2)


def regions_at(*places, shape=SHAPE):
    classes = np.zeros(shape, np.uint8)
    for place in places:
        classes[place] = 2
    return connected_regions(classes)


def with_speck(density, darker, place=np.s_[60:70, 80:90]):
    density = np.broadcast_to(density, SHAPE).copy()
    density[place] += darker
    (background,) = measure_backgrounds(scanned(density), regions_at(place))
    return background


def test_a_frame_without_regions_has_no_backgrounds():
    assert list(measure_backgrounds(scanned(0.5), regions_at())) == []


def test_each_region_has_its_own_background():
    rng = np.random.default_rng(2)
    density = np.full(SHAPE, 0.5)
    density[:, 90:] += ndimage.gaussian_filter(rng.standard_normal(SHAPE), 2)[:, 90:] / 2
    smooth, rough = measure_backgrounds(scanned(density), regions_at(np.s_[60:66, 40:46], np.s_[60:66, 130:136]))
    assert smooth.roughness < 1e-3
    assert rough.roughness > 0.03


def test_grain_and_shading_are_not_roughness():
    grain = 0.5 + 0.05 * np.random.default_rng(1).standard_normal(SHAPE)
    shading = np.linspace(0.3, 0.9, SHAPE[1])
    assert with_speck(grain, 0.3).roughness < 0.02
    assert with_speck(shading, 0.3).roughness < 0.005


@pytest.mark.parametrize("darker", [0.3, -0.3], ids=["darker", "brighter"])
def test_a_region_stands_out_by_its_distance_in_deviations_of_the_background(darker):
    grain = 0.5 + 0.05 * np.random.default_rng(1).standard_normal(SHAPE)
    background = with_speck(grain, darker)
    assert background.deviations == pytest.approx(6, rel=0.1)
    assert background.as_dark == 0


def test_the_part_of_the_background_that_is_as_dark_as_the_region_is_told():
    # A fifth of the film, everywhere, is as dark as the speck.
    stripes = np.where(np.arange(SHAPE[1]) % 5 == 0, 0.9, 0.5)
    assert with_speck(stripes, np.where(stripes[80:90] == 0.9, 0.0, 0.4)).as_dark == pytest.approx(0.2, abs=0.02)


def test_the_rim_of_a_region_is_not_background():
    soft = 0.3 * ndimage.gaussian_filter(
        (np.hypot(*(np.mgrid[:120, :160] - np.array([64, 84])[:, None, None])) < 6) * 1.0, 1
    )
    place = np.s_[59:70, 79:90]
    (background,) = measure_backgrounds(scanned(0.5 + soft), regions_at(place))
    assert background.roughness < 1e-3


def test_a_region_that_fills_its_frame_has_no_background():
    (background,) = measure_backgrounds(scanned(0.5)[:20, 20:40], regions_at(np.s_[:, :], shape=(20, 20)))
    assert (background.roughness, background.deviations, background.as_dark) == (0.0, 0.0, 1.0)
