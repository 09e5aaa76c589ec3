from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.registration.placement import Fit, Placement, Turn, find_placement, inverse
from support.ir_frames import compiled, simulated, texture

SHAPE = (400, 600)


def counts(log_light):
    return np.rint(np.clip(45_000 * np.exp(log_light), 0, 65535)).astype(np.uint16)


def dust(seed, shape=SHAPE, specks=40):
    """Density of dust: round specks of some pixels, nepers."""
    rng = np.random.default_rng(seed)
    density = np.zeros(shape)
    density[rng.integers(0, shape[0], specks), rng.integers(0, shape[1], specks)] = 40
    return ndimage.gaussian_filter(density, 2.0)


def planes(seed=1, leak=0.0, shape=SHAPE, of=None, picture_part=1.0):
    """A picture, and the infrared of the film `of`, with dust in both."""
    rng = np.random.default_rng(seed + 100)
    film = 0.3 * texture(shape, seed) / 10
    picture = film - picture_part * dust(seed, shape) + 0.02 * rng.standard_normal(shape)
    other = seed if of is None else of
    infrared = leak * 0.3 * texture(shape, other) / 10 - dust(other, shape) + 0.004 * rng.standard_normal(shape)
    return np.repeat(counts(picture)[..., None], 3, -1), counts(infrared)


def test_planes_that_fit_are_used_as_they_are():
    placement = find_placement(*planes())
    assert placement.fit is Fit.SAME
    assert placement.as_scanned


@pytest.mark.parametrize("turn", [Turn(False, False, True), Turn(False, True, False), Turn(False, True, True)])
def test_mirrored_and_turned_infrared_is_turned_back(turn):
    rgb, infrared = planes()
    placement = find_placement(rgb, np.asarray(turn.of(infrared)))
    assert placement.turn == turn
    assert (placement.infrared(np.asarray(turn.of(infrared))) == infrared).all()


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_quarter_turn_of_a_square_frame_is_turned_back(quarters):
    rgb, infrared = planes(shape=(480, 480))
    turned = np.rot90(infrared, quarters)
    assert (find_placement(rgb, turned).infrared(turned) == infrared).all()


@pytest.mark.parametrize("shift", [(24, 0), (-30, 21), (0, -40)])
def test_infrared_that_lies_far_off_is_moved_back(shift):
    rgb, infrared = planes()
    moved = np.roll(infrared, shift, (0, 1))
    placement = find_placement(rgb, moved)
    assert placement.shift_px == (-shift[0], -shift[1])
    back = placement.infrared(moved)
    known = back > 0
    assert (back[known] == infrared[known]).all()
    assert known.sum() == (SHAPE[0] - abs(shift[0])) * (SHAPE[1] - abs(shift[1]))


def test_a_shift_that_the_tiles_find_is_left_to_them():
    rgb, infrared = planes()
    assert find_placement(rgb, np.roll(infrared, (3, -7), (0, 1))).as_scanned


@pytest.mark.parametrize("leak", [0.0, 0.15])
def test_it_is_told_which_of_two_opposed_planes_is_inverted(leak):
    rgb, infrared = planes(leak=leak)
    of_infrared, of_picture = find_placement(rgb, inverse(infrared)), find_placement(inverse(rgb), infrared)
    assert (of_infrared.inverted, of_infrared.picture_inverted) == (True, False)
    assert (of_picture.inverted, of_picture.picture_inverted) == (False, True)
    assert (of_infrared.infrared(inverse(infrared)) == infrared).all()


@pytest.mark.parametrize("of", [2, 3, 4])
@pytest.mark.parametrize("leak", [0.0, 0.15])
def test_infrared_of_another_film_is_foreign(of, leak):
    assert find_placement(*planes(of=of, leak=leak)).fit is Fit.FOREIGN


def test_infrared_without_a_speck_may_be_of_any_film():
    rgb, _ = planes()
    rng = np.random.default_rng(3)
    assert find_placement(rgb, counts(0.004 * rng.standard_normal(SHAPE))).fit is Fit.UNKNOWN


def test_a_plain_picture_without_dust_has_nothing_to_tell():
    blank = np.full((60, 90), 30_000, np.uint16)
    assert find_placement(blank, blank) == Placement(Fit.UNKNOWN)


def test_dust_of_which_the_picture_shows_a_part_is_not_foreign():
    assert find_placement(*planes(picture_part=0.4)).fit is Fit.SAME


def test_dust_that_black_film_hides_is_not_missed_there():
    rgb, infrared = planes()
    rgb[:, 60:] //= 500
    assert find_placement(rgb, infrared).fit is not Fit.FOREIGN


@compiled
@pytest.mark.parametrize(
    "kind", ["clear_slide", "negative", "mounted", "two_pass_drift", "weak_infrared", "dark_slide"]
)
def test_simulated_infrared_belongs_to_its_picture(kind):
    frame = simulated(kind, "landscape")
    placement = find_placement(frame.rgb, frame.infrared)
    assert placement.fit is Fit.SAME
    assert placement.as_scanned


@pytest.mark.parametrize("shape", [(16, 16), (16, 3000), (2500, 17)])
def test_planes_of_any_shape_are_compared(shape):
    plane = np.random.default_rng(1).integers(0, 65535, shape).astype(np.uint16)
    assert find_placement(plane, plane).fit is not Fit.FOREIGN
