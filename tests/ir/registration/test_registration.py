from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.registration.registration import Registration, group_pieces, measure_registration, same_grid
from support.ir_frames import NO_DAMAGE, compiled, flat_planes, photometry_and_tiles, simulated, two_planes

SHAPE = (600, 900)


def registered(leak, infrared_shift, noise=0.003, shape=SHAPE):
    """Registration of a frame whose infrared shows a part of the picture, moved by a function of row and column."""
    _, tiles = photometry_and_tiles(*two_planes(leak, infrared_shift, noise, shape))
    return measure_registration(tiles)


def shifts_of(registration, shape=SHAPE):
    rows, cols = np.mgrid[10 : shape[0] : 40, 10 : shape[1] : 40]
    return rows, cols, np.stack(registration.at(rows, cols, shape[1]))


def misfit_px(registration, infrared_shift, shape=SHAPE):
    """Root mean square error of the shift along rows and along columns."""
    rows, cols, found = shifts_of(registration, shape)
    truth = np.stack(np.broadcast_arrays(*infrared_shift(rows, cols)))
    return np.sqrt(np.square(found - truth).mean(axis=(1, 2)))


@pytest.mark.parametrize("leak", [0.02, 0.15])
@pytest.mark.parametrize("shift", [(0.0, 3.0), (5.3, -1.2), (-11.6, 11.7), (15.2, -15.4)])
def test_a_shift_of_up_to_fifteen_pixels_is_recovered_to_a_tenth(shift, leak):
    registration = registered(leak, lambda row, col: np.stack([row * 0 + shift[0], col * 0 + shift[1]]))
    found = shifts_of(registration)[-1]
    assert np.median(found, axis=(1, 2)) == pytest.approx(shift, abs=0.1)
    assert registration.confidence > 0.9
    assert not registration.same_grid


def test_a_scale_of_three_permille_is_recovered():
    def scaled(row, col):
        return 0.003 * (row - 300), 0.003 * (col - 450)

    registration = registered(0.15, lambda row, col: np.stack(scaled(row, col)))
    assert (misfit_px(registration, scaled) < 0.3).all()
    assert registration.col_scale == pytest.approx(0.003, rel=0.2)


def test_a_slow_drift_along_the_rows_is_measured():
    def drifting(row, col):
        return 2.0 + 1.5 * np.sin(row / 190), 0 * col - 0.7

    registration = registered(0.15, lambda row, col: np.stack(drifting(row, col)))
    assert (misfit_px(registration, drifting) < 0.4).all()


def test_a_drift_is_measured_all_along_a_tall_frame():
    def drifting(row, col):
        return 2.0 + 1.5 * np.sin(row / 150), 0 * col - 0.7

    registration = registered(0.15, lambda row, col: np.stack(drifting(row, col)), shape=(1300, 500))
    assert (misfit_px(registration, drifting, (1300, 500)) < 0.4).all()


def test_planes_of_one_pass_stay_on_one_grid():
    registration = registered(0.15, lambda row, col: np.stack([0 * row, 0 * col]))
    assert registration.same_grid
    assert registration.confidence > 0.9


@pytest.mark.parametrize(("shift_px", "same"), [(0.04, True), (0.085, True), (0.14, False)])
def test_planes_are_registered_from_a_shift_of_a_tenth_of_a_pixel_on(shift_px, same):
    registration = registered(0.15, lambda row, col: np.stack([0 * row + shift_px, 0 * col]))
    assert registration.same_grid == same


@pytest.mark.parametrize(
    ("offset_px", "drift_px", "same"), [(0.05, 0.3, True), (0.12, 0.3, False), (0.0, 0.33, True), (0.0, 0.6, False)]
)
def test_planes_without_a_mean_shift_are_of_one_pass_if_most_of_the_frame_has_not_moved(offset_px, drift_px, same):
    registration = registered(0.15, lambda row, col: np.stack([offset_px + drift_px * (row / 300 - 1), 0 * col]))
    assert registration.same_grid == same


@pytest.mark.parametrize("shift", [(20.0, 0.0), (3.0, -19.0)])
def test_a_shift_beyond_the_search_gives_no_shift_and_no_confidence(shift):
    registration = registered(0.15, lambda row, col: np.stack([row * 0 + shift[0], col * 0 + shift[1]]))
    assert registration.same_grid
    assert registration.confidence == 0


@pytest.mark.parametrize(("noise", "sure"), [(0.17, True), (0.21, False)])
def test_a_peak_counts_from_twelve_deviations_of_the_correlation_on(noise, sure):
    confidence = registered(0.02, lambda row, col: np.stack([row * 0 + 3.0, col * 0 + 2.0]), noise).confidence
    assert (confidence > 0.4) == sure
    assert (confidence > 0) == sure


@pytest.mark.parametrize(
    ("shape", "step_px", "found_there"), [((600, 900), 6, True), ((600, 900), 9, False), ((2800, 300), 10, True)]
)
def test_the_search_for_a_part_that_jumps_grows_with_the_frame(shape, step_px, found_there):
    def jumping(row, col):
        return np.stack([np.where(row < 0.62 * shape[0], 0.0, step_px) + 0 * col, 0 * col + 1.0])

    registration = registered(0.15, jumping, shape=shape)
    assert (abs(registration.row_shift_px[int(0.85 * shape[0])] - step_px) < 1) == found_there


@pytest.mark.parametrize(("shape", "noise", "most_px"), [((600, 900), 0.08, 0.3), ((1300, 500), 0.1, 0.45)])
def test_a_scale_is_measured_where_noise_hides_the_leak_in_single_tiles(shape, noise, most_px):
    def scaled(row, col):
        return 0.003 * (row - shape[0] / 2), 0.003 * (col - shape[1] / 2)

    registration = registered(0.02, lambda row, col: np.stack(scaled(row, col)), noise, shape)
    assert (misfit_px(registration, scaled, shape) < most_px).all()


def test_how_sure_the_shift_is_goes_from_a_half_to_one():
    def confidence(noise):
        return registered(0.02, lambda row, col: np.stack([row * 0 + 3.0, col * 0 + 2.0]), noise).confidence

    assert 0.5 < confidence(0.17) < 0.9
    assert confidence(0.05) == 1.0


def test_planes_that_share_nothing_give_no_confidence():
    rgb, infrared = flat_planes((300, 400), noise=0.02)
    _, tiles = photometry_and_tiles(rgb, infrared)
    assert measure_registration(tiles).confidence < 0.5


@compiled
@pytest.mark.parametrize(
    ("kind", "picture", "damaged"),
    [("spotless", "night", False), ("clear_slide", "girders", False), ("clear_slide", "landscape", True)],
    ids=["a usual leak", "a faint leak", "dust and a faint leak"],
)
def test_the_planes_of_one_simulated_pass_are_shifted_by_less_than_half_a_pixel(kind, picture, damaged):
    frame = simulated(kind, picture, (400, 600), **({} if damaged else {"damage": NO_DAMAGE}))
    _, tiles = photometry_and_tiles(frame.rgb, frame.infrared)
    still = misfit_px(measure_registration(tiles), lambda row, col: (0 * row, 0 * col), (400, 600))
    assert (still < 0.5).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(2, 300), st.integers(2, 300), st.floats(0, 1))
def test_planes_on_one_grid_have_no_shift_anywhere(rows, cols, confidence):
    registration = same_grid(rows, confidence)
    down, across = registration.at(np.arange(-3, rows + 3), np.full(rows + 6, cols // 2), cols)
    assert not down.any()
    assert not across.any()
    assert registration.same_grid


def test_the_shift_of_a_pixel_follows_from_its_row_and_its_distance_from_the_middle_column():
    curve = np.array([1.0, 2.0, 3.0], np.float32)
    registration = Registration(curve, -curve, 0.01, 0.02, 1.0)
    down, across = registration.at(np.array([0, 2]), np.array([0, 100]), 101)
    assert down == pytest.approx([1 - 0.5, 3 + 0.5])
    assert across == pytest.approx([-1 - 1.0, -3 + 1.0])


def test_pieces_of_one_band_and_one_third_of_the_columns_are_a_group():
    bands, cols_px = np.array([0, 0, 7, 0, 7]), np.array([0, 299, 299, 300, 899])
    assert [group.tolist() for group in group_pieces(bands, cols_px, 900)] == [[0, 1], [3], [2], [4]]


def test_planes_of_which_one_is_inverted_are_opposed():
    rgb, infrared = two_planes(0.15, lambda row, col: np.stack([0 * row, 0 * col]), shape=SHAPE)
    for planes in ((65535 - rgb, infrared), (rgb, 65535 - infrared)):
        registration = measure_registration(photometry_and_tiles(*planes)[1])
        assert registration.opposed
        assert registration.confidence == 0
        assert registration.same_grid
