from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing.cells import count_outcomes, split_into_cells


def test_a_scratch_across_the_frame_is_cut_into_cells_and_a_speck_stays_whole():
    classes = np.zeros((120, 500), np.uint8)
    classes[20:24] = 2
    classes[80:90, 40:52] = 2
    regions = connected_regions(classes)
    cells, parents = split_into_cells(regions)
    assert len(regions) == 2
    assert parents.tolist() == sorted(parents.tolist())
    assert (parents == 1).sum() == 1
    assert (parents == 0).sum() > 5
    assert cells.starts[-1] == (classes > 0).sum()
    widths = [np.ptp(cells.cols[start:end]) for start, end in zip(cells.starts[:-1], cells.starts[1:], strict=True)]
    assert max(widths) < 60


def test_cutting_regions_loses_no_pixel_and_duplicates_none():
    rng = np.random.default_rng(4)
    classes = (ndimage.gaussian_filter(rng.standard_normal((300, 400)), 6) > 0.02).astype(np.uint8) * 2
    regions = connected_regions(classes)
    cells, parents = split_into_cells(regions)
    owner = np.zeros(classes.shape, int)
    owner[regions.rows, regions.cols] = np.repeat(np.arange(len(regions)), np.diff(regions.starts)) + 1
    assert len(set(zip(cells.rows.tolist(), cells.cols.tolist(), strict=True))) == len(regions.rows)
    assert np.array_equal(owner[cells.rows, cells.cols], np.repeat(parents, np.diff(cells.starts)) + 1)


@pytest.mark.parametrize(("width_px", "cells"), [(80, 1), (130, 3), (490, 11)])
def test_a_region_wider_than_a_hundred_pixels_is_cut_into_cells_of_fifty(width_px, cells):
    classes = np.zeros((48, 500), np.uint8)
    classes[10:14, 5 : 5 + width_px] = 2
    assert len(split_into_cells(connected_regions(classes))[0]) == cells


def test_a_region_counts_as_divided_if_most_of_its_healed_cells_are_divided():
    # Of five regions the first has cells divided and filled, the second mostly filled ones, the third is left.
    parents = np.array([0, 0, 1, 1, 1, 2, 3, 4])
    worthwhile = np.array([True, True, True, True, True, False, True, True])
    divided_part = np.array([0.9, 0.1, 0.9, 0.2, 0.1, 0.9, 0.6, 0.5])
    assert count_outcomes(worthwhile, divided_part, parents) == (2, 2, 1)


def test_a_cell_that_is_left_does_not_count_in_its_region():
    parents = np.array([0, 0, 0])
    assert count_outcomes(np.array([True, False, False]), np.array([0.9, 0.0, 0.0]), parents) == (1, 0, 0)
