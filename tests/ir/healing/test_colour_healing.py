from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from bench.measures.metrics import Answer, Judge
from filmscand.film.frame import Damage
from filmscand.film.pictures import PICTURES
from filmscand.ir.detection.regions import connected_regions
from filmscand.ir.healing import _colour_kernels as kernels
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.methods.colours import colour_photometry, measure_colours
from support.ir_frames import DISPLAY, compiled, simulated

SHAPE = (48, 61)


def healed(frame, mask, probability=255):
    """Heal a frame as if the detector gave `mask` one probability."""
    regions = connected_regions(mask.astype(np.uint8) * 2)
    sure = np.where(mask, probability, 0).astype(np.uint8)
    return heal_by_colours(frame.rgb, regions, sure, colour_photometry(measure_colours(frame.rgb)))


def score(frame, rgb, mask):
    return Judge(frame).score(Answer(rgb, mask, 0.0))


@compiled
@pytest.mark.parametrize("widened_px", [0, 1, 2])
@pytest.mark.parametrize(
    ("kind", "gain_db"), [("silver", 5), ("kodachrome", 7), ("negative", 5), ("faint_dust", 0.5), ("heavy_dirt", 3)]
)
def test_defects_are_healed_without_infrared_wherever_the_mask_ends(kind, gain_db, widened_px):
    frame = simulated(kind, "portrait", (400, 600), 3)
    mask = ndimage.binary_dilation(frame.visible_mask, iterations=widened_px) if widened_px else frame.visible_mask
    result = healed(frame, mask)
    before, after = (score(frame, *planes) for planes in ((frame.rgb, mask), (result.rgb, result.mask)))
    assert after.outside == 0
    assert after.frame_db > before.frame_db + gain_db


@compiled
@pytest.mark.parametrize("picture", ["landscape", "portrait", "night", "girders"])
@pytest.mark.parametrize(
    "kind", ["silver", "kodachrome", "faint_dust", "grainy_slide", "stripped_scratches", "gamma_encoded"]
)
def test_no_frame_is_worse_after_healing(kind, picture):
    frame = simulated(kind, picture, (400, 600), 10)
    result = healed(frame, frame.visible_mask)
    assert not score(frame, result.rgb, result.mask).worse


@compiled
@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(["silver", "kodachrome", "two_pass_shift"]),
    st.sampled_from(sorted(PICTURES)),
    st.integers(0, 10_000),
)
def test_nothing_changes_outside_the_mask(kind, picture, seed):
    frame = simulated.__wrapped__(kind, picture, (150, 220), seed)
    result = healed(frame, frame.visible_mask)
    assert np.array_equal(result.rgb[~result.mask], frame.rgb[~result.mask])
    assert not (result.mask & ~frame.visible_mask).any()


@compiled
@pytest.mark.parametrize("probability", [0, 60, 127])
def test_a_region_that_is_less_likely_a_defect_than_not_is_left_alone(probability):
    frame = simulated("silver", "portrait", (240, 360), 3)
    result = healed(frame, frame.visible_mask, probability)
    assert not result.mask.any()
    assert result.divided == result.filled == 0
    assert result.left == len(connected_regions(frame.visible_mask.astype(np.uint8) * 2))


@compiled
def test_a_region_on_sound_grain_changes_less_than_the_grain_itself():
    frame = simulated("grainy_slide", "smooth_sky", (300, 420), 2, damage=Damage(0, 0, 0, 0, 0))
    mask = np.zeros(frame.rgb.shape[:2], np.bool_)
    mask[np.add.outer(np.arange(40, 300, 60), np.arange(9))[:, :, None], np.arange(50, 400, 70)[None, None]] = True
    mask = ndimage.binary_dilation(mask, iterations=4)
    result = healed(frame, mask)
    light = DISPLAY[0][frame.rgb]
    change = np.sqrt(np.square(DISPLAY[0][result.rgb] - light)[mask].mean())
    grain = (light - ndimage.uniform_filter(light, (5, 5, 0)))[mask].std()
    assert change < 0.5 * grain


@compiled
def test_a_filled_blot_is_as_grainy_as_the_film_around():
    frame = simulated("silver", "smooth_sky", (300, 420), 2, damage=Damage(0, 0, 0, 0, 0))
    row, col = np.mgrid[:300, :420]
    blot = (row - 150) ** 2 + (col - 200) ** 2 < 20**2
    core = ndimage.binary_erosion(blot, iterations=4)
    rgb = np.where(blot[..., None], 300, frame.rgb).astype(np.uint16)
    regions = connected_regions(blot.astype(np.uint8) * 2)
    result = heal_by_colours(
        rgb, regions, np.where(blot, 255, 0).astype(np.uint8), colour_photometry(measure_colours(frame.rgb))
    )
    assert result.filled == 1
    light, truth = (DISPLAY[0][planes] for planes in (result.rgb, frame.rgb))
    detail, expected = ((each - ndimage.uniform_filter(each, (5, 5, 0)))[core].std() for each in (light, truth))
    assert 0.6 * expected < detail < 1.3 * expected
    assert abs(light[core].mean() - truth[core].mean()) < 0.02


@compiled
def test_one_thread_and_two_heal_to_the_same_bytes():
    frame = simulated("kodachrome", "landscape", (300, 420))
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = healed(frame, frame.visible_mask)
        numba.set_num_threads(min(2, numba.config.NUMBA_NUM_THREADS))
        together = healed(frame, frame.visible_mask)
    finally:
        numba.set_num_threads(threads)
    assert alone.rgb.tobytes() == together.rgb.tobytes()
    assert alone.mask.any()


def random_regions(rng):
    """A random picture, random regions in it, and their states."""
    rgb = rng.integers(5_000, 60_000, (*SHAPE, 3)).astype(np.uint16)
    defects = ndimage.binary_dilation(rng.random(SHAPE) < 0.01, np.ones((3, 3)), iterations=int(rng.integers(1, 3)))
    regions = connected_regions(defects.astype(np.uint8) * 2)
    states = np.zeros(SHAPE, np.uint8)
    states[ndimage.binary_dilation(defects, np.ones((3, 3)))] = 2
    states[defects] = kernels.DEFECT
    return rgb, regions, states


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_depths_are_steps_to_the_nearest_sound_pixel(seed):
    _, regions, states = random_regions(np.random.default_rng(seed))
    depths = np.empty(len(regions.rows), np.int64)
    kernels.measure_depths(states, regions.rows, regions.cols, depths)
    # Beyond the frame nothing is known, so that its end is no rim.
    padded = np.pad(states == kernels.DEFECT, 10, constant_values=True)
    steps = ndimage.distance_transform_cdt(padded, "taxicab")[10:-10, 10:-10]
    assert np.array_equal(depths, np.minimum(steps, kernels.DEEPEST_PX)[regions.rows, regions.cols])


def grain_twin(rgb, regions, states, usual):
    value = np.stack([DISPLAY[c][rgb[..., c]] for c in range(3)], -1).astype(np.float64)
    free = np.pad(states == kernels.FREE, 2)
    cross = np.zeros((5, 5), np.bool_)
    cross[[0, 2, 2, 2, 4], [2, 0, 2, 4, 2]] = True
    usable = ndimage.binary_erosion(free, cross)[2:-2, 2:-2]
    kernel = np.zeros((5, 5, 1))
    kernel[[0, 2, 2, 4], [2, 0, 4, 2], 0] = 0.25
    detail = value / ndimage.correlate(value, kernel, mode="nearest") - 1
    grain = np.full((len(regions), 4), usual)
    for index in range(len(regions)):
        part = slice(regions.starts[index], regions.starts[index + 1])
        box = tuple(slice(max(at[part].min() - 8, 0), at[part].max() + 9) for at in (regions.rows, regions.cols))
        around = detail[box][usable[box]]
        if len(around) >= kernels.FEWEST_AROUND:
            grain[index] = 1.2533 * np.append(np.abs(around).mean(0), np.abs(around.mean(1)).mean())
    return grain


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_grain_is_measured_on_free_film_around_each_region(seed):
    rgb, regions, states = random_regions(np.random.default_rng(seed))
    grain = np.empty((len(regions), 4), np.float32)
    usual = np.float32(0.02)
    kernels.measure_grain(rgb, states, DISPLAY, regions.starts, regions.rows, regions.cols, usual, grain)
    assert np.allclose(grain, grain_twin(rgb, regions, states, 0.02), rtol=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_the_range_around_a_region_is_that_of_free_squares_of_two_pixels(seed):
    rgb, regions, states = random_regions(np.random.default_rng(seed))
    found = np.empty((2, len(regions), 3), np.float32)
    kernels.measure_range(rgb, states, DISPLAY, regions.starts, regions.rows, regions.cols, *found)
    value = np.stack([DISPLAY[c][rgb[..., c]] for c in range(3)], -1).astype(np.float64)
    squares = np.lib.stride_tricks.sliding_window_view(value, (2, 2), axis=(0, 1)).mean(axis=(-1, -2))
    free = np.lib.stride_tricks.sliding_window_view(states == kernels.FREE, (2, 2)).all(axis=(-1, -2))
    for index in range(len(regions)):
        part = slice(regions.starts[index], regions.starts[index + 1])
        box = tuple(slice(max(at[part].min() - 8, 0), at[part].max() + 8) for at in (regions.rows, regions.cols))
        around = squares[box][free[box]]
        expected = (around.min(0), around.max(0)) if len(around) else (np.zeros(3), np.full(3, np.inf))
        assert np.allclose(found[:, index], expected, rtol=1e-5)


def smooth_twin(regions, seen, weights, prior, reach):
    smooth, kept, noise = (np.empty(len(seen)) for _ in range(3))
    for index in range(len(regions)):
        part = np.arange(regions.starts[index], regions.starts[index + 1])
        rows, cols = regions.rows[part], regions.cols[part]
        for pixel in part:
            about = (abs(rows - regions.rows[pixel]) <= reach) & (abs(cols - regions.cols[pixel]) <= reach)
            near = part[about]
            density, profile = seen[near, 0].astype(float), seen[near, 1].astype(float)
            power, product = ((weights[near] * profile * each).sum() for each in (profile, density))
            height = (product + prior[0] * prior[1]) / (power + prior[1])
            variance = np.average((density - height * profile) ** 2, weights=weights[near])
            own = min(max(variance - seen[pixel, 2], 0), (prior[2] * height) ** 2)
            noise[pixel] = max(seen[pixel, 2], variance - own)
            kept[pixel] = own / (own + noise[pixel] + 1e-12)
            expected = height * seen[pixel, 1]
            most = 2 * prior[2] * abs(height)
            smooth[pixel] = expected + kept[pixel] * np.clip(seen[pixel, 0] - expected, -most, most)
    return smooth, kept, noise


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6))
def test_densities_are_smoothed_about_their_profile_as_far_as_noise_explains_them(seed, reach):
    rng = np.random.default_rng(seed)
    _, regions, _ = random_regions(rng)
    count = len(regions.rows)
    seen = np.stack([rng.normal(0.3, 0.1, count), rng.uniform(0.1, 1, count), rng.uniform(0, 0.05, count)], 1)
    seen, weights = seen.astype(np.float32), rng.uniform(1, 50, count).astype(np.float32)
    found = [np.empty(count, np.float32) for _ in range(3)]
    places, prior = (
        (regions.starts, regions.rows, regions.cols),
        (rng.normal(0.3, 0.3), rng.uniform(0, 200), rng.uniform(0.1, 1)),
    )
    kernels.smooth_densities(*places, seen, weights, prior, reach, *found)
    for plane, expected in zip(found, smooth_twin(regions, seen, weights, prior, reach), strict=True):
        assert np.allclose(plane, expected, atol=2e-3)


def donor_twin(regions, index, states):
    part = slice(regions.starts[index], regions.starts[index + 1])
    rows, cols = regions.rows[part], regions.cols[part]
    for further in (1, 2, 3):
        for down, across in kernels.DONOR_DIRECTIONS:
            at_rows = rows + down * (np.ptp(rows) + further * kernels.DONOR_GAP_PX)
            at_cols = cols + across * (np.ptp(cols) + further * kernels.DONOR_GAP_PX)
            fits = min(at_rows.min(), at_cols.min()) >= 2
            fits &= at_rows.max() < SHAPE[0] - 2 and at_cols.max() < SHAPE[1] - 2
            if fits and (states[at_rows, at_cols] == kernels.FREE).all():
                return at_rows, at_cols
    return None


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_grain_is_borrowed_from_the_nearest_free_film_and_bounded(seed):
    rng = np.random.default_rng(seed)
    rgb, regions, states = random_regions(rng)
    lost = rng.uniform(0, 1, len(regions.rows)).astype(np.float32)
    most = rng.uniform(0.05, 0.3, (len(regions), 3)).astype(np.float32)
    added = np.full((len(lost), 3), np.nan, np.float32)
    kernels.borrow_grain(rgb, states, DISPLAY, regions.starts, regions.rows, regions.cols, lost, most, added)
    value = np.stack([DISPLAY[c][rgb[..., c]] for c in range(3)], -1).astype(np.float64)
    detail = value - ndimage.uniform_filter(value, (5, 5, 0))
    for index in range(len(regions)):
        part = slice(regions.starts[index], regions.starts[index + 1])
        place = donor_twin(regions, index, states)
        if place is None:
            assert not added[part].any()
        else:
            expected = lost[part, None] * np.clip(detail[place], -most[index], most[index])
            assert np.allclose(added[part], expected, atol=1e-5)


def spotted(through):
    """A smooth slide with spots that let a part of red, green and blue through, and where they are."""
    frame = simulated("clear_slide", "smooth_sky", (240, 360), 5, damage=Damage(0, 0, 0, 0, 0))
    row, col = np.mgrid[:240, :360]
    spots = (row % 60 - 30) ** 2 + (col % 60 - 30) ** 2 <= 25
    rgb = np.where(spots[..., None], np.rint(frame.rgb * np.array(through)), frame.rgb).astype(np.uint16)
    return rgb, spots


@compiled
@pytest.mark.parametrize(
    ("through", "healed_share"),
    [((0.7, 0.7, 0.7), 1.0), ((0.72, 0.7, 0.66), 1.0), ((0.5, 0.85, 0.95), 0.0), ((1.0, 1.0, 0.6), 0.0)],
    ids=["grey", "a little brown", "red takes most", "a yellow spot"],
)
def test_grey_spots_are_dust_and_coloured_ones_belong_to_the_picture_unless_the_detector_is_sure(through, healed_share):
    rgb, spots = spotted(through)
    regions = connected_regions(spots.astype(np.uint8) * 2)
    for probability, expected in ((190, healed_share), (255, 1.0)):
        sure = np.where(spots, probability, 0).astype(np.uint8)
        result = heal_by_colours(rgb, regions, sure, colour_photometry(measure_colours(rgb)))
        assert (len(regions) - result.left) / len(regions) == pytest.approx(expected, abs=0.1)


@compiled
def test_a_brown_hair_on_smooth_film_leaves_no_tint():
    rng = np.random.default_rng(3)
    sky = np.array([18_000.0, 42_000.0, 44_000.0])
    clean = sky * rng.normal(1, 0.05, (120, 160, 3))
    hair = np.zeros((120, 160), np.bool_)
    hair[58:63, 30:130] = True
    rgb = np.where(hair[..., None], clean * np.exp(-np.array([1.9, 2.0, 2.2])), clean).astype(np.uint16)
    rgb[:10] = 50_000
    regions = connected_regions(hair.astype(np.uint8) * 2)
    result = heal_by_colours(
        rgb, regions, np.where(hair, 255, 0).astype(np.uint8), colour_photometry(measure_colours(rgb))
    )
    assert result.mask[hair].mean() > 0.9
    assert result.rgb[hair].mean(0) == pytest.approx(sky, rel=0.03)


@compiled
def test_white_specks_on_a_red_picture_become_red():
    """On an inverted negative dust is white: nothing is left of the red below it to divide."""
    _, spots = spotted((1.0, 1.0, 1.0))
    red = np.array([38_000.0, 9_000.0, 6_000.0])
    grain = np.random.default_rng(1).normal(1, 0.03, (*spots.shape, 1))
    rgb = np.where(spots[..., None], 62_000, np.rint(red * grain)).astype(np.uint16)
    # A white corner: without it the specks would be the white.
    rgb[:20] = 64_000
    spots[:20] = False
    regions = connected_regions(spots.astype(np.uint8) * 2)
    sure = np.where(spots, 255, 0).astype(np.uint8)
    result = heal_by_colours(rgb, regions, sure, colour_photometry(measure_colours(rgb)))
    assert result.rgb[spots].mean(0) == pytest.approx(red, rel=0.08)
    assert np.std(result.rgb[spots] / red, axis=0).max() < 0.13
