"""Tints of film without colour, on squares of 2 x 2 pixels: how much denser red and blue are than green."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel

# Side of a cell, in pixels.
CELL_PX = 16
# Squares on each side of a square over which its tint is averaged, and distance in squares over which contrast is
# taken.
REACH, FAR = 2, 3
HALO = REACH + FAR
# Grade from which a square has a tint even where the lack of one would mean nothing.
TINTED = 3
# Terms that a tint without dust may consist of (see `measure_terms`).
TERMS = 9
_CELL = CELL_PX // 2
_SIDE = np.float32(2 * REACH + 1)


@parallel_kernel
def measure_cells(rgb, tables, cells):
    """Write the mean density of each colour in the whole cells of a frame, over every second row and column."""
    for row in prange(cells.shape[0]):
        for col in range(cells.shape[1]):
            for channel in range(3):
                total = np.float32(0)
                for down in range(0, CELL_PX, 2):
                    for across in range(0, CELL_PX, 2):
                        total += tables[channel, rgb[row * CELL_PX + down, col * CELL_PX + across, channel]]
                cells[row, col, channel] = total / np.float32(_CELL * _CELL)


@parallel_kernel
def average_squares(rgb, tables, first, buffers):
    """Write the mean densities around the squares of some rows into buffers, from row `first` of squares on.

    buffers: two of (rows + 2 HALO, cols, 3) and one of (rows + 2 HALO, cols). Afterwards the first holds the mean of
    each colour and the last their sum; REACH rows at each end hold nothing of use.
    """
    halved, wide, totals = buffers
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
    # The halved frame is no longer needed: means over rows and columns take its place.
    for at in prange(REACH, halved.shape[0] - REACH):
        for col in range(cols):
            for channel in range(3):
                total = np.float32(0)
                for down in range(-REACH, REACH + 1):
                    total += wide[at + down, col, channel]
                halved[at, col, channel] = total / _SIDE
            totals[at, col] = halved[at, col, 0] + halved[at, col, 1] + halved[at, col, 2]


@parallel_kernel
def measure_terms(means, totals, base, first, height, measured):
    """Measure the terms of a tint without dust, on squares of some rows from row `first` of squares on.

    means, totals: as `average_squares` leaves them. base: (rows, cols, 3), the film's own tints and density in each
    cell. height: rows of squares of the whole frame. measured: (rows, cols, 2 + TERMS): the tints of red and blue less
    the film's, and the terms: density less the film's, its second derivative, its slope across (everywhere, growing
    across, and growing down) and down (likewise), and the square of its slope.
    """
    for at in prange(measured.shape[0]):
        row = first + at
        to_bottom = _from_middle(row, height)
        for col in range(measured.shape[1]):
            to_right = _from_middle(col, measured.shape[1])
            density, bend, across, down = _derivatives(totals, at + HALO, col)
            red, green, blue = means[at + HALO, col]
            square = measured[at, col]
            square[0] = red - green - _between(base, row, col, 0)
            square[1] = blue - green - _between(base, row, col, 1)
            square[2] = density - _between(base, row, col, 2)
            square[3] = bend
            square[4], square[5], square[6] = across, across * to_right, across * to_bottom
            square[7], square[8], square[9] = down, down * to_right, down * to_bottom
            square[10] = across * across + down * down


@parallel_kernel
def measure_tints(means, totals, base, coefficients, first, height, measured):
    """Measure tints without the scanner's share, on squares of some rows from row `first` of squares on.

    tint = (red or blue - green) - film's own tint - terms @ coefficients, with the terms of `measure_terms`. base:
    (rows, cols, 2), the film's own tints less the share of its density. coefficients: (2, TERMS), see
    `fit_scanner_tints`. measured: (rows, cols, 4): tints of red and blue, sum of the three densities, and its range
    around.
    """
    for at in prange(measured.shape[0]):
        row = first + at
        to_bottom = _from_middle(row, height)
        for col in range(measured.shape[1]):
            to_right = _from_middle(col, measured.shape[1])
            density, bend, across, down = _derivatives(totals, at + HALO, col)
            steep = across * across + down * down
            green = means[at + HALO, col, 1]
            for tint in range(2):
                weights = coefficients[tint]
                scanner = weights[0] * density + weights[1] * bend + weights[8] * steep
                scanner += across * (weights[2] + weights[3] * to_right + weights[4] * to_bottom)
                scanner += down * (weights[5] + weights[6] * to_right + weights[7] * to_bottom)
                film = _between(base, row, col, tint)
                measured[at, col, tint] = means[at + HALO, col, 2 * tint] - green - film - scanner
            measured[at, col, 2] = totals[at + HALO, col]
            measured[at, col, 3] = _range(totals, at + HALO, col)


@inner_kernel
def _from_middle(place, length):
    """Return where a square lies: -1 at the first side of the frame, 1 at the other."""
    return np.float32(2 * place + 1) / np.float32(length) - np.float32(1)


@inner_kernel
def _derivatives(totals, at, col):
    """Return the mean density of the colours at a square, its second derivative, and its slopes across and down."""
    left, right = totals[at, max(col - 1, 0)], totals[at, min(col + 1, totals.shape[1] - 1)]
    above, below, here = totals[at - 1, col], totals[at + 1, col], totals[at, col]
    bend = (left + right + above + below) / np.float32(3) - np.float32(4 / 3) * here
    half = np.float32(0.5 / 3)
    return here / np.float32(3), bend, half * (right - left), half * (below - above)


@inner_kernel
def _range(totals, at, col):
    lowest = highest = totals[at, col]
    for across in (-FAR, 0, FAR):
        column = min(max(col + across, 0), totals.shape[1] - 1)
        for down in (-FAR, 0, FAR):
            total = totals[at + down, column]
            lowest, highest = min(lowest, total), max(highest, total)
    return highest - lowest


@inner_kernel
def _between(base, row, col, plane):
    """Interpolate the cells' values at a square, linearly between their middles."""
    down = min(max((row + np.float32(0.5)) / _CELL - np.float32(0.5), np.float32(0)), np.float32(base.shape[0] - 1))
    across = min(max((col + np.float32(0.5)) / _CELL - np.float32(0.5), np.float32(0)), np.float32(base.shape[1] - 1))
    top, left = int(down), int(across)
    bottom, right = min(top + 1, base.shape[0] - 1), min(left + 1, base.shape[1] - 1)
    share = np.float32(across - left)
    upper = base[top, left, plane] + share * (base[top, right, plane] - base[top, left, plane])
    lower = base[bottom, left, plane] + share * (base[bottom, right, plane] - base[bottom, left, plane])
    return np.float32(upper + np.float32(down - top) * (lower - upper))


@inner_kernel
def class_of(measured, edges):
    """Return the class of a square by its density and the range around; edges: (2, classes - 1), ascending."""
    density, contrast = 0, 0
    for edge in range(edges.shape[1]):
        density += measured[2] > edges[0, edge]
        contrast += measured[3] > edges[1, edge]
    return density * (edges.shape[1] + 1) + contrast


@parallel_kernel
def classify(measured, edges, classes):
    """Write the class of each square."""
    for row in prange(measured.shape[0]):
        for col in range(measured.shape[1]):
            classes[row, col] = class_of(measured[row, col], edges)


@parallel_kernel
def grade_tints(measured, edges, noise, visible, steps, grades):
    """Write how many of `steps` (standard deviations of the noise, ascending) the larger tint of each square exceeds.

    noise: (classes, 2), deviation of both tints. visible: mean density below which only grades from TINTED on are
    known, mean density above which none is, and noise above which again only those are. The unknown grade is one more
    than the number of steps.
    """
    for row in prange(measured.shape[0]):
        for col in range(measured.shape[1]):
            deviations = noise[class_of(measured[row, col], edges)]
            beyond = max(abs(measured[row, col, 0]) / deviations[0], abs(measured[row, col, 1]) / deviations[1])
            grade = 0
            for step in steps:
                grade += beyond > step
            density = measured[row, col, 2] / np.float32(3)
            blind = density < visible[0] or max(deviations[0], deviations[1]) > visible[2]
            if (blind and grade < TINTED) or density > visible[1] or np.isinf(deviations[0]):
                grade = len(steps) + 1
            grades[row, col] = grade


@njit(cache=True)
def count_grades(grades, probability, limits, counts):
    """Count grades of squares whose first pixel lies below limits[0] (counts[0]) or reaches limits[1] (counts[1])."""
    for row in range(grades.shape[0]):
        for col in range(grades.shape[1]):
            level = probability[2 * row, 2 * col]
            if level < limits[0]:
                counts[0, grades[row, col]] += 1
            elif level >= limits[1]:
                counts[1, grades[row, col]] += 1


@parallel_kernel
def weigh_grades(grades, table, probability):
    """Replace each probability by the entry of `table` (grades, 256) for it and the grade of its square."""
    for row in prange(probability.shape[0]):
        # The last row or column of an odd number belongs to the square before it.
        square_row = min(row // 2, grades.shape[0] - 1)
        for col in range(probability.shape[1]):
            grade = grades[square_row, min(col // 2, grades.shape[1] - 1)]
            probability[row, col] = table[grade, probability[row, col]]
