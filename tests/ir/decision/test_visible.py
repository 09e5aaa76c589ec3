from __future__ import annotations

import numpy as np
import pytest

from filmscand.ir.decision.slopes import PLACES
from filmscand.ir.decision.visible import visible_cells
from support.ir_defects import regions_of, with_edges

REGIONS, PIXELS = 40, 60
SURELY_DEFECTS = 8.0
NOISE = 0.004


def visible(sample, evidence=SURELY_DEFECTS, parents=None):
    regions = len(sample.areas)
    parents = np.arange(regions) if parents is None else parents
    places = np.stack([np.arange(regions), np.arange(regions) % PLACES**2], 1)
    odds = np.array(np.broadcast_to(np.asarray(evidence, float), regions))
    return visible_cells(sample.density[:, 0].copy(), sample, parents, places, odds, (1.0, NOISE))


def beside_dust(slope, edge_slope):
    """A frame of dust that its edges confirm, and one more region with these slopes of fill and edges."""
    exponents = np.append(np.full(REGIONS, 1.2), slope)
    sample = regions_of(np.full(REGIONS + 1, PIXELS), depth=0.5, ratio=0.5 * exponents)
    return with_edges(sample, np.append(np.full(REGIONS, 1.2), edge_slope))


@pytest.mark.parametrize(
    ("fill_slope", "edge_slope", "shown"),
    [(1.2, 1.2, True), (0.0, 1.2, True), (3.0, 1.2, True), (0.0, 0.0, False), (1.2, -1.0, False), (0.0, np.nan, False)],
    ids=["dust", "fill too dark", "fill too bright", "a dip", "bright edges", "a fill alone"],
)
def test_dust_has_the_frames_edges_and_a_dip_of_the_infrared_has_none(fill_slope, edge_slope, shown):
    found = visible(beside_dust(fill_slope, edge_slope))
    assert found[:-1].all()
    assert found[-1] == shown


def test_a_region_that_takes_ten_times_the_light_of_its_density_belongs_to_the_picture():
    assert not visible(beside_dust(12.0, np.nan))[-1]


def scratched(cells, deviation, edge_slope):
    """Which cells show of a frame of dust and a scratch without dye over many cells."""
    areas = np.full(REGIONS + cells, PIXELS)
    ratio = np.repeat(np.append(np.full(REGIONS, 0.6), np.full(cells, -0.5)), areas)
    edges = np.append(np.full(REGIONS, 1.2), np.full(cells, edge_slope))
    parents = np.append(np.arange(REGIONS), np.full(cells, REGIONS))
    return visible(with_edges(regions_of(areas, depth=0.5, ratio=ratio, deviation=deviation), edges), parents=parents)


def test_a_scratch_without_dye_over_many_cells_shows_and_a_few_bright_cells_are_lights_of_the_picture():
    assert scratched(24, 0.02, -1.0).all()
    few = scratched(6, 0.1, -0.3)
    assert few[:REGIONS].all()
    assert not few[REGIONS:].any()


@pytest.mark.parametrize(("sure", "evidence", "shown"), [(0, 6.0, True), (2, 20.0, False), (3, 10.0, True)])
def test_on_a_frame_without_three_sure_defects_the_doubtful_ones_stay(sure, evidence, shown):
    exponents = np.full(REGIONS, 1.2)
    dust = with_edges(regions_of(np.full(REGIONS, PIXELS), depth=0.5, ratio=0.5 * exponents), exponents)
    odds = np.append(np.full(REGIONS - sure, 3.0 if sure else evidence), np.full(sure, evidence))
    assert visible(dust, odds).all() == shown
