"""Kernels for statistics of blocks of the residual, and of the similar blocks around each."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel
from filmscand.ir.leakage._residual_kernels import GRADE_BITS, NEPER

# Pixels that are read of each block.
SAMPLES = 32
# Distance of the two pixels that are subtracted from a pixel to leave fine detail; ridges of a fingerprint are wider.
FINE_PX = 3
# Standard deviation of a pixel over that of its difference to the mean of two others, for white noise.
FINE_PART = np.float32((2 / 3) ** 0.5)


def _sorting_network(count):
    """Return the pairs to compare and exchange that sort `count` values, a power of two.

    Batcher 1968, odd-even merge sort.
    """
    runs = [2**power for power in range(count.bit_length() - 1)]
    return np.array(
        [
            (place, place + step)
            for run in runs
            for step in (run // part for part in (2**power for power in range(run.bit_length())))
            for first in range(step % run, count - step, 2 * step)
            for place in range(first, first + step)
            if place // (2 * run) == (place + step) // (2 * run)
        ],
        np.int64,
    )


SORTING = _sorting_network(SAMPLES)


@inner_kernel
def _sort_columns(samples):
    """Sort each column of (SAMPLES, columns), all columns at once, so that the compiler vectorises the rows."""
    for pair in range(SORTING.shape[0]):
        upper, lower = samples[SORTING[pair, 0]], samples[SORTING[pair, 1]]
        for col in range(samples.shape[1]):
            least, most = min(upper[col], lower[col]), max(upper[col], lower[col])
            upper[col] = least
            lower[col] = most


@njit(cache=True)
def select(values, count, place):
    """Return the value that is at `place` when the first `count` values are sorted; they are reordered.

    Hoare's selection, 1961. numpy's partition and median give the same value; compiling them takes ten seconds.
    """
    low, high = 0, count - 1
    while low < high:
        pivot = values[place]
        left, right = low, high
        while left <= right:
            while values[left] < pivot:
                left += 1
            while pivot < values[right]:
                right -= 1
            if left <= right:
                values[left], values[right] = values[right], values[left]
                left += 1
                right -= 1
        if right < place:
            low = left
        if place < left:
            high = right
    return values[place]


@parallel_kernel
def block_statistics(values, grades, block, medians, spreads, fines, activity):
    """Compute statistics of each block from 32 samples: medians, spreads and fines in nepers, and median grade.

    spreads: 84 % quantile less median; fines: the same of each sample less the mean of the pixels FINE_PX to its left
    and right, scaled to the deviation of single pixels; activity: median grade.
    """
    rows, cols = values.shape
    for block_row in prange(medians.shape[0]):
        sample = np.empty((SAMPLES, medians.shape[1]), np.int16)
        fine = np.empty((SAMPLES, medians.shape[1]), np.float32)
        grade = np.empty((SAMPLES, medians.shape[1]), np.uint8)
        for index in range(SAMPLES):
            row = min(block_row * block + (index // 8) * block // 4, rows - 1)
            for block_col in range(medians.shape[1]):
                col = min(block_col * block + (index % 8) * block // 8 + (index // 8) % 2, cols - 1)
                sample[index, block_col] = values[row, col]
                left, right = max(col - FINE_PX, 0), min(col + FINE_PX, cols - 1)
                beside = np.float32(0.5) * (np.float32(values[row, left]) + np.float32(values[row, right]))
                fine[index, block_col] = FINE_PART * (np.float32(values[row, col]) - beside)
                grade[index, block_col] = grades[row, col] & GRADE_BITS
        _sort_columns(sample)
        _sort_columns(fine)
        _sort_columns(grade)
        for block_col in range(medians.shape[1]):
            middle = np.float32(0.5) * (np.float32(sample[15, block_col]) + np.float32(sample[16, block_col]))
            medians[block_row, block_col] = middle * NEPER
            spreads[block_row, block_col] = (np.float32(sample[27, block_col]) - middle) * NEPER
            fine_middle = np.float32(0.5) * (fine[15, block_col] + fine[16, block_col])
            fines[block_row, block_col] = (fine[27, block_col] - fine_middle) * NEPER
            activity[block_row, block_col] = grade[16, block_col]


@parallel_kernel
def combine_similar(grid, density, red, limits, reach, kind, out):
    """Combine the blocks around each block that may show the same object: maximum, minimum, mean or median.

    Two blocks are similar if their red differs by at most limits[0], or by at most limits[1] times their difference in
    density, which dust may cause. reach: largest distance along each axis, blocks; kind: 0 maximum, 1 minimum, 2 mean,
    3 median; grid: the values; out: the result.
    """
    rows, cols = grid.shape
    for row in prange(rows):
        found = np.empty((2 * reach + 1) ** 2, np.float32)
        for col in range(cols):
            count = 0
            for near_row in range(max(row - reach, 0), min(row + reach + 1, rows)):
                for near_col in range(max(col - reach, 0), min(col + reach + 1, cols)):
                    contrast = abs(red[near_row, near_col] - red[row, col])
                    change = abs(density[near_row, near_col] - density[row, col])
                    if contrast <= limits[0] or contrast <= limits[1] * change:
                        found[count] = grid[near_row, near_col]
                        count += 1
            out[row, col] = _combined(found, count, kind)


@inner_kernel
def _combined(found, count, kind):
    """Return the maximum, minimum, mean or median of the first `count` values, which are reordered."""
    if kind == 0 or kind == 1:
        extreme = found[0]
        for index in range(1, count):
            extreme = max(extreme, found[index]) if kind == 0 else min(extreme, found[index])
        return np.float32(extreme)
    if kind == 2:
        total = np.float32(0)
        for index in range(count):
            total += found[index]
        return np.float32(total / count)
    upper = select(found, count, count // 2)
    if count % 2:
        return upper
    return np.float32((upper + select(found, count, count // 2 - 1)) / 2)
