"""Whether the infrared of a frame can show defects at all: measured, not declared.

A plain correlation of infrared and red says nothing (0.94 on good film with a faint, sharp leak). What tells is how
much infrared density a picture density brings with it, and whether the picture has colour: silver blocks infrared as it
blocks light, in every colour alike.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.leakage.model import Leakage
from filmscand.ir.planes.photometry import Photometry
from filmscand.ir.planes.tiles import Tiles
from filmscand.ir.report import Caution

SILVER_SLOPE = 0.3
SILVER_EXPLAINED = 0.45
# Deviation of colour against brightness (both as densities) of a picture without colour.
COLOURLESS = 0.16
SURELY_COLOURLESS = 0.035
RED_SHARE = 0.5
STRONG_LEAKAGE = 0.3
COPY_SLOPE = 0.97
# Contrast of a picture, nepers between its 2nd and 98th percentiles of blocks, below which nothing was exposed.
UNEXPOSED_CONTRAST = 0.08
# A picture whose white lies within this many deviations of the dark noise is black.
DARK_DEVIATIONS = 30.0
DARK_LIGHT = 0.02
DIM_LIGHT = 0.1


def blocking_caution(tiles: Tiles, photometry: Photometry) -> Caution | None:
    """Return why a frame is left as it is before anything is fitted, or None.

    Parameters
    ----------
    tiles : Tiles
    photometry : Photometry

    Returns
    -------
    Caution or None
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
    """Return what the fitted leakage says about the film: silver, an infrared that is the picture, strong leakage."""
    total = sum(leakage.slopes)
    colour = colour_share(tiles)
    # One image in three colours: the fit shares its slope among them, where dyes leak by their red.
    shared = leakage.shares[0] < RED_SHARE or colour < SURELY_COLOURLESS
    if total > SILVER_SLOPE and leakage.explained > SILVER_EXPLAINED and colour < COLOURLESS and shared:
        return Caution.SILVER_FILM
    if total > COPY_SLOPE:
        return Caution.INFRARED_UNUSABLE
    return Caution.STRONG_LEAKAGE if total > STRONG_LEAKAGE else None


def colour_share(tiles: Tiles) -> float:
    """Deviation of ln red - ln green and ln blue - ln green over the frame, as a part of that of ln green.

    Over blocks of 8 pixels, in which grain, that has a colour of its own, is gone.
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
    # Most of a drawing is flat and tells noise only; its tenth that is not tells colour.
    return float(np.quantile(np.abs(values - np.median(values)), 0.9)) if values.size else 1.0


def _is_dark(photometry: Photometry) -> bool:
    spans = [white - black for white, black in zip(photometry.white, photometry.black, strict=True)]
    light = max(spans[:3]) / max(spans[3], 1.0)
    in_noise = all(noise * DARK_DEVIATIONS > 1 for noise in photometry.dark_noise[:3])
    # A picture that is texture all over has no calm place to show its noise; but it is bright.
    dim = light < DIM_LIGHT or photometry.dark_noise[3] * DARK_DEVIATIONS > 1
    return (in_noise and dim) or light < DARK_LIGHT


def block_contrast(tiles: Tiles) -> float:
    """Return the range of the picture's brightness over blocks of 16 pixels of all tiles, nepers."""
    count, size = tiles.film.shape[:2]
    side = size // 16 * 16
    green = tiles.log_rgb[:, :side, :side, 1].reshape(count, side // 16, 16, side // 16, 16)
    low, high = np.quantile(np.median(green, axis=(2, 4)), [0.02, 0.98])
    return float(high - low)
