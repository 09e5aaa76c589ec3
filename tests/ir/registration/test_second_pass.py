from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from filmscand.film.kinds import KINDS
from filmscand.film.recipe import InfraredOptics
from filmscand.ir.planes.holder import Holder, find_holder
from filmscand.ir.planes.photometry import measure_photometry
from filmscand.ir.registration.registration import Registration, measure_registration, same_grid
from filmscand.ir.registration.second_pass import FramePlanes, register_second_pass, strip_corners
from support.ir_frames import cleaned, compiled, photometry_and_tiles, simulated, two_planes

SHAPE = (720, 1080)
CURVED = InfraredOptics(shift_rows_px=-2.4, shift_cols_px=0.6, drift_px=2.5)
FARTHEST = InfraredOptics(shift_rows_px=11.6, shift_cols_px=-11.3, drift_px=3.0, scale=1.003)
# A second pass with this shift loses 1.6 dB if it is taken for the same pass.
NEAR = InfraredOptics(shift_rows_px=0.19, shift_cols_px=0.02)
# As `filmscand.drivers.virtual.magazine.drift_of` draws it.
SCANNERS_OWN = InfraredOptics(shift_rows_px=-2.4, shift_cols_px=0.02, drift_px=0.6)


def bare_film(shape):
    return Holder(np.zeros((-(-shape[0] // 8), -(-shape[1] // 8)), np.bool_), 0.0)


def registered(rgb, infrared, rough=None):
    """Registration of a frame, from its tiles or from a given rough registration."""
    photometry, tiles = photometry_and_tiles(rgb, infrared)
    scan = FramePlanes(rgb, infrared, photometry, find_holder(infrared, photometry.black[3]))
    return register_second_pass(scan, rough or measure_registration(tiles))


def true_registration(frame):
    """True registration of a simulated frame, and the rows that its infrared covers."""
    place, rows = frame.registration, np.arange(frame.infrared.shape[0])
    middle = (len(rows) - 1) / 2
    under = (rows - place.row_shift_px - middle) / place.scale + middle
    at = np.interp(rows, under, rows)
    covered = (under[0] <= rows) & (rows <= under[-1])
    return Registration(at - rows, np.interp(at, rows, place.col_shift_px), 0.0, place.scale - 1, 1.0), covered


def misfit_px(found, truth, covered, cols):
    """Root mean square error of the shift along rows and along columns, over the covered rows."""
    row, col = np.meshgrid(np.flatnonzero(covered), np.arange(0, cols, 90), indexing="ij")
    return np.sqrt(np.square(np.subtract(found.at(row, col, cols), truth.at(row, col, cols))).mean(axis=(1, 2)))


def simulated_misfit_px(kind, picture, seed, optics):
    frame = simulated(kind, picture, SHAPE, seed, infrared=replace(KINDS[kind].infrared, **moves(optics)))
    truth, covered = true_registration(frame)
    return misfit_px(registered(frame.rgb, frame.infrared), truth, covered, SHAPE[1])


def moves(optics):
    """The options of the optics that shift the infrared; the others stay those of the kind."""
    return {name: getattr(optics, name) for name in ("shift_rows_px", "shift_cols_px", "drift_px", "scale")}


@compiled
@pytest.mark.parametrize(
    ("picture", "seed", "optics"),
    [("landscape", 5, CURVED), ("landscape", 1, CURVED), ("girders", 2, CURVED), ("portrait", 3, FARTHEST)],
)
def test_a_curved_drift_is_measured_to_a_sixteenth_of_a_pixel(picture, seed, optics):
    assert (simulated_misfit_px("leaky_slide", picture, seed, optics) < 0.06).all()


@compiled
def test_a_curved_drift_is_measured_where_hardly_anything_leaks():
    assert (simulated_misfit_px("clear_slide", "landscape", 4, CURVED) < 0.07).all()


def test_a_rough_registration_that_is_five_pixels_off_is_corrected():
    def drifting(row, col):
        return np.stack([2.5 * np.sin(row / 60) + 0 * col, 0 * row + 1.4])

    rgb, infrared = two_planes(0.15, drifting)
    flat = np.full(600, -2.5, np.float32)
    found = registered(rgb, infrared, Registration(flat, flat, 0.0, 0.0, 1.0))
    row = np.arange(30, 570)
    rows_px, cols_px = found.at(row, np.full(540, 450), 900)
    assert np.sqrt(np.square(rows_px - drifting(row, 0)[0]).mean()) < 0.08
    assert cols_px == pytest.approx(np.full(540, 1.4), abs=0.1)


def test_a_part_of_the_frame_with_another_shift_hardly_counts():
    rgb, infrared = two_planes(0.15, lambda row, col: np.stack([0 * row + 1.3, 0 * col - 0.8]))
    infrared[240:380, 620:] = np.roll(infrared[240:380, 620:], 3, axis=0)
    found = registered(rgb, infrared)
    assert found.row_shift_px == pytest.approx(np.full(600, 1.3), abs=0.1)
    assert found.row_shear == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("shape", [(40, 900), (60, 90), (150, 200), (900, 130)])
def test_the_shift_of_a_small_frame_is_measured_on_its_few_strips(shape):
    rgb, infrared = two_planes(0.15, lambda row, col: np.stack([0 * row + 1.4, 0 * col - 0.7]), shape=shape)
    flat = np.ones(shape[0], np.float32)
    found = registered(rgb, infrared, Registration(flat, -flat, 0.0, 0.0, 1.0))
    assert np.median(found.row_shift_px) == pytest.approx(1.4, abs=0.1)
    assert np.median(found.col_shift_px) == pytest.approx(-0.7, abs=0.1)


def test_planes_that_have_not_moved_get_no_shift():
    rgb, infrared = two_planes(0.15, lambda row, col: np.stack([0 * row, 0 * col]))
    flat = np.full(600, 0.4, np.float32)
    found = registered(rgb, infrared, Registration(flat, flat, 0.0, 0.0, 0.7))
    assert found.same_grid
    assert found.confidence == 0.7


def test_a_frame_that_is_all_holder_keeps_its_rough_registration():
    rgb, infrared = two_planes(0.15, lambda row, col: np.stack([0 * row, 0 * col]), shape=(200, 300))
    covered = Holder(np.ones((25, 38), np.bool_), 1.0)
    rough = same_grid(200)
    assert register_second_pass(FramePlanes(rgb, infrared, measure_photometry(rgb, infrared), covered), rough) is rough


def test_strips_lie_on_film_only():
    blocks = np.zeros((75, 113), np.bool_)
    blocks[:15] = True
    corners = strip_corners(Holder(blocks, 0.2), (600, 900))
    assert corners[:, 0].min() > 110


def test_bands_of_strips_overlap_by_half_on_a_small_frame_and_leave_no_row_out():
    corners = strip_corners(bare_film((960, 1440)), (960, 1440))
    bands = np.unique(corners[:, 0])
    assert bands[0] == 0
    assert bands[-1] == 960 - 48
    assert np.diff(bands) == pytest.approx(np.full(len(bands) - 1, 24), abs=1)


def test_strips_of_every_second_band_lie_between_those_of_the_others():
    corners = strip_corners(bare_film((960, 1440)), (960, 1440))
    first, second = (corners[corners[:, 0] == band, 1] for band in np.unique(corners[:, 0])[:2])
    assert np.abs(first[:, None] - second).min() == pytest.approx((1440 - 128) / 8 / 2, abs=1)


@pytest.mark.parametrize("shape", [(4000, 6000), (8940, 13420)])
def test_the_strips_of_a_large_frame_cover_two_megapixels(shape):
    corners = strip_corners(bare_film(shape), shape)
    assert len(corners) * 48 * 128 == pytest.approx(2e6, rel=0.1)


def covered_by_infrared(frame):
    """Pixels of the picture that both passes cover."""
    truth, rows = true_registration(frame)
    columns = np.arange(frame.rgb.shape[1])
    _, cols_px = truth.at(np.full(len(columns), len(rows) // 2), columns, len(columns))
    return rows[:, None] & (columns + cols_px >= 0) & (columns + cols_px <= len(columns) - 1)


def decibel(picture, truth, covered):
    """Peak signal-to-noise ratio of display values, decibels."""
    display, true = (((plane[covered] / 65535) ** (1 / 2.2)) for plane in (picture, truth))
    return -10 * np.log10(np.square(display - true).mean())


@compiled
@pytest.mark.parametrize(
    ("picture", "seed", "optics"),
    [
        ("landscape", 5, CURVED),
        ("landscape", 1, SCANNERS_OWN),
        ("landscape", 1, NEAR),
        ("landscape", 4, FARTHEST),
    ],
)
def test_a_second_pass_cleans_within_a_decibel_of_the_same_pass(picture, seed, optics):
    elsewhere = {"infrared": replace(KINDS["leaky_slide"].infrared, **moves(optics))}
    still, moved = (simulated("leaky_slide", picture, SHAPE, seed, **changes) for changes in ({}, elsewhere))
    assert np.array_equal(still.rgb, moved.rgb)
    covered = covered_by_infrared(moved)
    same, second = (
        decibel(cleaned("leaky_slide", picture, SHAPE, seed, **changes).rgb, still.clean_rgb, covered)
        for changes in ({}, elsewhere)
    )
    assert second > same - 1


def half_without_detail(frame):
    """Infrared whose lower half has no detail, as on clear film where it is clipped."""
    infrared = frame.infrared.copy()
    infrared[len(infrared) // 2 :] = infrared.max()
    return infrared


def test_strips_without_detail_do_not_change_the_registration():
    frame = simulated(
        "leaky_slide", "landscape", SHAPE, 5, infrared=replace(KINDS["leaky_slide"].infrared, **moves(NEAR))
    )
    truth, covered = true_registration(frame)
    found = registered(frame.rgb, half_without_detail(frame))
    covered &= np.arange(SHAPE[0]) < SHAPE[0] // 2 - 60
    assert misfit_px(found, truth, covered, SHAPE[1]).max() < 0.15


def test_infrared_without_detail_leaves_the_rough_registration():
    frame = simulated("leaky_slide", "landscape", SHAPE, 5)
    rough = Registration(np.full(SHAPE[0], 0.3, np.float32), np.zeros(SHAPE[0], np.float32), 0.0, 0.0, 1.0)
    assert registered(frame.rgb, np.full(SHAPE, 40_000, np.uint16), rough) is rough
