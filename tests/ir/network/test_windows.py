from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.network import windows
from filmscand.ir.network.windows import CELL_PX, RIM_PX, Layout, Planes

MARGIN, MULTIPLE = 32, 16


def layout(rows, cols):
    return Layout((rows, cols), MARGIN, MULTIPLE)


def regions_of(plane):
    return connected_regions(np.where(plane, np.uint8(2), np.uint8(0)))


def squares(shape, places, side=3):
    plane = np.zeros(shape, np.bool_)
    for row, col in places:
        plane[row : row + side, col : col + side] = True
    return plane


def run_px(plan, found):
    return sum(int(np.prod(plan.patch(each).size)) for each in found)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 100))
def test_windows_of_a_whole_frame_cover_each_pixel_once(rows, cols, largest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "LARGEST_PX", largest)
        covered = np.zeros((rows, cols), np.int64)
        for window in layout(rows, cols).everywhere():
            covered[window] += 1
    assert (covered == 1).all()


places = st.lists(st.tuples(st.integers(0, 296), st.integers(0, 396)), min_size=1, max_size=40)


@settings(max_examples=50, deadline=None)
@given(places)
def test_windows_around_regions_cover_them_with_a_rim(places):
    plane, plan = squares((300, 400), places), layout(300, 400)
    covered = np.zeros(plane.shape, np.bool_)
    for window in plan.around(regions_of(plane)):
        covered[window] = True
    rows, cols = np.nonzero(plane)
    for row_step in (-RIM_PX, 0, RIM_PX):
        for col_step in (-RIM_PX, 0, RIM_PX):
            assert covered[np.clip(rows + row_step, 0, 299), np.clip(cols + col_step, 0, 399)].all()


@settings(max_examples=50, deadline=None)
@given(places)
def test_no_more_runs_than_for_a_window_around_each_region(places):
    regions, plan = regions_of(squares((300, 400), places)), layout(300, 400)
    alone = 0
    for first, last in zip(regions.starts[:-1], regions.starts[1:], strict=True):
        sides = (int(np.ptp(each[first:last])) + 1 + 2 * (RIM_PX + MARGIN) for each in (regions.rows, regions.cols))
        alone += int(np.prod([-(-side // MULTIPLE) * MULTIPLE for side in sides]))
    assert run_px(plan, plan.around(regions)) <= alone


def test_a_speck_has_a_small_window_and_dust_everywhere_has_large_ones():
    plan = layout(2000, 3000)
    (speck,) = plan.around(regions_of(squares((2000, 3000), [(1000, 1500)])))
    assert plan.patch(speck).size == (128, 128)
    everywhere = [(row, col) for row in range(5, 1990, 40) for col in range(5, 2990, 40)]
    found = plan.around(regions_of(squares((2000, 3000), everywhere)))
    assert run_px(plan, found) < 1.6 * 2000 * 3000


def test_a_long_slanted_hair_is_looked_at_in_pieces():
    plane = np.zeros((2000, 2000), np.bool_)
    for at in range(1900):
        plane[at + 50, at + 50 : at + 53] = True
    plan = layout(2000, 2000)
    assert run_px(plan, plan.around(regions_of(plane))) < plane.size / 2


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 299), st.integers(0, 399), st.integers(1, 60), st.integers(1, 60))
def test_what_the_network_is_shown_holds_the_window_and_its_margin(row, col, high, wide):
    plan = layout(300, 400)
    window = slice(row, min(row + high, 300)), slice(col, min(col + wide, 400))
    patch = plan.patch(window)
    for side, start, length, whole in zip(window, patch.corner, patch.size, (300, 400), strict=True):
        assert start == max(side.start - MARGIN, 0)
        assert start + length >= min(side.stop + MARGIN, whole)
        assert length % MULTIPLE == 0


def planes(probable=(), looked=(), known=()):
    made = []
    for places in (probable, looked, known):
        plane = np.zeros((200, 300), np.bool_)
        for each in places:
            plane[each] = True
        made.append(plane)
    return Planes(*made)


WINDOW = np.s_[64:96, 96:160]


@pytest.mark.parametrize(
    ("defect", "cell"),
    [
        (np.s_[60:70, 100:103], (1, 3)),
        (np.s_[90:99, 100:103], (3, 3)),
        (np.s_[70:73, 90:99], (2, 2)),
        (np.s_[70:73, 150:170], (2, 5)),
    ],
    ids=["above", "below", "left", "right"],
)
def test_a_defect_continues_into_the_cell_beyond_the_side_that_it_crosses(defect, cell):
    plan = layout(200, 300)
    assert plan.continued(WINDOW, planes([defect])) == {cell}
    assert plan.cell(cell)[0].start == cell[0] * CELL_PX
    assert plan.continued(WINDOW, planes([defect], looked=[np.s_[:, :]])) == set()
    assert plan.continued(WINDOW, planes([defect], known=[defect])) == set()


def test_no_defect_continues_beyond_the_frame():
    whole = np.s_[0:200, 0:300]
    assert layout(200, 300).continued(whole, planes([whole])) == set()


def test_without_regions_there_is_nothing_to_look_at():
    assert layout(200, 300).around(regions_of(np.zeros((200, 300), np.bool_))) == []
