"""Filling, dividing and blending of sparse defect pixels; every pixel is computed from untouched ones alone."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from ir._residual_kernels import SEGMENT_PX

FREE, DEFECT, RIM = 0, 1, 2
# Half directions, as steps of (rows, columns); each is followed both ways.
DIRECTIONS = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)], np.int32)
REACH_PX = 64
DEPTH = 2
# Directions along a hair tell less than those across it: gaps over this multiple of the shortest are left out.
LONGEST_GAP = np.float32(3)
# Squared difference of display values that a single end is taken to have from the other.
LONE_END = np.float32(0.01)
CHUNK = 256
BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16


@njit(parallel=True, cache=True)
def mark_rims(marks, rows, cols):
    """Mark the free neighbours of defects: blurred light of the defect reaches them, so that nothing is taken there."""
    height, width = marks.shape
    for index in prange(rows.shape[0]):
        row, col = rows[index], cols[index]
        for near_row in range(max(row - 1, 0), min(row + 2, height)):
            for near_col in range(max(col - 1, 0), min(col + 2, width)):
                if marks[near_row, near_col] == FREE:
                    marks[near_row, near_col] = RIM


@njit(cache=True)
def _walk(marks, row, col, down, across):
    """Steps to the first free pixel in a direction, or 0 when there is none in reach."""
    height, width = marks.shape
    longest = REACH_PX // max(abs(down), abs(across))
    for step in range(1, longest + 1):
        row += down
        col += across
        if row < 0 or col < 0 or row >= height or col >= width:
            return 0
        if marks[row, col] == FREE:
            return step
    return 0


@njit(cache=True)
def _end_profile(rgb, display, marks, end, step, profile):
    """Mean display values of up to DEPTH pixels from an end outwards, at five places across the direction."""
    height, width = marks.shape
    row, col = end
    down, across = step
    sideways_row, sideways_col = -across, down
    if abs(down) == 2 or abs(across) == 2:
        sideways_row, sideways_col = (0, 1) if abs(down) == 2 else (1, 0)
    for place in range(5):
        total_red = total_green = total_blue = np.float32(0)
        count = 0
        for depth in range(DEPTH):
            at_row = row + depth * down + (place - 2) * sideways_row
            at_col = col + depth * across + (place - 2) * sideways_col
            if at_row < 0 or at_col < 0 or at_row >= height or at_col >= width:
                continue
            if marks[at_row, at_col] != FREE:
                continue
            total_red += display[0, rgb[at_row, at_col, 0]]
            total_green += display[1, rgb[at_row, at_col, 1]]
            total_blue += display[2, rgb[at_row, at_col, 2]]
            count += 1
        if count == 0:
            profile[place, 0] = np.float32(-1)
        else:
            part = np.float32(1.0 / count)
            profile[place, 0] = total_red * part
            profile[place, 1] = total_green * part
            profile[place, 2] = total_blue * part
    for place in range(5):
        if profile[place, 0] < 0:
            for channel in range(3):
                profile[place, channel] = profile[2, channel]


@njit(cache=True)
def _compare(first, second):
    """Mean squared difference of two profiles, and the smaller of their variances: structure that both ends show."""
    difference = np.float32(0)
    first_variance = np.float32(0)
    second_variance = np.float32(0)
    for channel in range(3):
        first_mean = second_mean = np.float32(0)
        for place in range(5):
            first_mean += first[place, channel]
            second_mean += second[place, channel]
        first_mean *= np.float32(0.2)
        second_mean *= np.float32(0.2)
        for place in range(5):
            difference += (first[place, channel] - second[place, channel]) ** 2
            first_variance += (first[place, channel] - first_mean) ** 2
            second_variance += (second[place, channel] - second_mean) ** 2
    return difference * np.float32(1 / 15.0), min(first_variance, second_variance) * np.float32(1 / 15.0)


@njit(cache=True)
def _measure_gaps(marks, row, col, steps, gaps):
    """Steps to the free ends of the eight directions, and their gaps in pixels; a single end counts twice."""
    shortest = np.float32(np.inf)
    for index in range(DIRECTIONS.shape[0]):
        down, across = DIRECTIONS[index, 0], DIRECTIONS[index, 1]
        ahead = _walk(marks, row, col, down, across)
        behind = _walk(marks, row, col, -down, -across)
        steps[index, 0], steps[index, 1] = ahead, behind
        length = np.float32(np.sqrt(np.float32(down * down + across * across)))
        if ahead > 0 and behind > 0:
            gaps[index] = length * np.float32(ahead + behind)
        else:
            gaps[index] = length * np.float32(2 * max(ahead, behind))
        if gaps[index] > 0:
            shortest = min(shortest, gaps[index])
    return shortest


@njit(cache=True)
def _estimate(rgb, display, marks, at, direction, steps, profiles, estimate):
    """Estimate a pixel along one direction; return how much its ends differ and the structure that both show."""
    row, col = at
    down, across = direction
    ahead, behind = steps
    first, second = profiles
    if ahead > 0:
        _end_profile(rgb, display, marks, (row + ahead * down, col + ahead * across), (down, across), first)
    if behind > 0:
        _end_profile(rgb, display, marks, (row - behind * down, col - behind * across), (-down, -across), second)
    if ahead == 0 or behind == 0:
        # One end alone is an extrapolation: believed as little as two ends that differ widely.
        source = first if ahead > 0 else second
        for channel in range(3):
            estimate[channel] = source[2, channel]
        return LONE_END, np.float32(0)
    if abs(down) < 2 and abs(across) < 2:
        # The far profile runs the other way round.
        for place in range(2):
            for channel in range(3):
                kept = second[place, channel]
                second[place, channel] = second[4 - place, channel]
                second[4 - place, channel] = kept
    near = np.float32(behind) / np.float32(ahead + behind)
    for channel in range(3):
        estimate[channel] = near * first[2, channel] + (np.float32(1) - near) * second[2, channel]
    return _compare(first, second)


@njit(cache=True)
def _fill_pixel(rgb, display, marks, at, grain, scratch, fill, error):
    """Fill one pixel from both ends of eight directions; fill[0] is -1 where none has an end."""
    profiles, steps, gaps, estimates, weights = scratch
    shortest = _measure_gaps(marks, at[0], at[1], steps, gaps)
    total = np.float32(0)
    doubt = np.float32(0)
    for index in range(DIRECTIONS.shape[0]):
        weights[index] = np.float32(0)
        if gaps[index] == 0 or gaps[index] > LONGEST_GAP * shortest:
            continue
        direction = (DIRECTIONS[index, 0], DIRECTIONS[index, 1])
        ends = (steps[index, 0], steps[index, 1])
        difference, structure = _estimate(rgb, display, marks, at, direction, ends, profiles, estimates[index])
        weights[index] = (grain + structure) / ((grain + difference) * gaps[index])
        doubt += weights[index] * difference
        total += weights[index]
    if total <= 0:
        fill[0] = np.float32(-1)
        return
    error[3] = doubt / total
    for channel in range(3):
        mean = spread = np.float32(0)
        for index in range(DIRECTIONS.shape[0]):
            if weights[index] > 0:
                mean += weights[index] * estimates[index, channel]
        mean /= total
        for index in range(DIRECTIONS.shape[0]):
            if weights[index] > 0:
                spread += weights[index] * (estimates[index, channel] - mean) ** 2
        fill[channel] = mean
        error[channel] = spread / total


@njit(parallel=True, cache=True)
def fill_pixels(rgb, display, marks, rows, cols, grain, fill, error):
    """Fill (pixels, 3) display values; error (pixels, 4): spread of the directions by channel, and their doubt."""
    count = rows.shape[0]
    for chunk in prange((count + CHUNK - 1) // CHUNK):
        profiles = (np.empty((5, 3), np.float32), np.empty((5, 3), np.float32))
        steps = np.empty((8, 2), np.int64)
        gaps, weights = np.empty(8, np.float32), np.empty(8, np.float32)
        scratch = (profiles, steps, gaps, np.empty((8, 3), np.float32), weights)
        for index in range(chunk * CHUNK, min((chunk + 1) * CHUNK, count)):
            _fill_pixel(rgb, display, marks, (rows[index], cols[index]), grain, scratch, fill[index], error[index])


@njit(cache=True)
def _cubic(x):
    """Interpolation kernel of Catmull and Rom."""
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1.0
    if x < 2:
        return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return 0.0


@njit(cache=True)
def _value_between(values, row, col, down, across):
    """Read a plane up to half a pixel below and right of a pixel, by cubic interpolation."""
    height, width = values.shape
    total = 0.0
    for near_row in range(-2, 3):
        weight = _cubic(near_row - down)
        if weight == 0.0:
            continue
        at_row = min(max(row + near_row, 0), height - 1)
        for near_col in range(-2, 3):
            at_col = min(max(col + near_col, 0), width - 1)
            total += weight * _cubic(near_col - across) * values[at_row, at_col]
    return total


@njit(parallel=True, cache=True)
def densities_at(values, grades, fractions, block, base, rows, cols, out):
    """Density above the base at each pixel: plain, smoothed over 5 by 5, and over 9 by 9 (every second pixel).

    fractions: see Residual; the plain density is read there.
    """
    height, width = values.shape
    for index in prange(rows.shape[0]):
        row, col = rows[index], cols[index]
        row_at = min(max((row + 0.5) / block - 0.5, 0.0), base.shape[0] - 1.0)
        col_at = min(max((col + 0.5) / block - 0.5, 0.0), base.shape[1] - 1.0)
        top, left = int(row_at), int(col_at)
        below, right = min(top + 1, base.shape[0] - 1), min(left + 1, base.shape[1] - 1)
        down, across = row_at - top, col_at - left
        level = (1 - down) * ((1 - across) * base[top, left] + across * base[top, right])
        level += down * ((1 - across) * base[below, left] + across * base[below, right])
        value = np.float64(values[row, col])
        if fractions.shape[0] > 0:
            part = fractions[row, col // SEGMENT_PX]
            value = _value_between(values, row, col, part[0], part[1])
        out[index, 0] = level - value / 4096.0
        for scale in range(1, 3):
            total = np.float32(0)
            for place in range(25):
                at_row = min(max(row + scale * (place // 5 - 2), 0), height - 1)
                at_col = min(max(col + scale * (place % 5 - 2), 0), width - 1)
                total += BINOMIAL[place // 5] * BINOMIAL[place % 5] * values[at_row, at_col]
            out[index, scale] = level - total / np.float32(4096.0)
        if grades[row, col] & 128:
            for scale in range(3):
                out[index, scale] = min(out[index, scale], np.float32(0))
