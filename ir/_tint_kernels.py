"""Tints of a film without colour: how much denser in red and in blue than in green, on squares of 2 x 2 pixels."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

CELL_PX = 16
# A tint is averaged over so many squares on each side of a square, and contrast looked for so many away.
REACH, FAR = 2, 3
HALO = REACH + FAR
TINTED = 3
_CELL = CELL_PX // 2
_SIDE = np.float32(2 * REACH + 1)


@njit(parallel=True, cache=True)
def measure_cells(rgb, tables, cells):
    """Write the mean density of each colour on the whole cells of a frame, of every other row and column."""
    for row in prange(cells.shape[0]):
        for col in range(cells.shape[1]):
            for channel in range(3):
                total = np.float32(0)
                for down in range(0, CELL_PX, 2):
                    for across in range(0, CELL_PX, 2):
                        total += tables[channel, rgb[row * CELL_PX + down, col * CELL_PX + across, channel]]
                cells[row, col, channel] = total / np.float32(_CELL * _CELL)


@njit(parallel=True, cache=True)
def measure_tints(rgb, tables, base, first, buffers, found):
    """Measure the squares of some rows, from row `first` of squares on.

    base: (rows, cols, 2), the film's own tints at each cell. buffers: two of (rows + 2 HALO, cols, 3). found: (rows,
    cols, 4): red's and blue's tint less the film's, mean density, and its range around.
    """
    halved, wide = buffers
    rows, cols = rgb.shape[0] // 2, rgb.shape[1] // 2
    for at in prange(halved.shape[0]):
        row = 2 * min(max(first + at - HALO, 0), rows - 1)
        for col in range(cols):
            for channel in range(3):
                table = tables[channel]
                above = table[rgb[row, 2 * col, channel]] + table[rgb[row, 2 * col + 1, channel]]
                below = table[rgb[row + 1, 2 * col, channel]] + table[rgb[row + 1, 2 * col + 1, channel]]
                halved[at, col, channel] = np.float32(0.25) * (above + below)
    for at in prange(halved.shape[0]):
        for col in range(cols):
            for channel in range(3):
                total = np.float32(0)
                for across in range(-REACH, REACH + 1):
                    total += halved[at, min(max(col + across, 0), cols - 1), channel]
                wide[at, col, channel] = total / _SIDE
    # What was halved is no longer needed: means over rows, too, take its place.
    for at in prange(REACH, halved.shape[0] - REACH):
        for col in range(cols):
            for channel in range(3):
                total = np.float32(0)
                for down in range(-REACH, REACH + 1):
                    total += wide[at + down, col, channel]
                halved[at, col, channel] = total / _SIDE
    for at in prange(found.shape[0]):
        for col in range(cols):
            _look(halved, base, (first + at, at + HALO, col), found[at, col])


@njit(cache=True)
def _look(means, base, place, found):
    row, at, col = place
    red, green, blue = means[at, col]
    found[0] = red - green - _between(base, row, col, 0)
    found[1] = blue - green - _between(base, row, col, 1)
    found[2] = red + green + blue
    lowest, highest = found[2], found[2]
    for down in (-FAR, 0, FAR):
        for across in (-FAR, 0, FAR):
            red, green, blue = means[at + down, min(max(col + across, 0), means.shape[1] - 1)]
            lowest, highest = min(lowest, red + green + blue), max(highest, red + green + blue)
    found[3] = highest - lowest


@njit(cache=True)
def _between(base, row, col, tint):
    """Value of the cells at a square, linear between their middles."""
    down = min(max((row + np.float32(0.5)) / _CELL - np.float32(0.5), np.float32(0)), np.float32(base.shape[0] - 1))
    across = min(max((col + np.float32(0.5)) / _CELL - np.float32(0.5), np.float32(0)), np.float32(base.shape[1] - 1))
    top, left = int(down), int(across)
    bottom, right = min(top + 1, base.shape[0] - 1), min(left + 1, base.shape[1] - 1)
    share = np.float32(across - left)
    upper = base[top, left, tint] + share * (base[top, right, tint] - base[top, left, tint])
    lower = base[bottom, left, tint] + share * (base[bottom, right, tint] - base[bottom, left, tint])
    return np.float32(upper + np.float32(down - top) * (lower - upper))


@njit(cache=True)
def class_of(found, edges):
    """Return the class of a square by its density and the range around; edges: (2, classes - 1), ascending."""
    density, contrast = 0, 0
    for edge in range(edges.shape[1]):
        density += found[2] > edges[0, edge]
        contrast += found[3] > edges[1, edge]
    return density * (edges.shape[1] + 1) + contrast


@njit(parallel=True, cache=True)
def classify(found, edges, classes):
    """Write the class of each square."""
    for row in prange(found.shape[0]):
        for col in range(found.shape[1]):
            classes[row, col] = class_of(found[row, col], edges)


@njit(parallel=True, cache=True)
def grade_tints(found, edges, noise, seen, steps, grades):
    """Write how many of `steps` (deviations of the noise, ascending) the larger tint of each square exceeds.

    noise: (classes, 2), deviation of both tints. seen: mean densities below which only tints of the grade TINTED are
    seen, and above which none, and the noise over which, too, only those are. What is not seen, or of an unknown noise,
    has a grade of one more than the steps are.
    """
    for row in prange(found.shape[0]):
        for col in range(found.shape[1]):
            deviations = noise[class_of(found[row, col], edges)]
            beyond = max(abs(found[row, col, 0]) / deviations[0], abs(found[row, col, 1]) / deviations[1])
            grade = 0
            for step in steps:
                grade += beyond > step
            density = found[row, col, 2] / np.float32(3)
            blind = density < seen[0] or max(deviations[0], deviations[1]) > seen[2]
            if (blind and grade < TINTED) or density > seen[1] or np.isinf(deviations[0]):
                grade = len(steps) + 1
            grades[row, col] = grade


@njit(cache=True)
def count_grades(grades, probability, limits, counts):
    """Count squares of each grade whose first pixel has less than one limit, and at least the other: counts[0, 1]."""
    for row in range(grades.shape[0]):
        for col in range(grades.shape[1]):
            level = probability[2 * row, 2 * col]
            if level < limits[0]:
                counts[0, grades[row, col]] += 1
            elif level >= limits[1]:
                counts[1, grades[row, col]] += 1


@njit(parallel=True, cache=True)
def weigh_grades(grades, table, probability):
    """Replace each probability by what `table` (grades, 256) has for it and the grade of its square."""
    for row in prange(probability.shape[0]):
        # The last row and column of an odd number go with those before.
        square_row = min(row // 2, grades.shape[0] - 1)
        for col in range(probability.shape[1]):
            grade = grades[square_row, min(col // 2, grades.shape[1] - 1)]
            probability[row, col] = table[grade, probability[row, col]]
