"""Sums over the pixels of each candidate region; regions are independent of one another."""

from __future__ import annotations

import numpy as np
from numba import prange

from filmscand.ir.compiling import parallel_kernel
from filmscand.ir.decision._defect_kernels import CHANGE_PX

# Distances, in pixels, at which the surroundings are looked for, in eight directions each.
NEAR_PX, FAR_PX = 4, 8
_DIRECTIONS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
# Columns of the sums.
SUMS = 25


@parallel_kernel
def sum_regions(starts, rows, cols, rgb, tables, values, covered, sums):
    """Sum over each region the powers of edges, its densities, those of its surroundings, and its moments.

    tables: (3, 65536), density of each count; values: residual infrared, or zeros; covered: pixels of any region.
    sums: (regions, 25). From 0 on: 0 power of the infrared's changes; 1..3 their products with the changes of each
    colour; 4..6 power of these; 7..9 products of red and green, green and blue, blue and red; 10..12 densities; 13
    number of pixels around, 14..16 their densities, and 17..19 the squares; 20..24 moments of the place.
    """
    height, width = covered.shape
    for region in prange(starts.shape[0] - 1):
        total = sums[region]
        change = np.empty(3)
        for index in range(starts[region], starts[region + 1]):
            row, col = rows[index], cols[index]
            for axis in range(2):
                down, across = (0, CHANGE_PX) if axis == 0 else (CHANGE_PX, 0)
                row_0, row_1 = max(row - down, 0), min(row + down, height - 1)
                col_0, col_1 = max(col - across, 0), min(col + across, width - 1)
                seen = np.float64(values[row_1, col_1]) - np.float64(values[row_0, col_0])
                total[0] += seen * seen
                for channel in range(3):
                    table = tables[channel]
                    change[channel] = table[rgb[row_0, col_0, channel]] - table[rgb[row_1, col_1, channel]]
                for channel in range(3):
                    total[1 + channel] += seen * change[channel]
                    total[4 + channel] += change[channel] * change[channel]
                    total[7 + channel] += change[channel] * change[(channel + 1) % 3]
            for channel in range(3):
                total[10 + channel] += tables[channel, rgb[row, col, channel]]
            for far in range(2):
                distance = FAR_PX if far else NEAR_PX
                for down, across in _DIRECTIONS:
                    row_1, col_1 = row + down * distance, col + across * distance
                    if row_1 < 0 or col_1 < 0 or row_1 >= height or col_1 >= width or covered[row_1, col_1]:
                        continue
                    total[13] += 1.0
                    for channel in range(3):
                        around = tables[channel, rgb[row_1, col_1, channel]]
                        total[14 + channel] += around
                        total[17 + channel] += around * around
            total[20] += row
            total[21] += col
            total[22] += np.float64(row) * row
            total[23] += np.float64(col) * col
            total[24] += np.float64(row) * col
