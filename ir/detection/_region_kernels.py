"""Kernels that classify the pixels of the residual and find their connected regions."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel
from filmscand.ir.leakage._residual_kernels import CLIPPED, GRADE_BITS, NEPER

# Rows that one thread processes at a time.
BAND_ROWS = 64
# Binary logarithm of the side of a holder block, pixels.
HOLDER_SHIFT = 3

# Largest value of the infrared planes that a network sees, in deviations or nepers. Dust reaches 400 deviations, but 32
# are beyond doubt already, and it is as far as the 16 bits of training's sheets go. A network that had never seen more
# took the deepest specks for none: on a clean slide its mean probability was 0.04 on specks of 150 to 600 px.
VIEW_LIMIT = np.float32(32)

# Classes of pixels. Weak and faint pixels count where their region has a seed ...
NOTHING, WEAK, SEED, FAINT = 0, 1, 2, 3
# ... and this many faint pixels of one region count as a seed too.
FAINT_SEEDS = 80


@inner_kernel
def _interpolate_row(grid, row_at, col_index, col_part, line, out):
    """Interpolate one row of a grid of block centres bilinearly.

    row_at: row, in blocks; line: scratch, one value longer than a row of the grid.
    """
    top = min(max(int(np.floor(row_at)), 0), grid.shape[0] - 1)
    below = min(top + 1, grid.shape[0] - 1)
    part = np.float32(min(max(row_at - top, 0.0), 1.0))
    upper, lower = grid[top], grid[below]
    last = grid.shape[1] - 1
    for block in range(last + 1):
        line[block] = upper[block] + part * (lower[block] - upper[block])
    line[last + 1] = line[last]
    following = line[1:]
    for col in range(out.shape[0]):
        left = np.uint32(col_index[col])
        west = line[left]
        out[col] = west + col_part[col] * (following[left] - west)


@inner_kernel
def _density_row(values, grades, base, out):
    """Compute the density above clean film of one row, nepers; at most 0 where the infrared is clipped."""
    for col in range(out.shape[0]):
        density = base[col] - np.float32(values[col]) * NEPER
        out[col] = min(density, np.float32(0)) if grades[col] & CLIPPED else density


@inner_kernel
def _binomial_row(density, three, five):
    """Smooth a row with the binomials of 3 and 5; `density` has two more columns at both sides.

    Five views instead of five indices: the compiler vectorises the views.
    """
    a, b, c, d, e = density, density[1:], density[2:], density[3:], density[4:]
    for col in range(three.shape[0]):
        three[col] = (b[col] + c[col] + c[col] + d[col]) * np.float32(0.25)
        wide = a[col] + e[col] + np.float32(4) * (b[col] + d[col]) + np.float32(6) * c[col]
        five[col] = wide * np.float32(1 / 16.0)


@inner_kernel
def _classify_row(threes, fives, grades, local, limits, classes):
    """Classify the pixels of a row by the density smoothed over 3 by 3 and 5 by 5."""
    above, here, below = threes
    first, second, third, fourth, fifth = fives
    faint, small_seed, wide_seed = limits[0], limits[1], limits[2]
    for col in range(classes.shape[0]):
        small = (above[col] + here[col] + here[col] + below[col]) * np.float32(0.25)
        wide = first[col] + fifth[col] + np.float32(4) * (second[col] + fourth[col]) + np.float32(6) * third[col]
        wide *= np.float32(1 / 16.0)
        grade = grades[col] & GRADE_BITS
        factor = local[col]
        found = np.uint8(FAINT) if small > faint[grade] * factor else np.uint8(NOTHING)
        is_seed = (small > small_seed[grade] * factor) | (wide > wide_seed[grade] * factor)
        classes[col] = np.uint8(SEED) if is_seed else found


@parallel_kernel
def classify(values, grades, block, base, factor, columns, limits, holder, classes):
    """Classify each pixel by the density smoothed over 3 by 3 and 5 by 5.

    values, grades: of a `Residual`; block: side of a block, pixels; base, factor: grids of block centres; columns:
    (index, part) of each column in them (see `Base.columns`); limits: (3, 16), nepers for each grade without the local
    factor: weak over 3 by 3, seed over 3 by 3, seed over 5 by 5; holder: blocks without film; classes: the result.
    """
    rows, cols = values.shape
    col_index, col_part = columns
    bands = (rows + BAND_ROWS - 1) // BAND_ROWS
    for band in prange(bands):
        first = band * BAND_ROWS
        last = min(first + BAND_ROWS, rows)
        line = np.empty(base.shape[1] + 1, np.float32)
        base_row = np.empty(cols, np.float32)
        factor_row = np.empty(cols, np.float32)
        density = np.empty(cols + 4, np.float32)
        three = np.empty((5, cols), np.float32)
        five = np.empty((5, cols), np.float32)
        for ahead in range(first - 2, last + 2):
            row = min(max(ahead, 0), rows - 1)
            slot = (ahead - first + 2) % 5
            _interpolate_row(base, (row + 0.5) / block - 0.5, col_index, col_part, line, base_row)
            _density_row(values[row], grades[row], base_row, density[2 : cols + 2])
            density[:2], density[cols + 2 :] = density[2], density[cols + 1]
            _binomial_row(density, three[slot], five[slot])
            here = ahead - 2
            if here < first:
                continue
            a, b, c, d = (slot + 1) % 5, (slot + 2) % 5, (slot + 3) % 5, (slot + 4) % 5
            _interpolate_row(factor, (here + 0.5) / block - 0.5, col_index, col_part, line, factor_row)
            threes = (three[b], three[c], three[d])
            fives = (five[a], five[b], five[c], five[d], five[slot])
            _classify_row(threes, fives, grades[here], factor_row, limits, classes[here])
            for col in range(cols):
                if holder[here >> HOLDER_SHIFT, col >> HOLDER_SHIFT]:
                    classes[here, col] = NOTHING


@parallel_kernel
def view_planes(values, grades, grids, columns, deviation, gain, holder, corner, out):
    """Fill three planes of a part of the frame: density / deviation, density * gain, and 1 where infrared is valid.

    grids: (side of a block in pixels, base, local factor of the deviation); columns: see `classify`; deviation: (16,)
    for each grade, nepers; corner: first row and column of the part; out: (3, rows, cols), within +-VIEW_LIMIT, all 0
    where the infrared is clipped or on the holder.
    """
    block, base, factor = grids
    col_index, col_part = columns
    first_row, first_col = corner
    cols = out.shape[2]
    last_col = first_col + cols
    index, part = col_index[first_col:last_col], col_part[first_col:last_col]
    for at in prange(out.shape[1]):
        row = first_row + at
        line = np.empty(base.shape[1] + 1, np.float32)
        base_row = np.empty(cols, np.float32)
        factor_row = np.empty(cols, np.float32)
        _interpolate_row(base, (row + 0.5) / block - 0.5, index, part, line, base_row)
        _interpolate_row(factor, (row + 0.5) / block - 0.5, index, part, line, factor_row)
        for col in range(cols):
            grade = grades[row, first_col + col]
            if grade & CLIPPED or holder[row >> HOLDER_SHIFT, (first_col + col) >> HOLDER_SHIFT]:
                out[0, at, col] = out[1, at, col] = out[2, at, col] = np.float32(0)
                continue
            density = base_row[col] - np.float32(values[row, first_col + col]) * NEPER
            strength = density / (deviation[grade & GRADE_BITS] * factor_row[col])
            out[0, at, col] = min(max(strength, -VIEW_LIMIT), VIEW_LIMIT)
            out[1, at, col] = min(max(density * gain, -VIEW_LIMIT), VIEW_LIMIT)
            out[2, at, col] = np.float32(1)


@parallel_kernel
def count_runs(classes, counts):
    """Count the runs of classified pixels of each row."""
    rows, cols = classes.shape
    for row in prange(rows):
        count = 0
        before = 0
        for col in range(cols):
            here = 1 if classes[row, col] > 0 else 0
            count += here & (1 - before)
            before = here
        counts[row] = count


@parallel_kernel
def fill_runs(classes, starts, runs):
    """Fill (first column, end column, evidence) of each run; evidence counts faint pixels, a seed as FAINT_SEEDS."""
    rows, cols = classes.shape
    for row in prange(rows):
        at = starts[row]
        inside = False
        for col in range(cols):
            found = classes[row, col]
            if found:
                if not inside:
                    runs[at, 0] = col
                    runs[at, 2] = 0
                    inside = True
                if found == SEED:
                    runs[at, 2] += FAINT_SEEDS
                elif found == FAINT:
                    runs[at, 2] += 1
            elif inside:
                runs[at, 1] = col
                at += 1
                inside = False
        if inside:
            runs[at, 1] = cols


@inner_kernel
def _root(parents, run):
    """Return the first run of a region and shorten the path to it."""
    while parents[run] != run:
        parents[run] = parents[parents[run]]
        run = parents[run]
    return run


@njit(cache=True)
def union_runs(starts, runs, parents):
    """Unite runs that touch (8 neighbours); afterwards parents[run] is the first run of its region."""
    for run in range(parents.shape[0]):
        parents[run] = run
    for row in range(1, starts.shape[0] - 1):
        above, above_end = starts[row - 1], starts[row]
        here, here_end = starts[row], starts[row + 1]
        while above < above_end and here < here_end:
            if runs[above, 1] >= runs[here, 0] and runs[here, 1] >= runs[above, 0]:
                first, second = _root(parents, above), _root(parents, here)
                if first < second:
                    parents[second] = first
                elif second < first:
                    parents[first] = second
            if runs[above, 1] < runs[here, 1]:
                above += 1
            else:
                here += 1
    for run in range(parents.shape[0]):
        parents[run] = _root(parents, run)
