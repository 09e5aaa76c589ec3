"""What is divided of a defect that only the colours tell of, how wrong that may be, and what of it is believed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing import colour_healing
from filmscand.ir.healing.attenuation import Attenuation, DefectColours
from filmscand.ir.healing.filling import pixel_states
from support.ir_frames import DISPLAY


def look_of(raw, fill=0.6, *, detail=0.0, rough=0.0):
    """Grey pixels of one cell with these display values, before a fill."""
    raw = np.repeat(np.asarray(raw, np.float32)[:, None], 3, 1)
    none, owners = np.zeros_like(raw), np.zeros(len(raw), np.int64)
    grainy = np.full((1, 4), detail, np.float32)
    return DefectColours(
        raw, none + fill, none + np.float32(rough), none, grainy, owners + 2, owners, np.zeros(1, np.int64)
    )


def taken(density):
    """What is known of so much that defects take."""
    return Attenuation(density, np.zeros_like(density), np.zeros_like(density))


@pytest.mark.parametrize(("sign", "part"), [(1, 0.07), (-1, 0.3)], ids=["dark", "bright"])
def test_a_density_that_is_known_leaves_a_part_of_it_unsure_by_its_colour_and_is_never_believed_over_3_5(sign, part):
    density = sign * np.array([0.0, 1.0, 3.4, 3.6, 9.0], np.float32)
    # On film as rough as this nothing tells of a defect's colour.
    look = look_of(np.full(5, 0.1), rough=1e4)
    value, error = colour_healing._divided(look, taken(density))
    believed = sign * np.array([0.0, 1.0, 3.4, 3.5, 3.5])
    assert value[:, 0] == pytest.approx(0.1 * np.exp(believed / 2.2), rel=1e-5)
    # What is bright, on inverted negatives and where dyes were scratched off, has less of each colour in another way.
    assert np.sqrt(error[:, 0]) == pytest.approx(part * np.abs(density) * value[:, 0] / 2.2, rel=1e-3)


@pytest.mark.parametrize(
    ("pixels", "brown", "told"), [(4000, 0.1, 0.976), (40, 0.1, 0.29), (40, 0.0, 0.29)], ids=["hair", "speck", "grey"]
)
def test_the_more_of_a_defect_is_seen_the_more_of_its_own_colour_is_divided(pixels, brown, told):
    density = np.full(pixels, 0.5, np.float32)
    takes = np.array([1 - brown, 1, 1 + brown])
    look = look_of(np.full(pixels, 0.6))
    look = replace(look, raw=(0.6 * np.exp(-density[:, None] * takes / 2.2)).astype(np.float32))
    value, error = colour_healing._divided(look, taken(density))
    grey = look.raw * np.exp(density / 2.2)[:, None]
    assert value[0] == pytest.approx(grey[0] + told * (0.6 - grey[0]), abs=5e-4)
    assert np.sqrt(error[0, 0]) == pytest.approx(np.sqrt(1 - told) * 0.07 * 0.5 * value[0, 0] / 2.2, rel=0.02)


def brown(density):
    """Look at a defect that takes a tenth less of red and a tenth more of blue than it seems, before a fill of 0.6."""
    look = look_of(np.full(len(density), 0.6))
    return replace(look, raw=(0.6 * np.exp(-density[:, None] * np.array([0.9, 1, 1.1]) / 2.2)).astype(np.float32))


def test_the_pieces_that_a_defect_was_cut_into_have_one_colour():
    density = np.full(40, 0.5, np.float32)
    whole, pieces = brown(density), np.arange(40)
    cut = replace(whole, owners=pieces, detail=np.zeros((40, 4), np.float32), parents=np.zeros(40, np.int64))
    known = taken(density)
    assert colour_healing._divided(cut, known)[0] == pytest.approx(colour_healing._divided(whole, known)[0])


def test_what_is_bright_is_divided_as_grey_whatever_the_film_around_tells():
    density = np.full(4000, -0.5, np.float32)
    look = brown(density)
    value, _ = colour_healing._divided(look, taken(density))
    assert value == pytest.approx(look.raw * np.exp(-0.5 / 2.2), rel=1e-4)


def test_how_much_a_defect_takes_in_the_mean_of_the_colours_is_not_told_by_them():
    density = np.full(4000, 0.5, np.float32)
    look = look_of(np.full(4000, 0.5))
    value, _ = colour_healing._divided(look, taken(density))
    assert value[0] == pytest.approx(0.5 * np.exp(0.5 / 2.2), rel=1e-4)


def test_a_defect_is_only_divided_up_to_0_8_nepers_and_as_the_errors_say_from_1_6_or_where_it_is_bright():
    density = np.array([0.1, 0.79, 1.2, 1.61, 3.0, -0.79, -1.2], np.float32)
    errors = np.ones((7, 3), np.float32), np.full((7, 3), 3, np.float32)
    share = colour_healing._divided_part(density, *errors)
    assert share[:, 0] == pytest.approx([1, 1, 0.875, 0.75, 0.75, 0.75, 0.75], abs=1e-3)


@pytest.mark.parametrize(("error", "gains"), [(3.2, True), (3.5, False)])
def test_a_sure_defect_is_healed_where_it_changes_more_than_three_tenths_of_what_it_is_expected_to_err(error, gains):
    look = look_of(np.full(20, 0.4))
    change = np.full_like(look.raw, 0.1)
    density = np.full(20, 2.2 * np.log(0.5 / 0.4), np.float32)
    guess = colour_healing._Estimate(look.raw + change, error * np.square(change), np.ones_like(change), density)
    assert colour_healing._is_worthwhile(look, guess, np.ones(20, np.float32)) == gains


def test_nothing_becomes_brighter_or_darker_than_the_film_around_by_more_than_twice_its_grain():
    rgb = np.full((40, 40, 3), 20_000, np.uint16)
    defect = np.zeros((40, 40), np.bool_)
    defect[18:22, 18:22] = True
    rgb[defect] = 15_000
    cells = connected_regions(defect.astype(np.uint8) * 2)
    marks = pixel_states(cells, defect.shape)
    around, raw = DISPLAY[0][20_000], DISPLAY[0][15_000]
    seen = DISPLAY, look_of(np.full(16, raw), detail=0.05)
    for asked, gets in ((around * 1.08, around * 1.08), (around * 1.12, around * 1.1), (0.1, raw)):
        value = colour_healing._bounded(rgb, marks, cells, seen, np.full((16, 3), asked, np.float32))
        assert value == pytest.approx(np.full((16, 3), gets), rel=1e-4)
    rgb[defect] = 40_000
    seen = DISPLAY, look_of(np.full(16, DISPLAY[0][40_000]), detail=0.05)
    value = colour_healing._bounded(rgb, marks, cells, seen, np.full((16, 3), 0.1, np.float32))
    assert value == pytest.approx(np.full((16, 3), around / 1.1), rel=1e-4)
