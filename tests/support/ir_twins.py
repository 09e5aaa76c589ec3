"""Twins of the engine's kernels: slow, plain numpy and scipy, on the whole plane at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage

NEPER = 4096
CLIPPED = 128
BINOMIALS = {3: np.array([1, 2, 1]) / 4, 5: np.array([1, 4, 6, 4, 1]) / 16}
# Every second pixel of nine.
SPREAD_BINOMIAL = np.array([1, 0, 4, 0, 6, 0, 4, 0, 1]) / 16


class Leak(NamedTuple):
    """A leakage model: light of each count (3, 65536), channels that leak, and whether edge pixels are mixtures."""

    light: np.ndarray
    channels: int
    mixing: bool


class Place(NamedTuple):
    """Position of the infrared for each row and segment: whole pixels, taps (rows, segments, 2, n), and gain."""

    moves: np.ndarray
    taps: np.ndarray
    gains: np.ndarray
    segment_px: int


def leaked_light(rgb, leak):
    """Infrared light after the leakage, 1 at the centre of the fit."""
    red = rgb[..., 0]
    light = leak.light[0, red].astype(np.float64)
    if leak.mixing:
        low, high = (extreme(red, 5, mode="nearest") for extreme in (ndimage.minimum_filter, ndimage.maximum_filter))
        dark, bright = leak.light[0, low].astype(np.float64), leak.light[0, high].astype(np.float64)
        share = (red.astype(np.float64) - low) / np.maximum(high.astype(np.float64) - low, 1)
        light = dark * (1 - share) + bright * share
    if leak.channels == 3:
        light = light * leak.light[1, rgb[..., 1]] * leak.light[2, rgb[..., 2]]
    return light


def predictor(rgb, leak, place, *, rows_beyond):
    """Log of the leaked light, moved and blurred as the infrared shows it, with more rows at both ends of the frame."""
    rows, cols = rgb.shape[:2]
    radius = place.taps.shape[-1] // 2
    padded = np.pad(rgb, ((rows_beyond + radius + 4,) * 2, (0, 0), (0, 0)), mode="edge")
    light = leaked_light(padded, leak)[4:-4]
    light = np.pad(light, ((0, 0), (radius, radius)), mode="edge")
    seen = np.empty((rows + 2 * rows_beyond, cols))
    for row in range(len(seen)):
        for col in range(cols):
            down, across = place.taps[np.clip(row - rows_beyond, 0, rows - 1), col // place.segment_px]
            seen[row, col] = down @ light[row : row + 2 * radius + 1, col : col + 2 * radius + 1] @ across
    return np.log(seen)


def contrast(seen):
    """Mean over 3 by 3 of the absolute central differences; the first and last columns have none across."""
    padded = np.pad(seen, ((1, 1), (0, 0)), mode="edge")
    steps = np.abs(padded[2:] - padded[:-2]) / 2
    steps[:, 1:-1] += np.abs(seen[:, 2:] - seen[:, :-2]) / 2
    return ndimage.uniform_filter(steps, 3, mode="nearest")


def residual(rgb, infrared, log_infrared, leak, place):
    """Return ln infrared less the leaked picture (1/4096 neper, unrounded), and the picture's local contrast."""
    rows, cols = infrared.shape
    seen = predictor(rgb, leak, place, rows_beyond=2)
    segment = np.arange(cols) // place.segment_px
    source = np.clip(np.arange(rows)[:, None] + place.moves[:, segment, 0], 0, rows - 1)
    across = np.clip(np.arange(cols) + place.moves[:, segment, 1], 0, cols - 1)
    counts = infrared[source, across]
    values = (log_infrared[counts] - place.gains[:, segment] * seen[2:-2]) * NEPER
    return np.clip(values, -32767, 32767), contrast(seen)[2:-2], counts


def block_statistics(values, grades, block):
    """Statistics of 4 by 8 samples of each block.

    Median, 84 % quantile less median, the same of the finest detail, and upper median of the grades.
    """
    rows, cols = values.shape
    shape = (-(-rows // block), -(-cols // block))
    medians, spreads, fines, activity = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, int)
    beside = [np.take(values, np.clip(np.arange(cols) + step, 0, cols - 1), 1).astype(float) for step in (-3, 3)]
    detail = (2 / 3) ** 0.5 * (values - sum(beside) / 2)
    for row, col in np.ndindex(shape):
        line = np.arange(4)
        at_rows = np.minimum(row * block + line * block // 4, rows - 1)[:, None]
        at_cols = np.minimum(col * block + (np.arange(8) * block // 8)[None] + (line % 2)[:, None], cols - 1)
        sample = np.sort(values[at_rows, at_cols].ravel())
        medians[row, col] = np.median(sample) / NEPER
        spreads[row, col] = (sample[27] - np.median(sample)) / NEPER
        fine = np.sort(detail[at_rows, at_cols].ravel())
        fines[row, col] = (fine[27] - np.median(fine)) / NEPER
        activity[row, col] = np.sort((grades[at_rows, at_cols] & 15).ravel())[16]
    return medians, spreads, fines, activity


def laid_out(grid, block, shape):
    """A grid of block centres, interpolated bilinearly to every pixel."""
    at = [(np.arange(size) + 0.5) / block - 0.5 for size in shape]
    return ndimage.map_coordinates(grid.astype(float), np.meshgrid(*at, indexing="ij"), order=1, mode="nearest")


def combine_similar(grid, density, red, limits, reach, combine):
    """Combine the similar blocks around each: little difference in red, or one that dust of their density explains."""
    out = np.empty(grid.shape)
    for row, col in np.ndindex(grid.shape):
        around = (slice(max(row - reach, 0), row + reach + 1), slice(max(col - reach, 0), col + reach + 1))
        contrast, change = np.abs(red[around] - red[row, col]), np.abs(density[around] - density[row, col])
        out[row, col] = combine(grid[around][(contrast <= limits[0]) | (contrast <= limits[1] * change)])
    return out


def density(values, grades, base, block):
    """Density above the base, nepers: plain, smoothed over 3 by 3 and over 5 by 5."""
    plain = laid_out(base, block, values.shape) - values / NEPER
    plain = np.where(grades & CLIPPED, np.minimum(plain, 0), plain)
    three, five = (
        ndimage.correlate1d(ndimage.correlate1d(plain, taps, 0, mode="nearest"), taps, 1, mode="nearest")
        for taps in BINOMIALS.values()
    )
    return plain, three, five


def densities_at(values, grades, base, block, rows, cols):
    """Density above the base at the given pixels: plain, over 5 by 5, and over every second pixel of 9 by 9."""
    level = laid_out(base, block, values.shape)
    counts = values.astype(float)
    smoothed = [
        ndimage.correlate1d(ndimage.correlate1d(counts, taps, 0, mode="nearest"), taps, 1, mode="nearest")
        for taps in (BINOMIALS[5], SPREAD_BINOMIAL)
    ]
    found = np.stack([level - plane / NEPER for plane in (counts, *smoothed)], axis=-1)[rows, cols]
    clipped = (grades[rows, cols] & CLIPPED) > 0
    return np.where(clipped[:, None], np.minimum(found, 0), found)


def regions(classes, smallest_px):
    """Labels of the 8-connected regions that hold a seed (class 2) or eighty faint ones (class 3).

    In reading order of their first pixels.
    """
    labels, count = ndimage.label(classes > 0, structure=np.ones((3, 3)))
    kept = np.zeros(classes.shape, int)
    number = 0
    for label in range(1, count + 1):
        members = labels == label
        if members.sum() >= smallest_px and ((classes[members] == 2).any() or (classes[members] == 3).sum() >= 80):
            number += 1
            kept[members] = number
    return kept


class FillRules(NamedTuple):
    """Variance of grain, reach, longest gap over the shortest one, and the doubt of a direction with one end only."""

    grain: float
    reach_px: int
    longest_gap: float
    lone_end: float


def fill_by_eyes(display, marks, at, rules):
    """Fill one pixel of a picture in display values from both ends of eight directions; None without any end.

    Returns the fill (3,), the directions' spread (3,) and their doubt.
    """
    free = marks == 0
    guesses = [
        guess
        for step in ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1))
        if (guess := _guess_along(display, free, np.array(at), np.array(step), rules)) is not None
    ]
    if not guesses:
        return None
    values, weights, doubts, gaps = (np.array(part) for part in zip(*guesses, strict=True))
    weights = np.where(gaps <= rules.longest_gap * gaps.min() * (1 + 1e-6), weights / gaps, 0)
    weights = weights / weights.sum()
    fill = weights @ values
    return fill, weights @ np.square(values - fill), weights @ doubts


def _guess_along(display, free, at, step, rules):
    """Value, weight, doubt and gap of one direction."""
    ahead, behind = (_first_free(free, at, sign * step, rules.reach_px) for sign in (1, -1))
    length = np.hypot(*step)
    if ahead is None and behind is None:
        return None
    if ahead is None or behind is None:
        steps, sign = (ahead, 1) if behind is None else (behind, -1)
        profile = _profile(display, free, at + sign * steps * step, sign * step, _sideways(step))
        return profile[2], rules.grain / (rules.grain + rules.lone_end), rules.lone_end, 2 * length * steps
    first = _profile(display, free, at + ahead * step, step, _sideways(step))
    second = _profile(display, free, at - behind * step, -step, _sideways(step))
    value = (behind * first[2] + ahead * second[2]) / (ahead + behind)
    difference = np.square(first - second).mean()
    structure = min(profile.var(axis=0).mean() for profile in (first, second))
    weight = (rules.grain + structure) / (rules.grain + difference)
    return value, weight, difference, length * (ahead + behind)


def _sideways(step):
    """The step across a direction: at right angles, or along the shorter axis of a knight's move."""
    if max(abs(step)) == 2:
        return np.array([0, 1]) if abs(step[0]) == 2 else np.array([1, 0])
    return np.array([-step[1], step[0]])


def _first_free(free, at, step, reach_px):
    for count in range(1, reach_px // max(abs(step)) + 1):
        row, col = at + count * step
        if not (0 <= row < free.shape[0] and 0 <= col < free.shape[1]):
            return None
        if free[row, col]:
            return count
    return None


def _profile(display, free, end, outwards, sideways):
    """Means of two pixels outwards from an end, at five places across; a place without any takes the middle one's."""
    profile = np.full((5, 3), np.nan)
    for place in range(5):
        spots = [tuple(end + depth * outwards + (place - 2) * sideways) for depth in range(2)]
        seen = [
            display[spot]
            for spot in spots
            if 0 <= spot[0] < free.shape[0] and 0 <= spot[1] < free.shape[1] and free[spot]
        ]
        if seen:
            profile[place] = np.mean(seen, axis=0)
    return np.where(np.isnan(profile), profile[2], profile)


def without_stray(density, stray, deepest):
    """Density of a defect, from a measured density that includes stray light."""
    return -np.log(np.maximum((np.exp(-density) - stray) / (1 - stray), np.exp(-deepest)))


def kept_detail(starts, density, noise):
    """Part of the detail of each region that is not white noise, and the part of the noise that is left.

    Detail is what smoothing over 5 by 5 removes; the second value is a part of the noise's standard deviation.
    """
    smoothing = np.outer(BINOMIALS[5], BINOMIALS[5])
    left = np.square(smoothing).sum()
    away = 1 - 2 * smoothing.max() + left
    square = np.add.reduceat(np.square(density[:, 0] - density[:, 1]), starts[:-1])
    taken = away * noise**2 * np.diff(starts)
    kept = np.maximum(square - taken, 0) / (square + 1e-3 * taken + 1e-12)
    return kept, np.sqrt(kept**2 + (1 - kept**2) * left)


def shape(starts, density, noise, optics):
    """Density without noise and stray light and with detail at two scales, and the factor on its noise.

    optics: stray light, sharpness at two scales, gain and the deepest density.
    """
    stray, sharpness, gain, deepest = optics
    kept, left = kept_detail(starts, density, noise)
    quiet = density[:, 1] + np.repeat(kept, np.diff(starts)) * (density[:, 0] - density[:, 1])
    plain = without_stray(quiet, stray, deepest)
    small, wide = without_stray(density[:, 1:], stray, deepest).T
    detailed = plain + sharpness[0] * (plain - small) + sharpness[1] * (plain - wide)
    return gain * np.maximum(detailed, 0), gain * (1 + sum(sharpness)) * left


def bright_pixels(ratio, variance, sure):
    """Pixels that are certainly brighter than their fill in one colour and darker in none."""
    z = ratio / np.sqrt(variance)
    return (z < -sure).any(axis=1) & ~(z > 1).any(axis=1)


def other_pixels(owners, shape, ratio, variance, limits):
    """Pixels that are certainly darker than their fill in one colour and brighter in none, or very dense ones.

    Very dense: beyond a multiple of the mean density of the bright pixels of their region, if it has any.
    """
    sure, dense = limits
    bright = bright_pixels(ratio, variance, sure)
    lights = np.bincount(owners, bright)
    limit = np.where(lights > 0, dense * np.bincount(owners, shape * bright) / np.maximum(lights, 1), np.inf)
    return bright_pixels(-ratio, variance, sure) | (shape > limit[owners])


def change_sums(owners, at, densities, infrared, step_px):
    """Sums for each region over the changes along rows and columns, across two steps.

    Squares of the infrared's changes, their products with the changes of the picture's densities, squares of the
    latter, and the number of changes.
    """
    sums = np.zeros((owners.max() + 1, 8))
    for owner, place in zip(owners, at, strict=True):
        for step in ((0, step_px), (step_px, 0)):
            ends = [tuple(np.clip(place + sign * np.array(step), 0, np.array(infrared.shape) - 1)) for sign in (-1, 1)]
            change = infrared[ends[0]] - infrared[ends[1]]
            taken = densities[ends[0]] - densities[ends[1]]
            sums[owner] += [change**2, *(change * taken), *(taken**2), 1]
    return sums


def slope_sums(starts, shape, ratio, variance, counted, usual_misfit):
    """Sums for each region: weighted powers (3) and products (3) of the channels, and the power of the shape."""
    square = np.square(shape)[:, None]
    weight = 1 / (variance + usual_misfit**2 * square + 1e-4)
    columns = np.concatenate([weight * square, weight * shape[:, None] * ratio, square], axis=1)
    return np.add.reduceat(columns * counted[:, None], starts[:-1])


def check_sums(starts, shape, ratio, variance, counted, exponents):
    """Sums for each region: misfit beyond the error, power, error."""
    owners = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    taken = exponents[owners] * shape[:, None]
    columns = [
        (np.square(ratio - taken) - variance).mean(axis=1),
        np.square(taken).mean(axis=1),
        variance.mean(axis=1),
    ]
    return np.add.reduceat(np.stack(columns, axis=1) * counted[:, None], starts[:-1])


def blend(owners, shape, density, looks, fitted, constants):
    """Display values between division and fill, weighted by their errors; and the weight of division.

    looks: raw, fill, fill variance, noise, and what infrared tells: 0 a density, 1 nothing, 2 that dye is missing.
    """
    stray, noise, most, elsewhere, full_light = constants
    raw, fill, fill_variance, dark_noise, told = looks
    exponents, misfit, rough, deviations, bright = fitted
    taken = exponents[owners] * shape[:, None]
    divided = raw * np.exp(taken / 2.2)
    through = np.maximum(1 - stray * np.exp(np.maximum(density[:, :1], 0)), 0.05)
    let_through = np.exp(-np.maximum(taken, 0))
    shot = full_light / (let_through * raw**2.2 + 1e-6)
    lifted = (np.square(dark_noise) + shot) * np.square(1 - let_through)
    log_error = np.square(exponents[owners] * deviations[owners, None] / through)
    log_error += np.square(misfit[owners, None] * taken) + lifted
    log_error += np.square(exponents[owners] * elsewhere * (density[:, :1] - density[:, 1:2]))
    usual = np.stack([np.bincount(owners, channel) for channel in divided.T], 1) / np.bincount(owners)[:, None]
    error = log_error * np.square(np.maximum(divided, np.minimum(fill, usual[owners])) / 2.2)
    scratch = bright[owners, None]
    dark = ~scratch & (told[:, None] != 2)
    wrong = np.where(dark & (fill < raw), fill * np.log(fill / raw), 0)
    variance = rough[owners, None] * fill_variance + np.square(wrong)
    weight = np.where((told[:, None] > 0) | scratch & (fill > raw), 0, variance / (variance + error))
    blended = weight * divided + (1 - weight) * fill
    brightest = raw * np.exp(most * (shape[:, None] + 2 * noise) / 2.2)
    blended = np.where(dark, np.maximum(blended, raw), blended)
    return np.where(dark & (told[:, None] == 0), np.minimum(blended, brightest), blended), weight


def centred(values, weights):
    """Values of each tile less their weighted mean."""
    total = weights.sum(axis=1) + 1e-9
    return values - ((weights * values).sum(axis=1) / total).reshape(-1, *(1,) * (values.ndim - 1))


def tile_normals(target, design, weights):
    """Normal equations of each tile about its weighted means, the right side as last column."""
    rows = np.concatenate([design, target[..., None]], axis=-1)
    rows = np.stack([centred(column, weights) for column in np.moveaxis(rows, -1, 0)], axis=-1)
    return np.einsum("tpi,tpj,tp->tij", rows[..., :-1], rows, weights)
