"""Whether a defect takes as much of each colour: dust is grey, and most spots that are mistaken for dust are not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.healing.attenuation import DETAIL_ERROR, PIXELS_AS_ONE, Array, DefectColours, Doubles
from filmscand.ir.healing.filling import DISPLAY_GAMMA

# Deviation of the range of a defect's three densities, as a part of their mean; hairs are slightly brown.
GREY_SPREAD = 0.16
# Part of the fill's error that adds to it.
ERROR_SHARE = 0.6
# Part of the picture's own spots that are grey.
GREY_SPOTS = 0.4
# Scale on which the range of the other spots' densities falls off, as a part of their mean.
COLOURED_SPREAD = 0.9
# Most log odds against a defect.
MOST_AGAINST = 4.0


def grey_evidence(colours: DefectColours, density: Array) -> Doubles:
    """Return the log odds, at most 0, that each cell is a defect by its colour.

    A grey spot may be dust or picture; on film without colour all spots are grey. Bright cells give 0: over an inverted
    negative dust is white, and the density that it adds depends on the colour below.

    Parameters
    ----------
    colours : DefectColours
        Colours of the defects' pixels.
    density : (pixels,) ndarray of float32
        Estimated density of the defects, nepers.

    Returns
    -------
    (cells,) ndarray of float64
        Log odds, -4..0.
    """
    slopes, variance = colour_slopes(colours, density, colours.owners)
    mean = np.maximum(np.abs(slopes.mean(axis=1)), 1e-3)
    spread = np.ptp(slopes, axis=1) / mean
    doubt = np.sqrt(variance).mean(axis=1) / mean
    width = np.hypot(GREY_SPREAD, ERROR_SHARE * doubt)
    grey = np.sqrt(2 / np.pi) / width * np.exp(-np.minimum(np.square(spread / width) / 2, 50))
    coloured = np.exp(-spread / COLOURED_SPREAD) / COLOURED_SPREAD
    # Over an inverted negative dust is white: the density that it adds depends on the colour below.
    bright = np.bincount(colours.owners, density) < 0
    odds = np.log(grey + 1e-30) - np.log(GREY_SPOTS * grey + (1 - GREY_SPOTS) * coloured + 1e-30)
    return np.asarray(np.where(bright, 0.0, np.clip(odds, -MOST_AGAINST, 0)))


def colour_slopes(colours: DefectColours, density: Array, owners: npt.NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Return each owner's density in each colour, as a part of a common density, and its variance.

    slope = sum(w x y) / sum(w x^2), with x the common density, y = 2.2 ln(fill / raw), and w the inverse expected
    error.

    Parameters
    ----------
    colours : DefectColours
        Colours of the defects' pixels.
    density : (pixels,) ndarray of float32
        Common density, nepers.
    owners : (pixels,) ndarray of int64
        Owner of each pixel: a cell or a defect.

    Returns
    -------
    slopes, variance : (owners, 3) ndarray of float64
        Slope in red, green and blue, and its expected squared error.
    """
    taken = np.log(colours.fill / colours.raw) * np.float32(DISPLAY_GAMMA)
    detail = np.square(colours.detail[colours.owners, :3])
    error = DISPLAY_GAMMA**2 * (colours.rough / np.square(colours.fill) + DETAIL_ERROR * detail)
    weighted = density[:, None] / (error + 0.02)
    power = _sums(owners, weighted * density[:, None]) + 1e-9
    return _sums(owners, weighted * taken) / power, PIXELS_AS_ONE / power


def _sums(owners: npt.NDArray[np.int64], values: npt.NDArray[np.floating]) -> Doubles:
    return np.stack([np.bincount(owners, values[:, channel]) for channel in range(3)], axis=1)
