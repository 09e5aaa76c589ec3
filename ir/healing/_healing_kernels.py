"""Filling of sparse defect pixels, and the densities at them; every pixel is computed from untouched ones alone."""

from __future__ import annotations

import numpy as np
from numba import prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel
from filmscand.ir.leakage._residual_kernels import SEGMENT_PX

# The two sides of a gap.
SIDES = np.array([0, 1], np.int64)
# States of a pixel: free film, defect, and a defect's rim.
FREE, DEFECT, RIM = 0, 1, 2
# Directions of a fill, as steps of (rows, columns); each is followed both ways.
DIRECTIONS = np.array([(0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)], np.int32)
# Length of one step in each direction.
STEP_PX = np.hypot(DIRECTIONS[:, 0], DIRECTIONS[:, 1]).astype(np.float32)
# Farthest end of a gap, in rows or columns.
REACH_PX = 64
# Steps to that end in each direction.
LONGEST_STEPS = (REACH_PX // np.abs(DIRECTIONS).max(axis=1)).astype(np.int16)
# Pixels beyond an end that are averaged.
DEPTH = 2
# Inverse of the number of averaged pixels; 1 for none.
PARTS = np.array([1, *(1 / count for count in range(1, DEPTH + 1))], np.float32)
# Distance from an end at which pixels are read, in rows or columns.
END_PX = 4
# Longest gap, as a multiple of the shortest, that counts: directions along a hair tell less than those across it.
LONGEST_GAP = np.float32(3)
# Squared difference of display values that a single end is assumed to have from its missing opposite.
LONE_END = np.float32(0.01)
# Taps of the smoothing filter.
BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16


@parallel_kernel
def copy_rows(rgb, copy):
    """Copy a picture: two threads get its new pages from the system in half the time."""
    for row in prange(rgb.shape[0]):
        # Assigning a whole row would make numba compile its broadcasting and the texts of its errors: 6 s.
        for col in range(rgb.shape[1]):
            for channel in range(rgb.shape[2]):
                copy[row, col, channel] = rgb[row, col, channel]


@parallel_kernel
def mark_rims(states, rows, cols):
    """Mark the free neighbours of defects as rims: the defect's blurred light reaches them, so no fill uses them."""
    height, width = states.shape
    for index in prange(rows.shape[0]):
        row, col = rows[index], cols[index]
        for near_row in range(max(row - 1, 0), min(row + 2, height)):
            for near_col in range(max(col - 1, 0), min(col + 2, width)):
                if states[near_row, near_col] == FREE:
                    states[near_row, near_col] = RIM


@inner_kernel
def _walk(states, row, col, down, across, longest):
    """Return the steps to the first free pixel in a direction, or 0 where there is none within `longest`."""
    height, width = states.shape
    for step in range(1, longest + 1):
        row += down
        col += across
        if row < 0 or col < 0 or row >= height or col >= width:
            return 0
        if states[row, col] == FREE:
            return step
    return 0


@inner_kernel
def _end_profile(rgb, display, states, end, step, profiles, side):
    """Write the mean display values of up to DEPTH pixels from an end outwards, at five places across the direction.

    profiles: (2, 5, 3); one side of the gap is written.
    """
    height, width = states.shape
    row, col = end
    down, across = step
    sideways_row, sideways_col = -across, down
    if abs(down) == 2 or abs(across) == 2:
        sideways_row, sideways_col = (0, 1) if abs(down) == 2 else (1, 0)
    inside = row >= END_PX and col >= END_PX and row < height - END_PX and col < width - END_PX
    complete = True
    for place in range(5):
        red = green = blue = np.float32(0)
        count = 0
        for depth in range(DEPTH):
            at_row = row + depth * down + (place - 2) * sideways_row
            at_col = col + depth * across + (place - 2) * sideways_col
            if not inside and (at_row < 0 or at_col < 0 or at_row >= height or at_col >= width):
                continue
            # An unsigned index needs no check for counting from the end.
            near_row, near_col = np.uintp(at_row), np.uintp(at_col)
            if states[near_row, near_col] != FREE:
                continue
            red += display[0, rgb[near_row, near_col, 0]]
            green += display[1, rgb[near_row, near_col, 1]]
            blue += display[2, rgb[near_row, near_col, 2]]
            count += 1
        part = PARTS[count]
        profiles[side, place, 0] = red * part if count else np.float32(-1)
        profiles[side, place, 1] = green * part
        profiles[side, place, 2] = blue * part
        complete &= count > 0
    if complete:
        return
    for place in range(5):
        if profiles[side, place, 0] < 0:
            for channel in range(3):
                profiles[side, place, channel] = profiles[side, 2, channel]


@inner_kernel
def _compare(profiles, turned):
    """Return two profiles' mean squared difference, and the smaller variance: structure that both ends show.

    turned: whether the second profile runs in the opposite direction.
    """
    difference = np.float32(0)
    first_variance = np.float32(0)
    second_variance = np.float32(0)
    for channel in range(3):
        first_mean = second_mean = np.float32(0)
        for place in range(5):
            first_mean += profiles[0, place, channel]
            second_mean += profiles[1, 4 - place if turned else place, channel]
        first_mean *= np.float32(0.2)
        second_mean *= np.float32(0.2)
        for place in range(5):
            first = profiles[0, place, channel]
            second = profiles[1, 4 - place if turned else place, channel]
            difference += (first - second) ** 2
            first_variance += (first - first_mean) ** 2
            second_variance += (second - second_mean) ** 2
    return difference * np.float32(1 / 15.0), min(first_variance, second_variance) * np.float32(1 / 15.0)


@inner_kernel
def _grid_of(rows, cols):
    """Return the index of each pixel on a region's bounding box (-1 elsewhere), and the box's first row and column."""
    top, left = rows.min(), cols.min()
    grid = np.full((rows.max() - top + 1, cols.max() - left + 1), -1, np.int32)
    for index in range(rows.shape[0]):
        grid[rows[index] - top, cols[index] - left] = index
    return grid, top, left


@inner_kernel
def _find_gaps(states, rows, cols, gaps, steps):
    """Number the gaps that a region's pixels lie in, and write the steps to both ends; return the count.

    Pixels in line share a gap: only the first one looks for its ends. It looks twice as far as ends may lie, since they
    come nearer from pixel to pixel.
    """
    grid, top, left = _grid_of(rows, cols)
    count = 0
    for index in range(rows.shape[0]):
        for direction in range(DIRECTIONS.shape[0]):
            down, across = np.int64(DIRECTIONS[direction, 0]), np.int64(DIRECTIONS[direction, 1])
            row, col = rows[index] - top - down, cols[index] - left - across
            inside = row >= 0 and col >= 0 and col < grid.shape[1]
            before = grid[row, col] if inside else -1
            if before >= 0:
                gaps[index, direction] = gaps[before, direction]
                ahead, behind = steps[before, direction, 0], steps[before, direction, 1]
                steps[index, direction, 0] = ahead - 1 if ahead > 0 else 0
                steps[index, direction, 1] = behind + 1 if behind > 0 else 0
                continue
            longest = 2 * REACH_PX // max(abs(down), abs(across))
            gaps[index, direction] = count
            steps[index, direction, 0] = _walk(states, rows[index], cols[index], down, across, longest)
            steps[index, direction, 1] = _walk(states, rows[index], cols[index], -down, -across, longest)
            count += 1
    return count


@inner_kernel
def _measure_gap(rgb, display, states, pixel, direction, ends, profiles, records, gap):
    """Measure both ends of a gap: their difference, the structure that both show, and the middle value of each."""
    row, col = pixel
    # Of one type at both calls: else the profile of each end is compiled by itself.
    down, across = np.int64(DIRECTIONS[direction, 0]), np.int64(DIRECTIONS[direction, 1])
    first, second = SIDES[0], SIDES[1]
    ahead, behind = ends
    if ahead > 0:
        _end_profile(rgb, display, states, (row + ahead * down, col + ahead * across), (down, across), profiles, first)
    if behind > 0:
        end = (row - behind * down, col - behind * across)
        _end_profile(rgb, display, states, end, (-down, -across), profiles, second)
    for channel in range(3):
        records[gap, 2 + channel] = profiles[0, 2, channel]
        records[gap, 5 + channel] = profiles[1, 2, channel]
    if ahead > 0 and behind > 0:
        records[gap, 0], records[gap, 1] = _compare(profiles, abs(down) < 2 and abs(across) < 2)


@inner_kernel
def _reached(steps, index, direction):
    """Return the steps to both ends of a gap; 0 for an end out of reach."""
    longest = LONGEST_STEPS[direction]
    ahead, behind = steps[index, direction, 0], steps[index, direction, 1]
    return (ahead if ahead <= longest else 0), (behind if behind <= longest else 0)


@inner_kernel
def _gap_lengths(steps, index, lengths):
    """Write each direction's gap length in pixels, 0 without an end, doubled for a single end; return the shortest."""
    shortest = np.float32(np.inf)
    for direction in range(DIRECTIONS.shape[0]):
        ahead, behind = _reached(steps, index, direction)
        steps_between = ahead + behind if ahead > 0 and behind > 0 else 2 * max(ahead, behind)
        lengths[direction] = STEP_PX[direction] * np.float32(steps_between)
        if steps_between > 0:
            shortest = min(shortest, lengths[direction])
    return shortest


@inner_kernel
def _weigh(records, gap, ends, length, grain, estimates, direction):
    """Estimate a pixel from one gap; return the estimate's weight and the difference of the gap's ends.

    weight = (grain + common structure) / ((grain + difference) * length).
    """
    ahead, behind = ends
    if ahead == 0 or behind == 0:
        # One end alone is an extrapolation: it is trusted as little as two ends that differ widely.
        first = 2 if ahead > 0 else 5
        for channel in range(3):
            estimates[direction, channel] = records[gap, first + channel]
        return grain / ((grain + LONE_END) * length), LONE_END
    near = np.float32(behind) / np.float32(ahead + behind)
    for channel in range(3):
        estimates[direction, channel] = (
            near * records[gap, 2 + channel] + (np.float32(1) - near) * records[gap, 5 + channel]
        )
    return (grain + records[gap, 1]) / ((grain + records[gap, 0]) * length), records[gap, 0]


@inner_kernel
def _mix(weights, estimates, total, fill, error, index):
    """Write the weighted mean of the directions' estimates and their spread."""
    for channel in range(3):
        mean = spread = np.float32(0)
        for direction in range(DIRECTIONS.shape[0]):
            if weights[direction] > 0:
                mean += weights[direction] * estimates[direction, channel]
        mean /= total
        for direction in range(DIRECTIONS.shape[0]):
            if weights[direction] > 0:
                spread += weights[direction] * (estimates[direction, channel] - mean) ** 2
        fill[index, channel] = mean
        error[index, channel] = spread / total


@inner_kernel
def _fill_region(rgb, display, states, rows, cols, grain, fill, error, first):
    """Fill a region's pixels from both ends of eight directions; fill[:, 0] is -1 where no direction has an end.

    first: first pixel of the region in `fill` and `error`. Slices of these arrays, passed on for each pixel, would take
    more time than the work on them.
    """
    pixels, directions = rows.shape[0], DIRECTIONS.shape[0]
    gaps, steps = np.empty((pixels, directions), np.int32), np.empty((pixels, directions, 2), np.int16)
    count = _find_gaps(states, rows, cols, gaps, steps)
    records, is_measured = np.empty((count, 8), np.float32), np.zeros(count, np.uint8)
    profiles = np.zeros((2, 5, 3), np.float32)
    lengths, weights = np.empty(directions, np.float32), np.empty(directions, np.float32)
    estimates = np.empty((directions, 3), np.float32)
    for index in range(pixels):
        pixel = (np.int64(rows[index]), np.int64(cols[index]))
        shortest = _gap_lengths(steps, index, lengths)
        total = doubt = np.float32(0)
        for direction in range(directions):
            weights[direction] = np.float32(0)
            if lengths[direction] == 0 or lengths[direction] > LONGEST_GAP * shortest:
                continue
            gap = gaps[index, direction]
            if not is_measured[gap]:
                ends = (np.int64(steps[index, direction, 0]), np.int64(steps[index, direction, 1]))
                _measure_gap(rgb, display, states, pixel, direction, ends, profiles, records, gap)
                is_measured[gap] = 1
            reached = _reached(steps, index, direction)
            weights[direction], differs = _weigh(records, gap, reached, lengths[direction], grain, estimates, direction)
            doubt += weights[direction] * differs
            total += weights[direction]
        if total <= 0:
            fill[first + index, 0] = np.float32(-1)
            continue
        error[first + index, 3] = doubt / total
        _mix(weights, estimates, total, fill, error, first + index)


@parallel_kernel
def fill_pixels(rgb, display, states, starts, rows, cols, grain, fill, error):
    """Fill defect pixels, (pixels, 3) display values, region by region, each in reading order.

    error: (pixels, 4), spread of the directions by channel, and the disagreement of their ends.
    """
    for region in prange(starts.shape[0] - 1):
        first = starts[region]
        part = slice(first, starts[region + 1])
        _fill_region(rgb, display, states, rows[part], cols[part], grain, fill, error, first)


@inner_kernel
def _cubic(x):
    """Return Catmull and Rom's interpolation kernel at x."""
    x = abs(x)
    if x < 1:
        return (1.5 * x - 2.5) * x * x + 1.0
    if x < 2:
        return ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return 0.0


@inner_kernel
def _value_between(values, row, col, down, across):
    """Read a plane up to half a pixel below and right of a pixel, by cubic interpolation."""
    height, width = values.shape
    total = 0.0
    for near_row in range(-2, 3):
        weight = _cubic(near_row - down)
        if weight == 0.0:
            continue
        read_row = min(max(row + near_row, 0), height - 1)
        for near_col in range(-2, 3):
            read_col = min(max(col + near_col, 0), width - 1)
            total += weight * _cubic(near_col - across) * values[read_row, read_col]
    return total


@inner_kernel
def _binomial_inside(values, row, col, scale):
    """Smooth over 5 by 5 pixels, `scale` apart, well inside the frame."""
    total = np.float32(0)
    for down in range(5):
        at_row = row + scale * (down - 2)
        line = np.float32(values[at_row, col - 2 * scale]) + np.float32(values[at_row, col + 2 * scale])
        line += np.float32(4) * (np.float32(values[at_row, col - scale]) + np.float32(values[at_row, col + scale]))
        line += np.float32(6) * np.float32(values[at_row, col])
        total += BINOMIAL[down] * line
    return total * np.float32(1 / 16.0)


@inner_kernel
def _binomial_at(values, row, col, scale):
    height, width = values.shape
    total = np.float32(0)
    for place in range(25):
        at_row = min(max(row + scale * (place // 5 - 2), 0), height - 1)
        at_col = min(max(col + scale * (place % 5 - 2), 0), width - 1)
        total += BINOMIAL[place // 5] * BINOMIAL[place % 5] * np.float32(values[at_row, at_col])
    return total


@parallel_kernel
def densities_at(values, grades, fractions, block, base, rows, cols, out):
    """Write the density above the base at each pixel: plain, smoothed over 5 by 5, and over 9 by 9 in steps of 2.

    fractions: see `Residual`; the plain density is read there.
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
        inside = row >= 4 and col >= 4 and row < height - 4 and col < width - 4
        for scale in range(1, 3):
            total = _binomial_inside(values, row, col, scale) if inside else _binomial_at(values, row, col, scale)
            out[index, scale] = level - total / np.float32(4096.0)
        if grades[row, col] & 128:
            for scale in range(3):
                out[index, scale] = min(out[index, scale], np.float32(0))
