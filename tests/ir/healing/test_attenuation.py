from __future__ import annotations

import cv2
import numpy as np
import pytest

from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, landscape, portrait
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing import attenuation, colour_healing
from filmscand.ir.healing.attenuation import DefectColours, estimate_attenuation
from filmscand.ir.healing.borrowed_grain import Surroundings
from filmscand.ir.healing.cells import split_into_cells
from filmscand.ir.healing.filling import display_tables, pixel_states
from filmscand.ir.methods.colours import colour_photometry, measure_colours

# How defects rise from their rim, pixel by pixel.
RISE = np.array([0.2, 0.5, 0.85, 1.0, 1.0])


def spots(heights, rough=1e-5, rise=RISE, radius_px=6, parents=None):
    """Spots in a row whose densities (nepers) rise to these heights, of grey film that a fill knows to an error.

    parents: the defect that each is a part of.
    """
    side = 3 * radius_px
    row, col = np.mgrid[:side, : side * len(heights)]
    away = np.hypot(row - side // 2, col % side - side // 2)
    cells = connected_regions((2 * (away <= radius_px)).astype(np.uint8))
    depths = np.minimum((radius_px - away).astype(int), 4)[cells.rows, cells.cols]
    owners = np.repeat(np.arange(len(cells)), np.diff(cells.starts))
    height = np.asarray(heights)[cells.cols // side]
    fill = np.full((len(owners), 3), 0.6, np.float32)
    raw = (fill * np.exp(-height * rise[depths] / 2.2)[:, None]).astype(np.float32)
    error = np.broadcast_to(np.asarray(rough, np.float32), (len(heights),))[cells.cols // side]
    detail = np.zeros((len(cells), 4), np.float32)
    rough = (error[:, None] * fill**2).astype(np.float32)
    parents = np.arange(len(cells)) if parents is None else np.asarray(parents)
    defect_colours = DefectColours(raw, fill, rough, np.zeros_like(fill), detail, depths, owners, parents)
    return cells, defect_colours, cells.cols // side


def cores(heights, hint=None, **film):
    """Density estimated in the middle of each spot."""
    cells, defect_colours, spot = spots(heights, **film)
    found = estimate_attenuation(cells, defect_colours, hint)
    return np.array(
        [found.density[(spot == index) & (defect_colours.depths == 4)].mean() for index in range(len(heights))]
    )


def measured_by_fill(defect_colours):
    """Density of each pixel as its fill tells it, nepers."""
    return (np.log(defect_colours.fill / defect_colours.raw).mean(axis=1) * 2.2).astype(np.float32)


def test_each_spots_density_is_found_where_the_fill_is_sure():
    heights = np.array([0.1, 0.3, 0.5, 0.7, 0.9, 1.1, 0.2, 0.4])
    assert cores(heights) == pytest.approx(heights, rel=0.05, abs=0.015)


def test_a_mask_that_is_too_wide_learns_that_its_rim_takes_no_light():
    narrow = np.array([0.0, 0.0, 0.6, 1.0, 1.0])
    cells, defect_colours, _ = spots([0.5] * 12, rise=narrow)
    density = estimate_attenuation(cells, defect_colours, None).density
    assert density[defect_colours.depths == 0].max() < 0.04
    assert density[defect_colours.depths == 4].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("bright", "dark", "believed"),
    [(6, 3, True), (3, 1, False), (6, 8, False)],
    ids=["an inverted negative", "a few lamps", "dust and lamps"],
)
def test_bright_spots_are_defects_where_there_are_five_and_they_are_most(bright, dark, believed):
    heights = np.concatenate([np.linspace(-0.2, -0.8, bright), np.linspace(0.2, 0.8, dark)])
    found = cores(heights)
    assert found[:bright] == pytest.approx(heights[:bright] if believed else 0.0, abs=0.06)
    assert found[bright:] == pytest.approx(heights[bright:], abs=0.06)


def shrunk(known, rough):
    """Height estimated for an uncertain spot of 0.9, beside so many known ones of 0.4."""
    return cores([0.9] + [0.4] * known, rough=[rough] + [1e-5] * known)[0]


def test_an_uncertain_spot_is_shrunk_to_the_usual_height_of_the_frame():
    assert shrunk(8, 30.0) == pytest.approx(0.4, abs=0.04)


def test_where_fewer_than_six_are_known_it_is_shrunk_to_a_quarter_neper():
    assert shrunk(4, 30.0) == pytest.approx(0.25, abs=0.04)
    assert 0.4 < shrunk(4, 0.3) < 0.6


def test_a_bright_line_cut_into_many_cells_counts_as_one_and_belongs_to_the_picture():
    heights = np.concatenate([np.full(9, -0.4), np.linspace(0.2, 0.8, 4)])
    found = cores(heights, parents=[0] * 9 + [1, 2, 3, 4])
    assert found[:9] == pytest.approx(0.0, abs=0.06)
    assert found[9:] == pytest.approx(heights[9:], abs=0.06)


def test_where_the_fill_tells_nothing_the_density_is_the_infrareds_and_a_tenth_more():
    cells, defect_colours, _ = spots([0.1] * 3, rough=3.0)
    hint = (0.3 * RISE[defect_colours.depths]).astype(np.float32)
    density = estimate_attenuation(cells, defect_colours, hint).density
    assert density[defect_colours.depths == 4].mean() == pytest.approx(1.1 * 0.3, rel=0.1)


def test_an_uncertain_defect_has_the_slope_of_the_frames_other_defects():
    heights = [0.9] * 10 + [0.2]
    cells, defect_colours, spot = spots(heights, rough=[1e-5] * 10 + [3.0])
    hint = np.where(spot < 10, 0.5, 0.3) * RISE[defect_colours.depths]
    density = estimate_attenuation(cells, defect_colours, hint.astype(np.float32)).density
    assert density[(defect_colours.depths == 4) & (spot == 10)].mean() == pytest.approx(1.8 * 0.3, rel=0.1)


@pytest.mark.parametrize(("height", "learnt"), [(0.04, False), (0.075, True), (1.4, True), (2.4, False)])
def test_the_profile_is_learnt_from_defects_that_are_neither_lost_in_noise_nor_opaque(height, learnt):
    _, defect_colours, _ = spots([height] * 12, rise=np.array([0.0, 0.0, 0.6, 1.0, 1.0]))
    seen = measured_by_fill(defect_colours)
    profile, _, _ = attenuation._learn_profile(seen, np.full(len(seen), 50, np.float32), defect_colours)
    assert (profile[defect_colours.depths == 0].max() < 0.1) == learnt


@pytest.mark.parametrize(("deviation", "known"), [(0.14, True), (0.16, False)])
def test_the_frames_usual_height_is_learnt_from_defects_known_to_three_tenths(deviation, known):
    middle, _ = attenuation._usual_height(np.full(6, 0.5), np.full(6, deviation**2))
    assert middle == (0.5 if known else attenuation.USUAL_HEIGHT)


@pytest.mark.parametrize(("known", "deviation"), [(6, 0.05), (5, 0.4)], ids=["all alike", "too few"])
def test_heights_are_shrunk_the_more_the_less_they_differ(known, deviation):
    _, weight = attenuation._usual_height(np.full(known, 0.5), np.full(known, 1e-6))
    assert weight == pytest.approx(6 / deviation**2)


@pytest.mark.parametrize(("known_to", "slope"), [(0.2, 1.8), (0.28, 1.8), (0.32, 1.1)])
def test_the_slope_of_infrared_is_learnt_from_defects_known_to_three_tenths(known_to, slope):
    owners, hint = np.repeat(np.arange(11), 50), np.full(550, 0.4, np.float32)
    weights = np.full(550, 6 / known_to**2 / (50 * 0.4**2), np.float32)
    weights[owners == 10] = 1e-6
    profile, _ = attenuation._with_hint(np.zeros(550, np.float32), hint, 1.8 * hint, weights, owners)
    assert profile[owners == 10].mean() == pytest.approx(slope * 0.4, rel=0.05)


def test_without_an_informative_defect_the_profile_is_the_usual_one():
    _, defect_colours, _ = spots([0.02] * 12, rise=np.ones(5))
    seen = measured_by_fill(defect_colours)
    profile, _, _ = attenuation._learn_profile(seen, np.full(len(seen), 50, np.float32), defect_colours)
    assert [profile[defect_colours.depths == depth].mean() for depth in range(5)] == pytest.approx(RISE, abs=1e-6)


def test_a_frames_profile_counts_by_half_where_it_is_as_sure_as_the_usual_one():
    _, defect_colours, _ = spots([0.5] * 3, rise=np.array([0.0, 0.5, 0.85, 1.0, 1.0]))
    seen = measured_by_fill(defect_colours)
    rim = int((defect_colours.depths == 0).sum())
    profile, _, _ = attenuation._learn_profile(seen, np.full(len(seen), 4 / (rim * 0.5**2), np.float32), defect_colours)
    assert profile[defect_colours.depths == 0].mean() == pytest.approx(0.1, abs=0.015)


@pytest.fixture(
    scope="module", params=[(landscape, 1), (portrait, 2), (girders, 5)], ids=["landscape", "portrait", "girders"]
)
def dusty(request):
    """Defects of a simulated slide in a mask one pixel too wide: cells, their colours, and the true density."""
    draw, seed = request.param
    frame = simulate_frame(draw(300, 450, seed), KINDS["leaky_slide"], seed=seed)
    wide = cv2.dilate((frame.visible_mask & ~frame.holder_mask).astype(np.uint8), np.ones((3, 3)))
    photometry = colour_photometry(measure_colours(frame.rgb))
    cells, parents = split_into_cells(connected_regions(2 * wide))
    display = display_tables(photometry)
    shown = Surroundings(display, pixel_states(cells, frame.rgb.shape))
    defect_colours = colour_healing._sample_colours(frame.rgb, shown, (cells, parents), photometry)
    clean = display[np.arange(3), frame.clean_rgb[cells.rows, cells.cols]]
    return cells, defect_colours, 2.2 * np.log(clean / defect_colours.raw).mean(axis=1)


CALIBRATION = {"landscape": (1.12, 1.27), "portrait": (0.86, 0.74), "girders": (0.298, 0.237)}


@pytest.mark.parametrize("hinted", [False, True], ids=["colours alone", "infrared's profile"])
def test_densities_are_as_wrong_as_expected(dusty, hinted, request):
    """On real backgrounds and grain: the median of the squared error over the expected one, as it was measured."""
    cells, defect_colours, truth = dusty
    noise = np.random.default_rng(0).normal(0, 0.05, len(truth))
    found = estimate_attenuation(cells, defect_colours, (0.7 * truth + noise).astype(np.float32) if hinted else None)
    off = np.clip(found.density, -3.5, 3.5) - np.clip(truth, -3.5, 3.5)
    measured = CALIBRATION[request.node.callspec.params["dusty"][0].__name__][hinted]
    assert np.median(off**2 / np.maximum(found.error, 1e-9)) == pytest.approx(measured, rel=0.04)
    assert np.sqrt(np.mean(np.minimum(off**2, 1))) < 0.22
