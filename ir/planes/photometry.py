"""Convert counts to the natural logarithm of light: black and white level, noise and clipping of each plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Table = npt.NDArray[np.float32]
Four = tuple[float, float, float, float]

# Number of different counts of a plane.
COUNTS = 65536

# Highest black level, part of the white. A higher one is a bright picture without a dark place.
BLACK_LIMIT = 0.01
# The logarithm bends to a constant at this part of the span from black to white ...
FLOOR = 2e-4
# ... or at this many deviations of the darkest pixels' noise, whichever is more.
FLOOR_DEVIATIONS = 1.5
# Part of the frame above which a pile of pixels on the highest count of the infrared is clipped film.
CLIPPED_PART = 0.005
# Number of pixels of which black, white and clipping are measured, about.
SAMPLE_PIXELS = 400_000
# Length of the pieces of a row in which noise is measured, pixels.
STRETCH_PX = 32
# Smallest part of the squared difference of neighbours that is taken for noise.
SMALLEST_NUGGET = 0.02
# Number of rows on which noise is measured, about.
NOISE_LINES = 120


@dataclass(frozen=True, slots=True)
class Photometry:
    """Tables and levels that convert the counts of one frame to the natural log of light.

    Attributes
    ----------
    log_tables : (4, 65536) ndarray of float32
        For red, green, blue and infrared: natural log of light for each count, 0 at the plane's white; finite.
    black : tuple of float
        Black level of each plane, counts.
    white : tuple of float
        Brightest light of each plane (99.5th percentile), counts.
    dark_noise : tuple of float
        Standard deviation of the noise of each plane's darkest pixels, part of the span from black to white.
    bend : tuple of float
        Light at which each table bends to a constant, part of the span.
    infrared_clip : int
        Lowest clipped count of the infrared; 65536 where none is clipped.
    """

    log_tables: Table
    black: Four
    white: Four
    dark_noise: Four
    bend: Four
    infrared_clip: int


def measure_photometry(rgb: npt.NDArray[np.uint16], infrared: npt.NDArray[np.uint16]) -> Photometry:
    """Measure black, white, dark noise and clipping of a frame's planes on an even sample of its pixels.

    ::

        white = 99.5 % quantile of the counts
        black = min(0.02 % quantile, 0.01 white)

    Gamma-encoded counts need no decoding: a gamma is a factor in the logarithm, and the later fits include it.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts, 0..65535.
    infrared : (rows, cols) ndarray of uint16
        Counts, 0..65535.

    Returns
    -------
    Photometry
        Levels and tables of red, green, blue and infrared.
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
    """Return the photometry with other black levels of the colours, such as those measured under a mount.

    Parameters
    ----------
    photometry : Photometry
        The photometry to start from; white, noise in counts and infrared stay.
    black : tuple of float
        Black levels of red, green and blue, counts.

    Returns
    -------
    Photometry
        With new tables of the colours.
    """
    levels = (*black, photometry.black[3])
    spans = [max(white - level, 1.0) for white, level in zip(photometry.white, levels, strict=True)]
    old = [max(white - level, 1.0) for white, level in zip(photometry.white, photometry.black, strict=True)]
    noises = [n * was / span for n, was, span in zip(photometry.dark_noise, old, spans, strict=True)]
    return _of_levels(levels, photometry.white, _four(noises), photometry.infrared_clip)


def with_noise_limit(photometry: Photometry, limit: float) -> Photometry:
    """Return the photometry with the dark noise of each plane limited.

    Parameters
    ----------
    photometry : Photometry
        The photometry to start from.
    limit : float
        Largest dark noise, part of the span from black to white.

    Returns
    -------
    Photometry
        With tables that bend no earlier than the limit asks.
    """
    noises = [min(noise, limit) for noise in photometry.dark_noise]
    return _of_levels(photometry.black, photometry.white, _four(noises), photometry.infrared_clip)


def _of_levels(black: Four, white: Four, dark_noise: Four, infrared_clip: int) -> Photometry:
    spans = [max(bright - dark, 1.0) for dark, bright in zip(black, white, strict=True)]
    bends = [max(FLOOR, FLOOR_DEVIATIONS * noise) for noise in dark_noise]
    tables = np.stack([log_table(*levels) for levels in zip(black, spans, bends, strict=True)])
    return Photometry(tables, black, white, dark_noise, _four(bends), infrared_clip)


def log_table(black: float, span: float, bend: float) -> Table:
    """Return the natural log of light for each count, bent to a constant where light is lost in noise.

    ::

        x = (count - black) / span
        table = ln((x + sqrt(x^2 + 4 bend^2)) / 2)

    The bent light is a smooth maximum of x and a floor, so that counts at and below black stay finite and in order.

    Parameters
    ----------
    black : float
        Black level, counts.
    span : float
        Counts from black to white, > 0.
    bend : float
        Light at the bend, part of the span, > 0; the table has its logarithm at black.

    Returns
    -------
    (65536,) ndarray of float32
        Natural log of light, 0 at white.
    """
    light = (np.arange(COUNTS) - black) / span
    # (x + root) / 2 cancels for x << 0; the equal form 2 bend^2 / (root - x) does not.
    root = np.sqrt(light * light + 4 * bend * bend)
    bent = np.where(light > 0, (light + root) / 2, 2 * bend * bend / np.maximum(root - light, bend))
    return np.log(bent).astype(np.float32)


def _dark_noise(lines: npt.NDArray[np.uint16]) -> float:
    """Return the standard deviation of the noise in the darkest tenth of some rows, counts, without texture.

    A smooth texture adds to the squared difference d^2 of two pixels in proportion to the square of their distance;
    noise adds the same at any distance (the nugget of geostatistics). From the distances 1 and 2::

        2 noise^2 = (4 d1^2 - d2^2) / 3
    """
    cols = lines.shape[1] // STRETCH_PX * STRETCH_PX or lines.shape[1]
    if cols < 3:
        return 0.0  # too narrow for neighbours at distance 2
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
    # An 8-bit or dark plane piles up on many counts; a clipped one on the highest alone.
    clipped = histogram[top] > CLIPPED_PART * histogram.sum() and histogram[top] > 3 * histogram[used[-2:][0]]
    return top if clipped and used.size > 1 else COUNTS


def _four(values: list[float]) -> Four:
    red, green, blue, infrared = values
    return red, green, blue, infrared
