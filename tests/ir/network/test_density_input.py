from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir.errors import PlaneTypeError
from filmscand.ir.network.density_input import density_planes, measure_levels

KINDS_WITHOUT_INFRARED = ["clear_slide", "negative", "silver", "gamma_encoded", "dark_slide", "twelve_bit", "mounted"]


def scanned(kind, size=(120, 160)):
    return simulate_frame(landscape(*size, 3), KINDS[kind], seed=5).rgb


@pytest.mark.parametrize("kind", KINDS_WITHOUT_INFRARED)
def test_every_kind_of_film_lies_between_its_white_and_four_densities_under_it(kind):
    rgb = scanned(kind)
    planes = density_planes(rgb, measure_levels(rgb))
    assert planes.dtype == np.float32
    assert planes.shape == (3, *rgb.shape[:2])
    assert planes.min() > -1
    assert planes.max() < 4
    assert np.quantile(planes, 0.02) < 0.4


def test_a_tile_has_the_densities_that_the_frame_has_there():
    rgb = scanned("clear_slide")
    levels = measure_levels(rgb)
    whole = density_planes(rgb, levels)
    assert np.array_equal(density_planes(rgb[30:90, 40:130], levels), whole[:, 30:90, 40:130])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.05, 0.5))
def test_dust_has_the_same_density_at_any_exposure(transmittance):
    rgb = np.full((40, 40, 3), 60000, np.uint16)
    rgb[5:8, 5:8] = round(60000 * transmittance)
    for factor in (1.0, 0.3):
        exposed = np.rint(rgb * factor).astype(np.uint16)
        planes = density_planes(exposed, measure_levels(exposed))
        assert planes[:, 6, 6] - planes[:, 20, 20] == pytest.approx(-np.log10(transmittance), abs=0.005)


def test_a_gamma_encoded_frame_has_the_same_densities_but_for_the_factor():
    share = np.linspace(0.05, 1, 4096)
    linear = np.repeat(np.rint(65535 * share).astype(np.uint16).reshape(64, 64, 1), 3, -1)
    encoded = np.repeat(np.rint(65535 * share ** (1 / 2.2)).astype(np.uint16).reshape(64, 64, 1), 3, -1)
    planes = [density_planes(frame, measure_levels(frame)) for frame in (linear, encoded)]
    assert planes[1] * 2.2 == pytest.approx(planes[0], abs=0.02)


@pytest.mark.parametrize(
    "rgb", [np.zeros((4, 4), np.uint16), np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint16)]
)
def test_an_array_that_is_not_a_16_bit_colour_frame_is_refused(rgb):
    with pytest.raises(PlaneTypeError, match="expected"):
        measure_levels(rgb)


def test_an_empty_frame_is_refused():
    with pytest.raises(PlaneTypeError, match="expected a picture"):
        measure_levels(np.zeros((0, 5, 3), np.uint16))


@pytest.mark.parametrize("count", [0, 65535])
def test_a_frame_of_one_count_is_finite(count):
    rgb = np.full((16, 16, 3), count, np.uint16)
    assert np.isfinite(density_planes(rgb, measure_levels(rgb))).all()
