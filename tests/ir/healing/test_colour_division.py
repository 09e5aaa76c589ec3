"""Dividing of a defect that only the colours show: how much, with which expected error, and what is believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing import colour_healing
from filmscand.ir.healing.attenuation import Attenuation, DefectColours
from filmscand.ir.healing.filling import pixel_states
from support.ir_frames import DISPLAY


def colours_of(raw, fill=0.6, *, detail=0.0, rough=0.0):
    """Grey pixels of one cell with these display values, against a fill."""
    raw = np.repeat(np.asarray(raw, np.float32)[:, None], 3, 1)
    none, owners = np.zeros_like(raw), np.zeros(len(raw), np.int64)
    grainy = np.full((1, 4), detail, np.float32)
    return DefectColours(
        raw, none + fill, none + np.float32(rough), none, grainy, owners + 2, owners, np.zeros(1, np.int64)
    )


def attenuation_of(density):
    """Attenuation of this density."""
    return Attenuation(density, np.zeros_like(density), np.zeros_like(density))


@pytest.mark.parametrize(("sign", "part"), [(1, 0.07), (-1, 0.3)], ids=["dark", "bright"])
def test_a_known_density_has_an_error_by_its_colour_and_is_bounded_at_3_5_nepers(sign, part):
    density = sign * np.array([0.0, 1.0, 3.4, 3.6, 9.0], np.float32)
    # On film as rough as this a defect's colour is unknown.
    defect_colours = colours_of(np.full(5, 0.1), rough=1e4)
    value, error = colour_healing._divided(defect_colours, attenuation_of(density))
    believed = sign * np.array([0.0, 1.0, 3.4, 3.5, 3.5])
    assert value[:, 0] == pytest.approx(0.1 * np.exp(believed / 2.2), rel=1e-5)
    # Bright defects, on inverted negatives and where dyes were scratched off, differ more between the colours.
    assert np.sqrt(error[:, 0]) == pytest.approx(part * np.abs(density) * value[:, 0] / 2.2, rel=1e-3)


@pytest.mark.parametrize(
    ("pixels", "brown", "expected_slope"),
    [(4000, 0.1, 0.976), (40, 0.1, 0.29), (40, 0.0, 0.29)],
    ids=["hair", "speck", "grey"],
)
def test_the_larger_a_defect_the_more_of_its_own_colour_is_divided(pixels, brown, expected_slope):
    density = np.full(pixels, 0.5, np.float32)
    takes = np.array([1 - brown, 1, 1 + brown])
    defect_colours = colours_of(np.full(pixels, 0.6))
    defect_colours = replace(defect_colours, raw=(0.6 * np.exp(-density[:, None] * takes / 2.2)).astype(np.float32))
    value, error = colour_healing._divided(defect_colours, attenuation_of(density))
    grey = defect_colours.raw * np.exp(density / 2.2)[:, None]
    assert value[0] == pytest.approx(grey[0] + expected_slope * (0.6 - grey[0]), abs=5e-4)
    assert np.sqrt(error[0, 0]) == pytest.approx(np.sqrt(1 - expected_slope) * 0.07 * 0.5 * value[0, 0] / 2.2, rel=0.02)


def brown(density):
    """A defect that takes a tenth less of red and a tenth more of blue than its mean, against a fill of 0.6."""
    defect_colours = colours_of(np.full(len(density), 0.6))
    return replace(
        defect_colours, raw=(0.6 * np.exp(-density[:, None] * np.array([0.9, 1, 1.1]) / 2.2)).astype(np.float32)
    )


def test_the_cells_of_one_defect_have_one_colour():
    density = np.full(40, 0.5, np.float32)
    whole, pieces = brown(density), np.arange(40)
    cut = replace(whole, owners=pieces, detail=np.zeros((40, 4), np.float32), parents=np.zeros(40, np.int64))
    known = attenuation_of(density)
    assert colour_healing._divided(cut, known)[0] == pytest.approx(colour_healing._divided(whole, known)[0])


def test_a_bright_defect_is_divided_as_grey_whatever_the_film_around_tells():
    density = np.full(4000, -0.5, np.float32)
    defect_colours = brown(density)
    value, _ = colour_healing._divided(defect_colours, attenuation_of(density))
    assert value == pytest.approx(defect_colours.raw * np.exp(-0.5 / 2.2), rel=1e-4)


def test_the_mean_over_the_colours_does_not_change_the_density():
    density = np.full(4000, 0.5, np.float32)
    defect_colours = colours_of(np.full(4000, 0.5))
    value, _ = colour_healing._divided(defect_colours, attenuation_of(density))
    assert value[0] == pytest.approx(0.5 * np.exp(0.5 / 2.2), rel=1e-4)


def test_a_defect_is_only_divided_up_to_0_8_nepers_and_as_the_errors_say_from_1_6_or_where_it_is_bright():
    density = np.array([0.1, 0.79, 1.2, 1.61, 3.0, -0.79, -1.2], np.float32)
    errors = np.ones((7, 3), np.float32), np.full((7, 3), 3, np.float32)
    share = colour_healing._divided_part(density, *errors)
    assert share[:, 0] == pytest.approx([1, 1, 0.875, 0.75, 0.75, 0.75, 0.75], abs=1e-3)


@pytest.mark.parametrize(("error", "gains"), [(3.2, True), (3.5, False)])
def test_a_sure_defect_is_healed_if_its_change_exceeds_three_tenths_of_the_expected_error(error, gains):
    defect_colours = colours_of(np.full(20, 0.4))
    change = np.full_like(defect_colours.raw, 0.1)
    density = np.full(20, 2.2 * np.log(0.5 / 0.4), np.float32)
    estimate = colour_healing._Estimate(
        defect_colours.raw + change, error * np.square(change), np.ones_like(change), density
    )
    assert colour_healing._is_worthwhile(defect_colours, estimate, np.ones(20, np.float32)) == gains


def test_nothing_becomes_brighter_or_darker_than_the_film_around_by_more_than_twice_its_grain():
    rgb = np.full((40, 40, 3), 20_000, np.uint16)
    defect = np.zeros((40, 40), np.bool_)
    defect[18:22, 18:22] = True
    rgb[defect] = 15_000
    cells = connected_regions(defect.astype(np.uint8) * 2)
    states = pixel_states(cells, defect.shape)
    around, raw = DISPLAY[0][20_000], DISPLAY[0][15_000]
    seen = DISPLAY, colours_of(np.full(16, raw), detail=0.05)
    for value_before, gets in ((around * 1.08, around * 1.08), (around * 1.12, around * 1.1), (0.1, raw)):
        value = colour_healing._bounded(rgb, states, cells, seen, np.full((16, 3), value_before, np.float32))
        assert value == pytest.approx(np.full((16, 3), gets), rel=1e-4)
    rgb[defect] = 40_000
    seen = DISPLAY, colours_of(np.full(16, DISPLAY[0][40_000]), detail=0.05)
    value = colour_healing._bounded(rgb, states, cells, seen, np.full((16, 3), 0.1, np.float32))
    assert value == pytest.approx(np.full((16, 3), around / 1.1), rel=1e-4)
