"""Whether a defect takes as much of each colour: dust is grey, and most of what is taken for dust is not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.healing.attenuation import DETAIL_ERROR, PIXELS_AS_ONE, Array, DefectColours, Doubles
from filmscand.ir.healing.infrared_healing import DISPLAY_GAMMA

# Range of the three colours' densities as a part of their mean. Of defects: its deviation, with what the fill's error
# adds; hairs are a little brown. Of the picture's own spots: most have a colour, and their range falls off slowly.
GREY_SPREAD = 0.16
ERROR_SHARE = 0.6
GREY_SPOTS = 0.4
COLOURED_SPREAD = 0.9
MOST_AGAINST = 4.0


def grey_evidence(look: DefectColours, density: Array) -> Doubles:
    """Return the log odds, at most 0, that each cell is a defect by its colour.

    A grey spot may be either, and on film without colour all are.

    Parameters
    ----------
    look : DefectColours
    density : (pixels,) ndarray of float32
        What the defects are estimated to take, nepers.

    Returns
    -------
    (cells,) ndarray of float64
    """
    slopes, variance = colour_slopes(look, density, look.owners)
    mean = np.maximum(np.abs(slopes.mean(axis=1)), 1e-3)
    spread = np.ptp(slopes, axis=1) / mean
    doubt = np.sqrt(variance).mean(axis=1) / mean
    width = np.hypot(GREY_SPREAD, ERROR_SHARE * doubt)
    grey = np.sqrt(2 / np.pi) / width * np.exp(-np.minimum(np.square(spread / width) / 2, 50))
    coloured = np.exp(-spread / COLOURED_SPREAD) / COLOURED_SPREAD
    # Over an inverted negative dust is white: what it adds depends on the colour below.
    bright = np.bincount(look.owners, density) < 0
    odds = np.log(grey + 1e-30) - np.log(GREY_SPOTS * grey + (1 - GREY_SPOTS) * coloured + 1e-30)
    return np.asarray(np.where(bright, 0.0, np.clip(odds, -MOST_AGAINST, 0)))


def colour_slopes(look: DefectColours, density: Array, owners: npt.NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Return what each owner of pixels takes of each colour, as a part of a density, and the variance of that.

    Parameters
    ----------
    look : DefectColours
    density : (pixels,) ndarray of float32
        Nepers.
    owners : (pixels,) ndarray of int64

    Returns
    -------
    (owners, 3) ndarray of float64, (owners, 3) ndarray of float64
    """
    taken = np.log(look.fill / look.raw) * np.float32(DISPLAY_GAMMA)
    detail = np.square(look.detail[look.owners, :3])
    error = DISPLAY_GAMMA**2 * (look.rough / np.square(look.fill) + DETAIL_ERROR * detail)
    weighted = density[:, None] / (error + 0.02)
    power = _sums(owners, weighted * density[:, None]) + 1e-9
    return _sums(owners, weighted * taken) / power, PIXELS_AS_ONE / power


def _sums(owners: npt.NDArray[np.int64], values: npt.NDArray[np.floating]) -> Doubles:
    return np.stack([np.bincount(owners, values[:, channel]) for channel in range(3)], axis=1)
