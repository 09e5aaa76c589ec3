"""Kernels that compute the residual and its activity grades in one pass over a frame."""

from __future__ import annotations

import numpy as np
from numba import prange

from filmscand.ir.compiling import inner_kernel, parallel_kernel

# Columns that share one shift.
SEGMENT_PX = 64
# Rows that one thread processes at a time.
BAND_ROWS = 64
# Rows of the predictor beyond a band that the grades need.
HALO = 2
# Steps of the residual in one neper, and the value of a step in nepers.
STEPS_PER_NEPER = 4096.0
NEPER = np.float32(1 / STEPS_PER_NEPER)
# Bits of a grade: the activity in the low bits, clipped infrared in the highest.
GRADE_BITS = np.uint8(15)
CLIPPED = np.uint8(128)
# Steps of local contrast in one neper.
ACTIVITY_STEPS = 2048


# Polynomial for ln(1 + x) on [0, 1): least squares at Chebyshev nodes, error below 4e-6.
_NODES = 0.5 - 0.5 * np.cos((np.arange(64) + 0.5) * np.pi / 64)
_LOG_TERMS = np.polyfit(_NODES, np.log1p(_NODES), 6).astype(np.float32)


@inner_kernel
def _log_row(light, bits, out):
    """Compute the natural log of positive light; `bits` is the same memory as int32."""
    for col in range(light.shape[0]):
        exponent = (bits[col] >> 23) - 127
        bits[col] = (bits[col] & 0x7FFFFF) | 0x3F800000
        out[col] = np.float32(exponent) * np.float32(0.6931471805599453)
    for col in range(light.shape[0]):
        x = light[col] - np.float32(1)
        total = _LOG_TERMS[0]
        for term in range(1, 7):
            total = total * x + _LOG_TERMS[term]
        out[col] += total


@inner_kernel
def _extremes_across(red, low, high):
    """Compute the smallest and largest red count within two columns of each column."""
    cols = red.shape[0]
    inner = max(cols - 4, 0)
    # Five views instead of five indices: the compiler vectorises the views.
    first, second, middle, fourth, fifth = red[:inner], red[1:], red[2:], red[3:], red[4:]
    smallest, largest = low[2:], high[2:]
    for col in range(inner):
        smallest[col] = min(min(min(first[col], second[col]), min(fourth[col], fifth[col])), middle[col])
        largest[col] = max(max(max(first[col], second[col]), max(fourth[col], fifth[col])), middle[col])
    for edge in range(min(4, cols)):
        col = edge if edge < 2 else cols - 1 - (edge - 2)
        smallest = largest = red[col]
        for near in range(max(col - 2, 0), min(col + 3, cols)):
            smallest = min(smallest, red[near])
            largest = max(largest, red[near])
        low[col] = smallest
        high[col] = largest


@inner_kernel
def _extremes_down(low, high, at, smallest, largest):
    """Compute the smallest and largest values of five rows, from row `at` on."""
    for col in range(smallest.shape[0]):
        smallest[col] = min(
            min(min(low[at, col], low[at + 1, col]), min(low[at + 3, col], low[at + 4, col])), low[at + 2, col]
        )
        largest[col] = max(
            max(max(high[at, col], high[at + 1, col]), max(high[at + 3, col], high[at + 4, col])), high[at + 2, col]
        )


@inner_kernel
def _leak_rows(rgb, first, light, model, out):
    """Compute the leaked light of the rows from `first` on (clamped to the frame), 1 at the centre of the fit.

    model: (number of channels that leak, 1 or 3; whether edge pixels are mixtures). A pixel on an edge mixes two
    densities. Its infrared light is the mixture of both leakages, which is darker than the leakage of the mixture. The
    two densities are the extremes of red within 5 by 5 pixels; the red of the pixel gives the share of each.
    """
    rows, cols = rgb.shape[0], rgb.shape[1]
    count = out.shape[0]
    pad = (out.shape[1] - cols) // 2
    channels, mixing = model
    red = np.empty((count + 4, cols), np.uint16)
    low, high = np.empty_like(red), np.empty_like(red)
    for at in range(count + 4):
        row = min(max(first - 2 + at, 0), rows - 1)
        for col in range(cols):
            red[at, col] = rgb[row, col, 0]
        if mixing:
            _extremes_across(red[at], low[at], high[at])
    smallest, largest = np.empty(cols, np.uint16), np.empty(cols, np.uint16)
    for at in range(count):
        if mixing:
            _extremes_down(low, high, at, smallest, largest)
            for col in range(cols):
                dark = light[0, smallest[col]]
                least = np.int32(smallest[col])
                span = np.float32(max(np.int32(largest[col]) - least, np.int32(1)))
                part = np.float32(np.int32(red[at + 2, col]) - least) / span
                out[at, pad + col] = dark + part * (light[0, largest[col]] - dark)
        else:
            for col in range(cols):
                out[at, pad + col] = light[0, red[at + 2, col]]
        if channels == 3:
            row = min(max(first + at, 0), rows - 1)
            for col in range(cols):
                out[at, pad + col] *= light[1, rgb[row, col, 1]] * light[2, rgb[row, col, 2]]
        for col in range(pad):
            out[at, col] = out[at, pad]
            out[at, pad + cols + col] = out[at, pad + cols - 1]


@inner_kernel
def _filtered_segment(leak, buffer_row, first, taps_down, taps_across, column, out):
    """Apply vertical, then horizontal taps to the segment of one row from column `first` on.

    leak: leaked light with `radius` more columns on either side; column: scratch, as much wider than out.
    """
    width = out.shape[0]
    size = taps_down.shape[0]
    for tap in range(size):
        weight = taps_down[tap]
        source = leak[buffer_row + tap - size // 2, first : first + width + size - 1]
        if tap == 0:
            for col in range(width + size - 1):
                column[col] = weight * source[col]
        else:
            for col in range(width + size - 1):
                column[col] += weight * source[col]
    for tap in range(size):
        weight = taps_across[tap]
        shifted = column[tap : tap + width]
        if tap == 0:
            for col in range(width):
                out[col] = weight * shifted[col]
        else:
            for col in range(width):
                out[col] += weight * shifted[col]


@inner_kernel
def _activity_grades(predictor, buffer_row, grades, gradient, grade_of):
    """Compute the grade of the predictor's local contrast: the mean over 3 by 3 of its absolute differences."""
    cols = predictor.shape[1]
    for col in range(cols):
        gradient[col] = np.float32(0)
    middle = gradient[1:]
    for near in range(buffer_row - 1, buffer_row + 2):
        above, here, below = predictor[near - 1], predictor[near], predictor[near + 1]
        gradient[0] += abs(below[0] - above[0])
        gradient[cols - 1] += abs(below[cols - 1] - above[cols - 1])
        right, beneath, over = here[2:], below[1:], above[1:]
        for col in range(cols - 2):
            middle[col] += abs(right[col] - here[col]) + abs(beneath[col] - over[col])
    scale = np.float32(ACTIVITY_STEPS / 6.0)
    top = np.float32(ACTIVITY_STEPS - 1)
    for col in range(cols):
        total = gradient[max(col - 1, 0)] + gradient[col] + gradient[min(col + 1, cols - 1)]
        grades[col] = grade_of[np.uint16(min(total * scale * np.float32(1 / 3.0), top))]


@inner_kernel
def _moved_counts(source, first, beyond):
    """Return as many counts of a row as `beyond` holds, from column `first` on.

    A view of the row, or `beyond`, filled with the first and last count where the row ends.
    """
    width = beyond.shape[0]
    if first >= 0 and first + width <= source.shape[0]:
        return source[first : first + width]
    for col in range(width):
        beyond[col] = source[min(max(first + col, 0), source.shape[0] - 1)]
    return beyond


@inner_kernel
def _residual_segment(counts, predicted, log_infrared, limits, residual, grades):
    """Compute the residual of a segment of one row, and mark clipped infrared in its grades; limits: (gain, clip)."""
    gain, clip = limits
    for col in range(counts.shape[0]):
        value = (log_infrared[counts[col]] - gain * predicted[col]) * np.float32(STEPS_PER_NEPER)
        residual[col] = np.int16(min(max(value, np.float32(-32767)), np.float32(32767)))
    for col in range(counts.shape[0]):
        grades[col] |= CLIPPED if counts[col] >= clip else np.uint8(0)


@parallel_kernel
def residual_bands(
    rgb, infrared, light, model, log_infrared, clip, moves, phases, taps, gains, grade_of, residual, grades
):
    """Compute residual (int16, 1/4096 neper) and grades (uint8) of a frame, in bands of rows.

    light: (3, 65536), leaked light of each count; model: see _leak_rows; clip: lowest clipped infrared count; moves:
    (rows, segments, 2), shift of the infrared in whole pixels; phases: the same shape, index of the remaining fraction
    in taps; taps: (phases, taps), one tap if the planes need no filter; gains: (rows, segments), factor on the leaked
    density; grade_of: grade of each step of contrast.
    """
    rows, cols = infrared.shape
    radius = taps.shape[1] // 2
    segments = moves.shape[1]
    bands = (rows + BAND_ROWS - 1) // BAND_ROWS
    for band in prange(bands):
        first = band * BAND_ROWS
        count = min(BAND_ROWS, rows - first)
        leak = np.empty((count + 2 * (HALO + radius), cols + 2 * radius), np.float32)
        _leak_rows(rgb, first - HALO - radius, light, model, leak)
        predictor = leak
        if radius > 0:
            predictor = np.empty((count + 2 * HALO, cols), np.float32)
            column = np.empty(SEGMENT_PX + 2 * radius, np.float32)
            for at in range(count + 2 * HALO):
                row = min(max(first - HALO + at, 0), rows - 1)
                for segment in range(segments):
                    down, across = taps[phases[row, segment, 0]], taps[phases[row, segment, 1]]
                    left = segment * SEGMENT_PX
                    out = predictor[at, left : left + SEGMENT_PX]
                    _filtered_segment(leak, at + radius, left, down, across, column, out)
        gradient = np.empty(cols, np.float32)
        scratch = np.empty(cols, np.float32)
        beyond = np.empty(SEGMENT_PX, np.uint16)
        for at in range(count + 2 * HALO):
            for col in range(cols):
                scratch[col] = predictor[at, col]
            _log_row(scratch, scratch.view(np.int32), predictor[at])
        for at in range(count):
            row = first + at
            _activity_grades(predictor, at + HALO, grades[row], gradient, grade_of)
            for segment in range(segments):
                source = infrared[min(max(row + moves[row, segment, 0], 0), rows - 1)]
                left, right = segment * SEGMENT_PX, min((segment + 1) * SEGMENT_PX, cols)
                counts = _moved_counts(source, left + moves[row, segment, 1], beyond[: right - left])
                predicted, limits = predictor[at + HALO, left:right], (gains[row, segment], clip)
                planes = residual[row, left:right], grades[row, left:right]
                _residual_segment(counts, predicted, log_infrared, limits, *planes)
