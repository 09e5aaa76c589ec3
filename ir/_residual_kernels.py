"""One pass over a frame: leaked picture, moved and blurred onto the infrared, residual and its grade."""

from __future__ import annotations

import numpy as np
from numba import njit, prange

SEGMENT_PX = 64
BAND_ROWS = 64
HALO = 2
STEPS_PER_NEPER = 4096.0
CLIPPED = np.uint8(128)
ACTIVITY_STEPS = 2048


# ln(1 + x) on [0, 1): least squares at Chebyshev nodes, error below 4e-6.
_NODES = 0.5 - 0.5 * np.cos((np.arange(64) + 0.5) * np.pi / 64)
_LOG_TERMS = np.polyfit(_NODES, np.log1p(_NODES), 6).astype(np.float32)


@njit(cache=True)
def _log_row(light, bits, out):
    """Natural log of positive light; `bits` is the same memory seen as int32."""
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


@njit(cache=True)
def _extremes_across(red, low, high):
    """Smallest and largest red count within two columns."""
    cols = red.shape[0]
    for col in range(cols):
        smallest = largest = red[col]
        for near in range(max(col - 2, 0), min(col + 3, cols)):
            smallest = min(smallest, red[near])
            largest = max(largest, red[near])
        low[col] = smallest
        high[col] = largest


@njit(cache=True)
def _leak_rows(rgb, first, light, model, out):
    """Leaked light of the rows from `first` on (clamped to the frame), 1 at the centre of the fit.

    model: (channels that leak: 1 or 3, whether pixels on edges are taken apart).
    A pixel on an edge mixes two densities: its light is the mixture of both leaks, which is darker than the leak of the
    mixture. The two are the extremes of red within 5 by 5 pixels, and red tells how much there is of each.
    """
    rows, cols = rgb.shape[0], out.shape[1]
    count = out.shape[0]
    channels, mixing = model
    red = np.empty((count + 4, cols), np.uint16)
    low = np.empty((count + 4, cols), np.uint16)
    high = np.empty((count + 4, cols), np.uint16)
    for at in range(count + 4):
        row = min(max(first - 2 + at, 0), rows - 1)
        for col in range(cols):
            red[at, col] = rgb[row, col, 0]
        _extremes_across(red[at], low[at], high[at])
    for at in range(count):
        row = min(max(first + at, 0), rows - 1)
        for col in range(cols):
            smallest, largest = low[at, col], high[at, col]
            for near in range(at + 1, at + 5):
                smallest = min(smallest, low[near, col])
                largest = max(largest, high[near, col])
            here = red[at + 2, col]
            if not mixing:
                smallest = largest = here
            dark = light[0, smallest]
            part = np.float32(here - smallest) / np.float32(max(largest - smallest, 1))
            mixed = dark + part * (light[0, largest] - dark)
            if channels == 3:
                mixed *= light[1, rgb[row, col, 1]] * light[2, rgb[row, col, 2]]
            out[at, col] = mixed


@njit(cache=True)
def _filtered_segment(leak, buffer_row, segment, taps_down, taps_across, column, out_row):
    """Vertical, then horizontal taps for one segment of one row; `column` is scratch of SEGMENT_PX + 2 radius."""
    cols = leak.shape[1]
    radius = taps_down.shape[0] // 2
    first = segment * SEGMENT_PX
    last = min(first + SEGMENT_PX, cols)
    for at in range(first - radius, last + radius):
        col = min(max(at, 0), cols - 1)
        total = np.float32(0)
        for tap in range(2 * radius + 1):
            total += taps_down[tap] * leak[buffer_row + tap - radius, col]
        column[at - first + radius] = total
    for col in range(first, last):
        total = np.float32(0)
        for tap in range(2 * radius + 1):
            total += taps_across[tap] * column[col - first + tap]
        out_row[col] = total


@njit(cache=True)
def _activity_grades(predictor, buffer_row, grades, gradient, grade_of):
    """Grade of the local contrast of the predictor: mean over 3 by 3 of its absolute differences."""
    cols = predictor.shape[1]
    for col in range(cols):
        gradient[col] = np.float32(0)
    for near in range(buffer_row - 1, buffer_row + 2):
        above, here, below = predictor[near - 1], predictor[near], predictor[near + 1]
        gradient[0] += abs(below[0] - above[0])
        gradient[cols - 1] += abs(below[cols - 1] - above[cols - 1])
        for col in range(1, cols - 1):
            gradient[col] += abs(here[col + 1] - here[col - 1]) + abs(below[col] - above[col])
    scale = np.float32(ACTIVITY_STEPS / 6.0)
    top = np.float32(ACTIVITY_STEPS - 1)
    for col in range(cols):
        total = gradient[max(col - 1, 0)] + gradient[col] + gradient[min(col + 1, cols - 1)]
        grades[col] = grade_of[int(min(total * scale * np.float32(1 / 3.0), top))]


@njit(parallel=True, cache=True)
def residual_bands(
    rgb, infrared, light, model, log_infrared, clip, moves, phases, taps, gains, grade_of, residual, grades
):
    """Fill residual (int16, 1/4096 neper) and grades (uint8) of a frame, in bands of rows.

    light: (3, 65536) leaked light of each count; model: see _leak_rows. moves: (rows, segments, 2) whole pixels to the
    infrared; phases: the same, index of the fraction in taps; taps of one column mean that the planes share a grid;
    gains: (rows, segments) factor on the leaked density.
    """
    rows, cols = infrared.shape
    radius = taps.shape[1] // 2
    segments = moves.shape[1]
    bands = (rows + BAND_ROWS - 1) // BAND_ROWS
    for band in prange(bands):
        first = band * BAND_ROWS
        count = min(BAND_ROWS, rows - first)
        leak = np.empty((count + 2 * (HALO + radius), cols), np.float32)
        _leak_rows(rgb, first - HALO - radius, light, model, leak)
        predictor = leak
        if radius > 0:
            predictor = np.empty((count + 2 * HALO, cols), np.float32)
            column = np.empty(SEGMENT_PX + 2 * radius, np.float32)
            for at in range(count + 2 * HALO):
                row = min(max(first - HALO + at, 0), rows - 1)
                for segment in range(segments):
                    down, across = phases[row, segment, 0], phases[row, segment, 1]
                    _filtered_segment(leak, at + radius, segment, taps[down], taps[across], column, predictor[at])
        gradient = np.empty(cols, np.float32)
        scratch = np.empty(cols, np.float32)
        for at in range(count + 2 * HALO):
            scratch[:] = predictor[at]
            _log_row(scratch, scratch.view(np.int32), predictor[at])
        for at in range(count):
            row = first + at
            _activity_grades(predictor, at + HALO, grades[row], gradient, grade_of)
            for segment in range(segments):
                source = min(max(row + moves[row, segment, 0], 0), rows - 1)
                across = moves[row, segment, 1]
                gain = gains[row, segment]
                for col in range(segment * SEGMENT_PX, min((segment + 1) * SEGMENT_PX, cols)):
                    counts = infrared[source, min(max(col + across, 0), cols - 1)]
                    value = (log_infrared[counts] - gain * predictor[at + HALO, col]) * np.float32(STEPS_PER_NEPER)
                    residual[row, col] = np.int16(min(max(value, np.float32(-32767)), np.float32(32767)))
                    if counts >= clip:
                        grades[row, col] |= CLIPPED
