"""Sums around and within defects that the colours alone tell of; regions are independent of one another."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from filmscand.ir.healing._healing_kernels import DEFECT, FREE

# How far around a defect its surroundings are findings at, and the distance at which grain no longer knows of itself.
AROUND_PX = 8
GRAIN_PX = 2
# Mean of |x| of a Gaussian, to its deviation.
DEVIATION = np.float32(1.2533)
FEWEST_AROUND = 24
DEEPEST_PX = 5
# Gap between a defect and the film that lends it grain, and steps of an eighth of a turn in which that is findings for.
DONOR_GAP_PX = 6
TURNS = np.array([(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)], np.int64)


@njit(parallel=True, cache=True)
def measure_depths(marks, rows, cols, depths):
    """Steps (along rows and columns) from each defect pixel to the nearest sound one, at most DEEPEST_PX."""
    height, width = marks.shape
    for index in prange(rows.shape[0]):
        row, col = rows[index], cols[index]
        depth = DEEPEST_PX
        for down in range(-DEEPEST_PX + 1, DEEPEST_PX):
            at_row = row + down
            if at_row < 0 or at_row >= height:
                continue
            reach = DEEPEST_PX - 1 - abs(down)
            for across in range(-reach, reach + 1):
                at_col = col + across
                if at_col < 0 or at_col >= width:
                    continue
                if marks[at_row, at_col] != DEFECT:
                    depth = min(depth, abs(down) + abs(across))
        depths[index] = depth


@njit(cache=True)
def _detail(rgb, marks, display, row, col, detail):
    """Difference of a free pixel to the four around it, as a part of its value; False where they are not all free."""
    height, width = marks.shape
    if row < GRAIN_PX or col < GRAIN_PX or row >= height - GRAIN_PX or col >= width - GRAIN_PX:
        return False
    if marks[row, col] != FREE or marks[row - GRAIN_PX, col] != FREE or marks[row + GRAIN_PX, col] != FREE:
        return False
    if marks[row, col - GRAIN_PX] != FREE or marks[row, col + GRAIN_PX] != FREE:
        return False
    for channel in range(3):
        around = display[channel, rgb[row - GRAIN_PX, col, channel]]
        around += display[channel, rgb[row + GRAIN_PX, col, channel]]
        around += display[channel, rgb[row, col - GRAIN_PX, channel]]
        around += display[channel, rgb[row, col + GRAIN_PX, channel]]
        detail[channel] = np.float32(4) * display[channel, rgb[row, col, channel]] / around - np.float32(1)
    return True


@njit(cache=True)
def _bounds(rows, cols, first, last):
    top, bottom = rows[first], rows[first]
    left, right = cols[first], cols[first]
    for index in range(first, last):
        top, bottom = min(top, rows[index]), max(bottom, rows[index])
        left, right = min(left, cols[index]), max(right, cols[index])
    return top, bottom, left, right


@njit(parallel=True, cache=True)
def measure_grain(rgb, marks, display, starts, rows, cols, usual, grain):
    """Deviation of detail around each region: red, green, blue, and what the three have in common; (regions, 4).

    As a part of the value. `usual` stands where there is nothing free around.
    """
    height, width = marks.shape
    for region in prange(starts.shape[0] - 1):
        top, bottom, left, right = _bounds(rows, cols, starts[region], starts[region + 1])
        detail = np.zeros(3, np.float32)
        sums = np.zeros(4, np.float32)
        count = 0
        for row in range(max(top - AROUND_PX, 0), min(bottom + AROUND_PX + 1, height)):
            for col in range(max(left - AROUND_PX, 0), min(right + AROUND_PX + 1, width)):
                if not _detail(rgb, marks, display, row, col, detail):
                    continue
                for channel in range(3):
                    sums[channel] += abs(detail[channel])
                sums[3] += abs(detail[0] + detail[1] + detail[2]) / np.float32(3)
                count += 1
        for column in range(4):
            grain[region, column] = DEVIATION * sums[column] / np.float32(count) if count >= FEWEST_AROUND else usual


@njit(parallel=True, cache=True)
def measure_range(rgb, marks, display, starts, rows, cols, lowest, highest):
    """Lowest and highest display values of the free film around each region, (regions, 3), over 2 by 2 pixels.

    0 and infinity where nothing around is free.
    """
    height, width = marks.shape
    for region in prange(starts.shape[0] - 1):
        top, bottom, left, right = _bounds(rows, cols, starts[region], starts[region + 1])
        for channel in range(3):
            lowest[region, channel], highest[region, channel] = np.float32(np.inf), np.float32(0)
        for row in range(max(top - AROUND_PX, 0), min(bottom + AROUND_PX, height - 1)):
            for col in range(max(left - AROUND_PX, 0), min(right + AROUND_PX, width - 1)):
                if marks[row, col] != FREE or marks[row + 1, col] != FREE:
                    continue
                if marks[row, col + 1] != FREE or marks[row + 1, col + 1] != FREE:
                    continue
                for channel in range(3):
                    value = display[channel, rgb[row, col, channel]] + display[channel, rgb[row + 1, col, channel]]
                    value += display[channel, rgb[row, col + 1, channel]]
                    value += display[channel, rgb[row + 1, col + 1, channel]]
                    lowest[region, channel] = min(lowest[region, channel], np.float32(0.25) * value)
                    highest[region, channel] = max(highest[region, channel], np.float32(0.25) * value)
        for channel in range(3):
            if lowest[region, channel] > highest[region, channel]:
                lowest[region, channel], highest[region, channel] = np.float32(0), np.float32(np.inf)


@njit(parallel=True, cache=True)
def smooth_densities(starts, rows, cols, seen, weights, prior, reach, smooth, kept, noise):
    """Fit each region's course to the densities about each pixel; keep of what differs only what exceeds the noise.

    A local Wiener filter (Lee 1980, doi:10.1109/TPAMI.1980.4766994) about a course instead of a mean.
    seen: (pixels, 3) density as the fill tells it, course, and expected squared error; weights: (pixels,); prior:
    height of the course that is expected, the weight of that, and how much defects vary about it as a part of their
    height; reach: half window; smooth: the result; kept: part of a pixel's own difference to the course that was kept;
    noise: squared error of `seen` as it turned out.
    """
    for region in prange(starts.shape[0] - 1):
        first, last = starts[region], starts[region + 1]
        top, bottom, left, right = _bounds(rows, cols, first, last)
        at = np.full((bottom - top + 1, right - left + 1), -1, np.int64)
        for index in range(first, last):
            at[rows[index] - top, cols[index] - left] = index
        for index in range(first, last):
            row, col = rows[index] - top, cols[index] - left
            product = power = square = total = 0.0
            drawn = prior[1] * prior[0]
            for near_row in range(max(row - reach, 0), min(row + reach + 1, at.shape[0])):
                for near_col in range(max(col - reach, 0), min(col + reach + 1, at.shape[1])):
                    near = at[near_row, near_col]
                    if near < 0:
                        continue
                    weight = np.float64(weights[near])
                    product += weight * seen[near, 1] * seen[near, 0]
                    power += weight * seen[near, 1] * seen[near, 1]
                    square += weight * seen[near, 0] * seen[near, 0]
                    total += weight
            height = (product + drawn) / (power + prior[1])
            variance = max(square - 2.0 * height * product + height * height * power, 0.0) / total
            # What varies more than a defect of that height does is the picture's: there the fill went wrong.
            own = min(max(variance - seen[index, 2], 0.0), (prior[2] * height) ** 2)
            noise[index] = max(np.float64(seen[index, 2]), variance - own)
            part = own / (own + noise[index] + 1e-12)
            course = height * seen[index, 1]
            most = 2.0 * prior[2] * abs(height)
            smooth[index] = course + part * min(max(seen[index, 0] - course, -most), most)
            kept[index] = part


@njit(cache=True)
def _donor_offset(marks, rows, cols, first, last):
    """Offset to the nearest film that is free for a whole region; (0, 0) where there is none."""
    height, width = marks.shape
    top, bottom, left, right = _bounds(rows, cols, first, last)
    for further in range(1, 4):
        for turn in range(TURNS.shape[0]):
            down = TURNS[turn, 0] * (bottom - top + further * DONOR_GAP_PX)
            across = TURNS[turn, 1] * (right - left + further * DONOR_GAP_PX)
            if top + down < 2 or left + across < 2 or bottom + down >= height - 2 or right + across >= width - 2:
                continue
            free = True
            for index in range(first, last):
                if marks[rows[index] + down, cols[index] + across] != FREE:
                    free = False
                    break
            if free:
                return down, across
    return 0, 0


@njit(parallel=True, cache=True)
def borrow_grain(rgb, marks, display, starts, rows, cols, lost, most, added):
    """Add the fine detail of film nearby to what was filled, as far as the filling lost it.

    lost: (pixels,) part that is missing, 0..1; most: (regions, 3) what no detail may exceed, so that the picture's own
    edges are not lent; added: (pixels, 3) display values.
    """
    for region in prange(starts.shape[0] - 1):
        first, last = starts[region], starts[region + 1]
        down, across = _donor_offset(marks, rows, cols, first, last)
        for index in range(first, last):
            for channel in range(3):
                added[index, channel] = np.float32(0)
            if down == 0 and across == 0:
                continue
            row, col = rows[index] + down, cols[index] + across
            for channel in range(3):
                around = np.float32(0)
                for near_row in range(row - 2, row + 3):
                    for near_col in range(col - 2, col + 3):
                        around += display[channel, rgb[near_row, near_col, channel]]
                value = display[channel, rgb[row, col, channel]] - around / np.float32(25)
                limit = most[region, channel]
                added[index, channel] = lost[index] * min(max(value, -limit), limit)
