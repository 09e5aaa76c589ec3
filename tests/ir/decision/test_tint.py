"""On film without colour a tint is evidence of dust, as far as the frame's noise allows."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.frames.drawn_pictures import wires
from bench.measures.metrics import Answer, Judge
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.decision import _tint_kernels as kernels
from filmscand.ir.decision import tint
from filmscand.ir.decision.tint import Tints, measure_tints
from filmscand.ir.network.density_input import density_planes, measure_levels
from support.ir_frames import compiled, simulated

SHAPE = (400, 600)


def silver(picture="portrait", seed=3):
    return simulated("silver", picture, SHAPE, seed)


def suspected(frame, sure=0.3):
    """Probabilities of a detector that is sure of some defects, and suspects the others as much as some film."""
    rng = np.random.default_rng(1)
    number = len(frame.defects) + 1
    levels = np.where(rng.uniform(size=number) < sure, 254, 40).astype(np.uint8)
    lures = ndimage.binary_dilation(rng.uniform(size=SHAPE) < 3e-4, iterations=4)
    return np.where(frame.visible_mask, levels[frame.defect_labels], np.where(lures, 40, 1)).astype(np.uint8)


def fringed(rgb, shift_px=0.5):
    """The same scan by a scanner whose colours are shifted."""
    moved = [
        ndimage.shift(plane.astype(np.float32), (0, side * shift_px), order=3, mode="nearest")
        for plane, side in zip(np.moveaxis(rgb, -1, 0), (1, 0, -1), strict=True)
    ]
    return np.clip(np.rint(np.stack(moved, axis=-1)), 0, 65535).astype(np.uint16)


@compiled
@pytest.mark.parametrize("picture", ["portrait", "landscape"])
def test_tinted_dust_on_silver_is_told_from_the_picture(picture):
    frame = silver(picture)
    before = suspected(frame)
    tints = measure_tints(frame.rgb, before)
    after = tints.combine(before)
    dust, film = frame.visible_mask & (before == 40), ~frame.any_mask & (before == 40)
    found, lured = ((after[places] > 128).mean() for places in (dust, film))
    assert found > 0.1
    assert lured < found / 10
    assert (after[~frame.any_mask] > 128).mean() < 0.002


@compiled
def test_where_the_colours_are_shifted_edges_do_not_count_as_tints():
    frame = silver("girders")
    before = suspected(frame)
    after = measure_tints(fringed(frame.rgb), before).combine(before)
    assert (after[~frame.any_mask] > 128).mean() < 0.002


def as_drawn(kind, rgb):
    """The same scan by a scanner whose three colours differ."""
    red, green, blue = np.moveaxis(rgb.astype(np.float32), -1, 0)
    if kind == "beside each other":
        return fringed(rgb)
    if kind == "larger":
        blue = ndimage.zoom(blue, 1 + 2 / SHAPE[1], order=3)[: SHAPE[0], : SHAPE[1]]
    if kind == "steeper":
        blue = 60_000 * (blue / 60_000) ** 1.05
    return np.clip(np.rint(np.stack([red, green, blue], axis=-1)), 0, 65535).astype(np.uint16)


@compiled
@pytest.mark.parametrize("kind", ["beside each other", "larger", "steeper"])
def test_dust_has_its_tint_where_the_scanner_gives_the_picture_one(kind):
    """With these tints counted as noise, a tenth of the dust was found, and none where blue had more contrast."""
    frame = silver()
    before = suspected(frame)
    after = measure_tints(as_drawn(kind, frame.rgb), before).combine(before)
    dust, film = frame.visible_mask & (before == 40), ~frame.any_mask & (before == 40)
    found, lured = ((after[places] > 128).mean() for places in (dust, film))
    assert found > 0.18
    assert lured < found / 8
    assert (after[~frame.any_mask] > 128).mean() < 0.002


@compiled
def test_where_sure_dust_has_no_tint_tints_do_not_count():
    frame = silver()
    grey = np.where(frame.visible_mask[..., None], frame.clean_rgb * 0.6, frame.rgb).astype(np.uint16)
    assert measure_tints(grey, suspected(frame, sure=1.0)) is None


@compiled
@pytest.mark.parametrize(
    ("density", "seen"), [(0.0, False), (0.07, False), (0.17, True), (1.6, True), (2.1, False), (3.3, False)]
)
def test_the_lack_of_a_tint_is_unknown_for_opaque_and_for_white_dust(density, seen):
    frame = silver()
    rgb, probability = frame.rgb.copy(), suspected(frame)
    white = np.array(measure_levels(rgb).white)
    rgb[100:140, 200:240] = np.rint(white * 10**-density).astype(np.uint16)
    probability[100:140, 200:240] = 200
    tints = measure_tints(rgb, probability)
    grades, combined = tints.grades[54:66, 104:116], tints.combine(probability)[108:132, 208:232]
    if seen:
        assert (grades < kernels.TINTED).all()
        assert (combined < 100).all()
    else:
        assert (grades == 11).all()
        assert (combined == 200).all()


def test_the_noise_of_few_squares_is_unknown():
    rng = np.random.default_rng(1)
    squares = rng.normal(0, 0.001, (40_000, 4)).astype(np.float32)
    squares[:, 2], squares[:, 3] = np.sort(rng.integers(0, 8, 40_000)), 0
    for rare, known in ((150, False), (250, True)):
        squares[-rare:, 3] = 1
        _, deviations = tint._measure_noise(squares)
        assert np.isfinite(deviations[-1]).all() == known
        assert deviations[0] == pytest.approx([0.001, 0.001], rel=0.1)


@compiled
@pytest.mark.parametrize("kind", ["clear_slide", "kodachrome", "negative", "dark_slide"])
def test_film_with_colours_has_no_informative_tints(kind):
    frame = simulated(kind, "portrait", SHAPE, 3)
    assert measure_tints(frame.rgb, suspected(frame)) is None


@compiled
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_picture_without_colours_on_colour_film_has_no_informative_tints(seed):
    """Ropes against a white sky: tints of each dye's own grain were taken for dust."""
    frame = simulate_frame(wires(*SHAPE, seed), KINDS["bright_slide"], seed=seed)
    assert measure_tints(frame.rgb, suspected(frame)) is None


@compiled
def test_a_grey_scan_and_a_scan_of_few_cells_have_no_tints():
    frame = silver()
    grey = np.repeat(frame.rgb[..., :1], 3, axis=2)
    assert measure_tints(grey, suspected(frame)) is None
    assert measure_tints(frame.rgb[:140], suspected(frame)[:140]) is None
    assert measure_tints(frame.rgb[:1, :1], suspected(frame)[:1, :1]) is None


@compiled
@pytest.mark.filterwarnings("error")
def test_a_scan_of_two_densities_without_noise_raises_no_warning():
    rgb = np.full((*SHAPE, 3), 30_000, np.uint16)
    rgb[:200] = 20_000
    rgb[::7, ::5] += np.array([60, 20, 20], np.uint16)
    grades = measure_tints(rgb, suspected(silver())).grades
    assert ((grades < kernels.TINTED) | (grades == 11)).all()


@compiled
def test_a_lamp_that_is_warmer_at_one_side_is_not_a_colour_of_the_film():
    frame = silver()
    lamp = 1 + np.linspace(-0.002, 0.002, SHAPE[1])[:, None] * np.array([1.0, 0.0, -1.0])
    tinted = np.clip(frame.rgb * lamp, 0, 65535).astype(np.uint16)
    assert measure_tints(tinted, suspected(frame)) is not None


@compiled
def test_one_thread_and_two_measure_the_same_tints():
    frame = silver()
    threads = numba.get_num_threads()
    try:
        found = []
        for number in (1, threads):
            numba.set_num_threads(number)
            tints = measure_tints(frame.rgb, suspected(frame))
            found.append((tints.grades, tints.combine(suspected(frame))))
    finally:
        numba.set_num_threads(threads)
    assert all(np.array_equal(one, other) for one, other in zip(*found, strict=True))


def test_the_odds_of_a_grade_come_from_the_frame_as_far_as_it_shows_dust():
    nothing = np.zeros((2, 11), np.int64)
    usual = tint._grade_odds(nothing)
    assert usual[:3] == pytest.approx(
        [1.6 * np.log(share) - 0.7 for share in (0.14 / 0.504, 0.19 / 0.408, 0.145 / 0.077)]
    )
    assert usual[-2:] == pytest.approx([7.0, 0.0])
    # Dust that the picture missed counts as film, and still no grade has lower odds than the one below.
    missed = nothing.copy()
    missed[0, 8] = 5000
    assert tint._grade_odds(missed)[8] == tint._grade_odds(missed)[7] == pytest.approx(tint.MOST_ODDS)
    # As many squares again, all of the lowest grade: half of what is known.
    grey = nothing.copy()
    grey[0, 0], grey[1, 0] = 2000, 500
    assert tint._grade_odds(grey)[0] == pytest.approx(1.6 * np.log(0.57 / 0.752) - 0.7, abs=0.01)


def noisy(rng, rows, cols):
    return rng.integers(2_000, 60_000, (rows, cols, 3)).astype(np.uint16)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_cells_are_means_of_every_other_row_and_column(seed):
    rgb = noisy(np.random.default_rng(seed), 50, 67)
    levels = measure_levels(rgb)
    cells = np.empty((3, 4, 3), np.float32)
    kernels.measure_cells(rgb, levels.tables, cells)
    planes = density_planes(rgb, levels)[:, :48:2, :64:2]
    assert np.allclose(cells, planes.reshape(3, 3, 8, 4, 8).mean((2, 4)).transpose(1, 2, 0), atol=1e-5)


def terms_twin(total, base):
    """On the squares off the frame's borders."""
    rows, cols = total.shape
    places = np.meshgrid(*((np.arange(length) + 0.5) / 8 - 0.5 for length in (rows, cols)), indexing="ij")
    over = total / 3 - ndimage.map_coordinates(base[..., 2], places, order=1, mode="nearest")
    down, across = np.gradient(total / 3)
    to_bottom, to_right = np.meshgrid(*((2 * np.arange(n) + 1) / n - 1 for n in (rows, cols)), indexing="ij")
    slopes = [slope * grown for slope in (across, down) for grown in (1, to_right, to_bottom)]
    return np.stack([over, 4 * ndimage.laplace(total / 12), *slopes, across**2 + down**2], axis=-1)


def tints_twin(rgb, levels, base):
    rows, cols = (length // 2 for length in rgb.shape[:2])
    halved = density_planes(rgb[: 2 * rows, : 2 * cols], levels).reshape(3, rows, 2, cols, 2).mean((2, 4))
    red, green, blue = ndimage.uniform_filter(halved, (0, 5, 5), mode="nearest")
    places = np.meshgrid(*((np.arange(length) + 0.5) / 8 - 0.5 for length in (rows, cols)), indexing="ij")
    own = [ndimage.map_coordinates(base[..., tint], places, order=1, mode="nearest") for tint in range(2)]
    total = red + green + blue
    around = np.ones((7, 7), np.bool_) & (np.arange(7) % 3 == 0) & (np.arange(7)[:, None] % 3 == 0)
    contrast = ndimage.maximum_filter(total, footprint=around, mode="nearest")
    contrast -= ndimage.minimum_filter(total, footprint=around, mode="nearest")
    return np.stack([red - green - own[0], blue - green - own[1], total, contrast], axis=-1)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(80, 96), (81, 99)]))
@settings(max_examples=5, deadline=None)
def test_tints_are_means_over_five_squares_less_those_of_film_and_scanner(seed, shape):
    rng = np.random.default_rng(seed)
    rgb = noisy(rng, *shape)
    levels = measure_levels(rgb)
    base = rng.normal(0, 0.1, (5, 6, 3)).astype(np.float32)
    coefficients = rng.normal(0, 0.1, (2, kernels.TERMS)).astype(np.float32)
    whole = tints_twin(rgb, levels, base)
    terms = terms_twin(whole[..., 2], base)
    rows, cols = shape[0] // 2, shape[1] // 2
    for first, count in ((0, rows), (11, 13)):
        buffers = tuple(np.empty((count + 2 * kernels.HALO, cols, *planes), np.float32) for planes in ((3,), (3,), ()))
        measured, found = (np.empty((count, cols, planes), np.float32) for planes in (2 + kernels.TERMS, 4))
        kernels.average_squares(rgb, levels.tables, first, buffers)
        kernels.measure_terms(buffers[0], buffers[2], base, first, rows, measured)
        own = base[..., :2] - base[..., 2:] * coefficients[:, 0]
        kernels.measure_tints(buffers[0], buffers[2], own, coefficients, first, rows, found)
        expected, film = whole[first : first + count], terms[first : first + count] @ coefficients.T
        # Beyond the frame lie means of repeated squares, not the nearest mean within.
        inner = (slice(3, -3) if count == rows else slice(None), slice(1, -1))
        assert np.allclose(measured[..., :2], expected[..., :2], atol=2e-5)
        assert np.allclose(measured[inner][..., 2:], terms[first : first + count][inner], atol=5e-5)
        assert np.allclose(found[inner][..., :2], (expected[..., :2] - film)[inner], atol=5e-5)
        assert np.allclose(found[..., 2], expected[..., 2], atol=2e-5)
        assert np.allclose(found[inner][..., 3], expected[inner][..., 3], atol=5e-5)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_a_grade_is_how_many_steps_of_its_classs_noise_a_tint_exceeds(seed):
    rng = np.random.default_rng(seed)
    found = rng.normal(0, 1, (9, 14, 4)).astype(np.float32)
    found[..., 2] *= 3
    edges = np.sort(rng.normal(0, 1, (2, 3)), axis=1).astype(np.float32)
    noise = rng.uniform(0.2, 1, (16, 2)).astype(np.float32)
    noise[rng.integers(16)] = np.inf
    seen, steps = np.array([-0.5, 1.5, 0.8], np.float32), np.array([0.3, 0.5, 1.0, 2.0], np.float32)
    grades, classes = np.empty((9, 14), np.uint8), np.empty((9, 14), np.uint8)
    kernels.classify(found, edges, classes)
    kernels.grade_tints(found, edges, noise, seen, steps, grades)
    expected = np.searchsorted(edges[0], found[..., 2]) * 4 + np.searchsorted(edges[1], found[..., 3])
    assert np.array_equal(classes, expected)
    exceeded = np.searchsorted(steps, (np.abs(found[..., :2]) / noise[classes]).max(-1))
    density = found[..., 2] / np.float32(3)
    blind = (density < seen[0]) | (noise[classes].max(-1) > seen[2])
    mostly_unhealed = (density > seen[1]) | (blind & (exceeded < kernels.TINTED))
    assert np.array_equal(grades, np.where(mostly_unhealed | np.isinf(noise[classes, 0]), 5, exceeded))


@given(st.integers(0, 2**32 - 1), st.sampled_from([(12, 16), (13, 17)]))
@settings(max_examples=5, deadline=None)
def test_the_grade_of_its_square_changes_a_pixels_probability(seed, shape):
    rng = np.random.default_rng(seed)
    probability = rng.integers(0, 256, shape).astype(np.uint8)
    grades = rng.integers(0, 12, (6, 8)).astype(np.uint8)
    counts = np.zeros((2, 12), np.int64)
    kernels.count_grades(grades, probability, (8, 250), counts)
    first = probability[: 2 * 6 : 2, : 2 * 8 : 2]
    assert np.array_equal(counts[0], np.bincount(grades[first < 8], minlength=12))
    assert np.array_equal(counts[1], np.bincount(grades[first >= 250], minlength=12))
    odds = np.append(rng.normal(0, 3, 11), 0.0)
    combined = Tints(grades, odds).combine(probability)
    of_pixel = np.pad(grades.repeat(2, 0).repeat(2, 1), [(0, length % 2) for length in shape], mode="edge")
    share = np.clip((probability + 0.5) / 256, 1e-3, 1 - 1e-3)
    expected = 255 / (1 + (1 - share) / share * np.exp(-odds[of_pixel]))
    assert np.abs(combined - expected).max() <= 0.5


@compiled
@pytest.mark.parametrize(
    ("picture", "least_f1", "gain_db"), [("portrait", 0.72, 7), ("night", 0.8, 8), ("lettering", 0.54, 4)]
)
def test_silver_is_cleaned_by_picture_and_tints(picture, least_f1, gain_db):
    """By the picture alone F1 is 0.70 on the portrait and 0.50 on the letters."""
    frame = simulated("silver", picture, (700, 1000), 5)
    result = clean_frame(frame.rgb, None, CleanOptions())
    before, after = (
        Judge(frame).score(Answer(*planes, 0.0))
        for planes in ((frame.rgb, frame.any_mask), (result.rgb, result.defect_mask))
    )
    assert after.f1 > least_f1
    assert after.frame_db > before.frame_db + gain_db
    assert after.outside == 0
