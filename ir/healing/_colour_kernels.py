"""Sums around and within defects that only the colours show; regions are independent of one another."""

from __future__ import annotations

import numpy as np
from numba import prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel
from filmscand.ir.healing._healing_kernels import DEFECT, FREE

# Distance up to which a defect's surroundings are measured.
AROUND_PX = 8
# Distance at which grain is independent.
GRAIN_PX = 2
# Standard deviation of a Gaussian over its mean absolute value.
DEVIATION = np.float32(1.2533)
# Fewest free pixels from which detail is measured.
FEWEST_AROUND = 24
# Largest depth of a pixel in a defect that is told apart.
DEEPEST_PX = 5
# Gap between a defect and the film that its grain is borrowed from; twice and three times as far come next.
DONOR_GAP_PX = 6
# Directions, as (rows, columns), in which such film is sought.
DONOR_DIRECTIONS = np.array([(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)], np.int64)


@parallel_kernel
def measure_depths(states, rows, cols, depths):
    """Write the steps (along rows and columns) from each defect pixel to the nearest sound one, at most DEEPEST_PX."""
    height, width = states.shape
    for index in prange(rows.shape[0]):
        row, col = rows[index], cols[index]
        depth = DEEPEST_PX
        for down in range(-DEEPEST_PX + 1, DEEPEST_PX):
            near_row = row + down
            if near_row < 0 or near_row >= height:
                continue
            reach = DEEPEST_PX - 1 - abs(down)
            for across in range(-reach, reach + 1):
                near_col = col + across
                if near_col < 0 or near_col >= width:
                    continue
                if states[near_row, near_col] != DEFECT:
                    depth = min(depth, abs(down) + abs(across))
        depths[index] = depth


@inner_kernel
def _detail(rgb, states, display, row, col, detail):
    """Write a free pixel's relative difference from the four around it; return False unless all five are free."""
    height, width = states.shape
    if row < GRAIN_PX or col < GRAIN_PX or row >= height - GRAIN_PX or col >= width - GRAIN_PX:
        return False
    if states[row, col] != FREE or states[row - GRAIN_PX, col] != FREE or states[row + GRAIN_PX, col] != FREE:
        return False
    if states[row, col - GRAIN_PX] != FREE or states[row, col + GRAIN_PX] != FREE:
        return False
    for channel in range(3):
        around = display[channel, rgb[row - GRAIN_PX, col, channel]]
        around += display[channel, rgb[row + GRAIN_PX, col, channel]]
        around += display[channel, rgb[row, col - GRAIN_PX, channel]]
        around += display[channel, rgb[row, col + GRAIN_PX, channel]]
        detail[channel] = np.float32(4) * display[channel, rgb[row, col, channel]] / around - np.float32(1)
    return True


@inner_kernel
def _bounds(rows, cols, first, last):
    top, bottom = rows[first], rows[first]
    left, right = cols[first], cols[first]
    for index in range(first, last):
        top, bottom = min(top, rows[index]), max(bottom, rows[index])
        left, right = min(left, cols[index]), max(right, cols[index])
    return top, bottom, left, right


@parallel_kernel
def measure_grain(rgb, states, display, starts, rows, cols, usual, grain):
    """Write the deviation of detail around each region: red, green, blue, and common to the three; (regions, 4).

    As a part of the value. `usual` stands where too little film around is free.
    """
    height, width = states.shape
    for region in prange(starts.shape[0] - 1):
        top, bottom, left, right = _bounds(rows, cols, starts[region], starts[region + 1])
        detail = np.zeros(3, np.float32)
        sums = np.zeros(4, np.float32)
        count = 0
        for row in range(max(top - AROUND_PX, 0), min(bottom + AROUND_PX + 1, height)):
            for col in range(max(left - AROUND_PX, 0), min(right + AROUND_PX + 1, width)):
                if not _detail(rgb, states, display, row, col, detail):
                    continue
                for channel in range(3):
                    sums[channel] += abs(detail[channel])
                sums[3] += abs(detail[0] + detail[1] + detail[2]) / np.float32(3)
                count += 1
        for column in range(4):
            grain[region, column] = DEVIATION * sums[column] / np.float32(count) if count >= FEWEST_AROUND else usual


@parallel_kernel
def measure_range(rgb, states, display, starts, rows, cols, lowest, highest):
    """Write the lowest and highest display value of the free film around each region, (regions, 3), over 2 by 2 pixels.

    0 and infinity where no film around is free.
    """
    height, width = states.shape
    for region in prange(starts.shape[0] - 1):
        top, bottom, left, right = _bounds(rows, cols, starts[region], starts[region + 1])
        for channel in range(3):
            lowest[region, channel], highest[region, channel] = np.float32(np.inf), np.float32(0)
        for row in range(max(top - AROUND_PX, 0), min(bottom + AROUND_PX, height - 1)):
            for col in range(max(left - AROUND_PX, 0), min(right + AROUND_PX, width - 1)):
                if states[row, col] != FREE or states[row + 1, col] != FREE:
                    continue
                if states[row, col + 1] != FREE or states[row + 1, col + 1] != FREE:
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


@parallel_kernel
def smooth_densities(starts, rows, cols, measured, weights, prior, reach, smooth, kept, noise):
    """Fit each region's profile to the densities around each pixel; keep the differences that exceed the noise.

    smooth = h p + k (d - h p): a local Wiener filter (Lee 1980, doi:10.1109/TPAMI.1980.4766994) about a profile p of
    height h instead of a mean, with k = own / (own + noise). measured: (pixels, 3) density d as the fill tells it,
    profile p, and expected squared error; weights: (pixels,); prior: expected height, its weight, and the variation of
    defects about the profile as a part of their height; reach: half window; smooth: the result; kept: the factor k of
    each pixel; noise: squared error of `measured` as it turned out.
    """
    for region in prange(starts.shape[0] - 1):
        first, last = starts[region], starts[region + 1]
        top, bottom, left, right = _bounds(rows, cols, first, last)
        index_of = np.full((bottom - top + 1, right - left + 1), -1, np.int64)
        for index in range(first, last):
            index_of[rows[index] - top, cols[index] - left] = index
        for index in range(first, last):
            row, col = rows[index] - top, cols[index] - left
            product = power = square = total = 0.0
            prior_product = prior[1] * prior[0]
            for near_row in range(max(row - reach, 0), min(row + reach + 1, index_of.shape[0])):
                for near_col in range(max(col - reach, 0), min(col + reach + 1, index_of.shape[1])):
                    near = index_of[near_row, near_col]
                    if near < 0:
                        continue
                    weight = np.float64(weights[near])
                    product += weight * measured[near, 1] * measured[near, 0]
                    power += weight * measured[near, 1] * measured[near, 1]
                    square += weight * measured[near, 0] * measured[near, 0]
                    total += weight
            height = (product + prior_product) / (power + prior[1])
            variance = max(square - 2.0 * height * product + height * height * power, 0.0) / total
            # A variation beyond that of a defect of this height is the picture's: the fill is wrong there.
            excess = min(max(variance - measured[index, 2], 0.0), (prior[2] * height) ** 2)
            noise[index] = max(np.float64(measured[index, 2]), variance - excess)
            part = excess / (excess + noise[index] + 1e-12)
            fitted = height * measured[index, 1]
            most = 2.0 * prior[2] * abs(height)
            smooth[index] = fitted + part * min(max(measured[index, 0] - fitted, -most), most)
            kept[index] = part


@inner_kernel
def _donor_offset(states, rows, cols, first, last):
    """Return the offset to the nearest film that is free over a whole region; (0, 0) where there is none."""
    height, width = states.shape
    top, bottom, left, right = _bounds(rows, cols, first, last)
    for further in range(1, 4):
        for direction in range(DONOR_DIRECTIONS.shape[0]):
            down = DONOR_DIRECTIONS[direction, 0] * (bottom - top + further * DONOR_GAP_PX)
            across = DONOR_DIRECTIONS[direction, 1] * (right - left + further * DONOR_GAP_PX)
            if top + down < 2 or left + across < 2 or bottom + down >= height - 2 or right + across >= width - 2:
                continue
            free = True
            for index in range(first, last):
                if states[rows[index] + down, cols[index] + across] != FREE:
                    free = False
                    break
            if free:
                return down, across
    return 0, 0


@parallel_kernel
def borrow_grain(rgb, states, display, starts, rows, cols, lost, most, added):
    """Write the fine detail of film nearby for each filled pixel, in proportion to the grain that the fill lost.

    detail = display value - its mean over 5 by 5 pixels, at the donor's pixel. lost: (pixels,) lost part of the grain,
    0..1; most: (regions, 3) bound on the detail, so that edges of the picture are not borrowed; added: (pixels, 3)
    display values.
    """
    for region in prange(starts.shape[0] - 1):
        first, last = starts[region], starts[region + 1]
        down, across = _donor_offset(states, rows, cols, first, last)
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
