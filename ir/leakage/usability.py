"""Decides from measurements whether the infrared of a frame can show defects.

The correlation of infrared and red cannot tell: it is 0.94 on good film with a faint, sharp leakage. Two other values
do: the slope of infrared density on picture density, and the colour of the picture. Silver blocks infrared like light,
and all colours alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.leakage.model import Leakage
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.report import Caution

# Smallest sum of slopes on silver film.
SILVER_SLOPE = 0.3
# Smallest part of the infrared's variance that the picture explains on silver film.
SILVER_EXPLAINED = 0.45
# Largest spread of colour over that of brightness (both densities) in a picture on silver film ...
COLOURLESS = 0.16
# ... and the one below which the film is silver whatever the share of red.
SURELY_COLOURLESS = 0.035
# Share of red in the leakage below which all colours leak alike, as silver does. Dyes leak mainly by their red.
RED_SHARE = 0.5
# Sum of slopes above which the leakage is strong.
STRONG_LEAKAGE = 0.3
# Sum of slopes above which the infrared is a copy of the picture.
COPY_SLOPE = 0.97
# Smallest contrast of an exposed frame, nepers between the 2 % and 98 % quantiles of its blocks.
UNEXPOSED_CONTRAST = 0.08
# A picture whose white is below this many deviations of the dark noise is black, if it is dim too.
DARK_DEVIATIONS = 30.0
# Light of the picture, part of the infrared's, below which the frame is dark ...
DARK_LIGHT = 0.02
# ... and below which it is dim.
DIM_LIGHT = 0.1


def blocking_caution(tiles: Tiles, photometry: Photometry) -> Caution | None:
    """Return the reason why nothing can be fitted on a frame.

    Parameters
    ----------
    tiles : Tiles
        Tiles of the frame; there may be none.
    photometry : Photometry
        Levels of the frame.

    Returns
    -------
    Caution or None
        NO_FILM, INFRARED_CONSTANT, FRAME_DARK or FRAME_UNEXPOSED; None: the frame can be fitted.
    """
    if not len(tiles) or tiles.film.sum() < 1000:
        return Caution.NO_FILM
    if int(np.ptp(tiles.infrared[tiles.film])) < 3:
        return Caution.INFRARED_CONSTANT
    if _is_dark(photometry):
        return Caution.FRAME_DARK
    if block_contrast(tiles) < UNEXPOSED_CONTRAST:
        return Caution.FRAME_UNEXPOSED
    return None


def leakage_caution(leakage: Leakage, tiles: Tiles) -> Caution | None:
    """Return what the fitted leakage tells about the film.

    ::

        SILVER_FILM         slopes > 0.3, explained > 0.45, hardly any colour, and red leaks less than half
        INFRARED_UNUSABLE   slopes > 0.97: the infrared is a copy of the picture
        STRONG_LEAKAGE      slopes > 0.3

    Parameters
    ----------
    leakage : Leakage
        Fitted leakage of the frame; the sum of its slopes counts.
    tiles : Tiles
        Tiles of the frame, for its colour.

    Returns
    -------
    Caution or None
        The first that applies; None: the infrared can be used without a warning.
    """
    total = sum(leakage.slopes)
    colour = colour_share(tiles)
    # On silver the fit shares the slope among three equal colours; dyes leak by their red.
    shared = leakage.shares[0] < RED_SHARE or colour < SURELY_COLOURLESS
    if total > SILVER_SLOPE and leakage.explained > SILVER_EXPLAINED and colour < COLOURLESS and shared:
        return Caution.SILVER_FILM
    if total > COPY_SLOPE:
        return Caution.INFRARED_UNUSABLE
    return Caution.STRONG_LEAKAGE if total > STRONG_LEAKAGE else None


def colour_share(tiles: Tiles) -> float:
    """Return the spread of colour over the spread of brightness.

    ::

        colour = max(spread(ln red - ln green), spread(ln blue - ln green)) / spread(ln green)
        spread = 90 % quantile of the distance to the median

    Medians over blocks of 8 by 8 pixels are used, since grain has a colour of its own.

    Parameters
    ----------
    tiles : Tiles
        Tiles of the frame.

    Returns
    -------
    float
        0 for a picture without colour; about 1 where colour varies like brightness.
    """
    count, size = tiles.film.shape[:2]
    side = size // 8 * 8
    logs = tiles.log_rgb[:, :side, :side].reshape(count, side // 8, 8, side // 8, 8, 3)
    film = tiles.film[:, :side, :side].reshape(count, side // 8, 8, side // 8, 8).all(axis=(2, 4))
    blocks = np.median(logs[:, :, ::2, :, ::2], axis=(2, 4))
    brightness = _spread(blocks[..., 1][film])
    colour = max(_spread((blocks[..., c] - blocks[..., 1])[film]) for c in (0, 2))
    return colour / max(brightness, 1e-6)


def _spread(values: npt.NDArray[np.float32]) -> float:
    # Most of a drawing is flat and shows noise alone; the other tenth shows its colour.
    return float(np.quantile(np.abs(values - np.median(values)), 0.9)) if values.size else 1.0


def _is_dark(photometry: Photometry) -> bool:
    spans = [white - black for white, black in zip(photometry.white, photometry.black, strict=True)]
    light = max(spans[:3]) / max(spans[3], 1.0)
    in_noise = all(noise * DARK_DEVIATIONS > 1 for noise in photometry.dark_noise[:3])
    # Texture all over the frame is measured as dark noise; but such a picture is bright.
    dim = light < DIM_LIGHT or photometry.dark_noise[3] * DARK_DEVIATIONS > 1
    return (in_noise and dim) or light < DARK_LIGHT


def block_contrast(tiles: Tiles) -> float:
    """Return the contrast of the picture: 98 % less 2 % quantile of ln green, medians over blocks of 16 by 16.

    Parameters
    ----------
    tiles : Tiles
        At least one tile of the frame.

    Returns
    -------
    float
        Nepers.
    """
    count, size = tiles.film.shape[:2]
    side = size // 16 * 16
    green = tiles.log_rgb[:, :side, :side, 1].reshape(count, side // 16, 16, side // 16, 16)
    low, high = np.quantile(np.median(green, axis=(2, 4)), [0.02, 0.98])
    return float(high - low)
