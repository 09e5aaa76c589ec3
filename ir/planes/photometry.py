"""From counts to the logarithm of light: black levels, clipping, and one table for each plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float32]
Four = tuple[float, float, float, float]

COUNTS = 65536

# A black level above this part of the white is a dark picture and not an offset of the scanner.
BLACK_LIMIT = 0.01
# Light below this part of the white, or below this many deviations of the darkest pixels' noise, is lost; the logarithm
# bends to a constant there.
FLOOR = 2e-4
FLOOR_DEVIATIONS = 1.5
# Clear film that sits on one value in more than this part of the frame has been clipped there.
CLIPPED_PART = 0.005
SAMPLE_PIXELS = 400_000
# Dark stretches in which noise and texture are told apart, and the part of the differences that is noise at least.
STRETCH_PX = 32
SMALLEST_NUGGET = 0.02
NOISE_LINES = 120


@dataclass(frozen=True, slots=True)
class Photometry:
    """How counts of one frame become the logarithm of light.

    Attributes
    ----------
    log_tables : (4, 65536) ndarray of float32
        For red, green, blue and infrared: natural log of light above black, 0 at the plane's white; finite everywhere.
    black : tuple of float
        Black level of each plane, counts.
    white : tuple of float
        Brightest light of each plane (99.5th percentile), counts.
    dark_noise : tuple of float
        Deviation of each plane's darkest pixels, as a part of the span from black to white.
    bend : tuple of float
        Light at which each table bends to a constant, as a part of the span.
    infrared_clip : int
        Infrared counts from here on are clipped; 65536 where none are.
    """

    log_tables: Table
    black: Four
    white: Four
    dark_noise: Four
    bend: Four
    infrared_clip: int


def measure_photometry(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16]) -> Photometry:
    """Measure black, white and clipping of a frame's planes on an even sample of its pixels.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    infrared : (rows, cols) ndarray of uint16

    Returns
    -------
    Photometry
        Gamma-encoded counts need no decoding: an exponent is a factor in the logarithm, and the fits take it up.
    """
    step = max(1, round((infrared.size / SAMPLE_PIXELS) ** 0.5))
    planes = [rgb[::step, ::step, channel] for channel in range(3)] + [infrared[::step, ::step]]
    histograms = [np.bincount(plane.ravel(), minlength=COUNTS) for plane in planes]
    whites = [_quantile(histogram, 0.995) for histogram in histograms]
    blacks = [min(_quantile(h, 2e-4), BLACK_LIMIT * white) for h, white in zip(histograms, whites, strict=True)]
    lines = max(1, infrared.shape[0] // NOISE_LINES)
    floors = [_dark_noise(rgb[::lines, :, channel]) for channel in range(3)] + [_dark_noise(infrared[::lines])]
    spans = [max(white - black, 1.0) for black, white in zip(blacks, whites, strict=True)]
    noises = [noise / span for noise, span in zip(floors, spans, strict=True)]
    return _of_levels(_four(blacks), _four(whites), _four(noises), _clip_level(histograms[3]))


def with_black(photometry: Photometry, black: tuple[float, float, float]) -> Photometry:
    """Return the photometry with other black levels of red, green and blue (counts): those that a mount shows."""
    levels = (*black, photometry.black[3])
    spans = [max(white - level, 1.0) for white, level in zip(photometry.white, levels, strict=True)]
    old = [max(white - level, 1.0) for white, level in zip(photometry.white, photometry.black, strict=True)]
    noises = [n * was / span for n, was, span in zip(photometry.dark_noise, old, spans, strict=True)]
    return _of_levels(levels, photometry.white, _four(noises), photometry.infrared_clip)


def with_most_noise(photometry: Photometry, most: float) -> Photometry:
    """Return the photometry with no plane's dark noise above a part of its span."""
    noises = [min(noise, most) for noise in photometry.dark_noise]
    return _of_levels(photometry.black, photometry.white, _four(noises), photometry.infrared_clip)


def _of_levels(black: Four, white: Four, dark_noise: Four, infrared_clip: int) -> Photometry:
    spans = [max(bright - dark, 1.0) for dark, bright in zip(black, white, strict=True)]
    bends = [max(FLOOR, FLOOR_DEVIATIONS * noise) for noise in dark_noise]
    tables = np.stack([log_table(*levels) for levels in zip(black, spans, bends, strict=True)])
    return Photometry(tables, black, white, dark_noise, _four(bends), infrared_clip)


def log_table(black: float, span: float, bend: float) -> Table:
    """Return ln(light / span) for each count above black, bent to a constant where light is lost in noise.

    The bend is the smooth maximum (x + sqrt(x^2 + 4 c^2)) / 2 of light and a floor c: counts at and below black stay
    finite and in order. `black` and `span` are counts, `bend` is c.
    """
    light = (np.arange(COUNTS) - black) / span
    # (x + sqrt(x^2 + 4c^2)) / 2 cancels for x << 0; the other form of it does not.
    root = np.sqrt(light * light + 4 * bend * bend)
    bent = np.where(light > 0, (light + root) / 2, 2 * bend * bend / np.maximum(root - light, bend))
    return np.log(bent).astype(np.float32)


def _dark_noise(lines: npt.NDArray[np.uint16]) -> float:
    """Deviation of the darkest tenth of some lines, counts, without the picture's own texture.

    What a smooth texture adds to the squared difference of pixels grows with the square of their distance; what noise
    adds does not: one and two pixels apart tell them apart (a nugget, as geostatistics call it).
    """
    cols = lines.shape[1] // STRETCH_PX * STRETCH_PX or lines.shape[1]
    if cols < 3:
        return 0.0  # too narrow to have neighbours on both sides
    stretches = lines[:, :cols].reshape(-1, min(STRETCH_PX, cols)).astype(np.float32)
    level = stretches.mean(axis=1)
    dark = stretches[level <= np.quantile(level, 0.1)]
    near, far = (np.median(np.abs(dark[:, step:] - dark[:, :-step]), axis=1) for step in (1, 2))
    squared = np.maximum((4 * near**2 - far**2) / 3, SMALLEST_NUGGET * near**2)
    return 1.4826 * float(np.sqrt(np.median(squared) / 2))


def _quantile(histogram: npt.NDArray[np.int64], part: float) -> float:
    cumulated = np.cumsum(histogram)
    return float(np.searchsorted(cumulated, part * cumulated[-1]))


def _clip_level(histogram: npt.NDArray[np.int64]) -> int:
    used = np.flatnonzero(histogram)
    top = int(used[-1])
    # An 8-bit or dark plane piles up on many values; clipping piles up on the last one only.
    clipped = histogram[top] > CLIPPED_PART * histogram.sum() and histogram[top] > 3 * histogram[used[-2:][0]]
    return top if clipped and used.size > 1 else COUNTS


def _four(values: list[float]) -> Four:
    red, green, blue, infrared = values
    return red, green, blue, infrared
