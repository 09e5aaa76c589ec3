"""What infrared and the detector say together, where the picture leaks so strongly that neither is sure alone.

Each strength of the infrared's residual is worth the logarithm of how much more often defects show it than this frame
does: where much of the picture leaks, much of the frame does, and it is worth little. That is added to the detector's
log odds (naive Bayes: what misleads the one, colours of the picture, is not what misleads the other, dyes that leak),
first for each pixel, then for each region, whose pixels say more together than one alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ir.detection import Regions, chosen, find_defects
from ir.noise import Base, Noise
from ir.residual import Residual

Bytes = npt.NDArray[np.uint8]

# Strengths of the residual that are told apart, as multiples of the threshold of a seed.
STRENGTHS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
# Part of defects' pixels that show each strength, on simulated Kodachrome.
TYPICAL = (0.13, 0.08, 0.10, 0.11, 0.12, 0.11, 0.10, 0.085, 0.165)
# Evidence that a pixel of the infrared may give for a defect, log odds; and what it counts beside the detector's, which
# says more than it knows.
MOST_FOR = 4.0
WEIGHT = 1.5
BELIEVED_PX = 10.0
# Neighbours see the same: so many pixels of a region count as one voice, and no region has more voices than that.
VOICE_PX = 10.0
MOST_VOICES = 4.0


def infrared_strength(
    residual: Residual, base: Base, noise: Noise, limits: npt.NDArray[np.float32], holder_blocks: npt.NDArray[np.bool_]
) -> Bytes:
    """Return how far each pixel of the residual lies beyond clean film.

    Parameters
    ----------
    residual, base, noise
        What was measured of the frame.
    limits : (3, 16) ndarray of float32
        Thresholds (see `seed_limits`).
    holder_blocks : ndarray of bool
        Blocks of 8 pixels that are no film.

    Returns
    -------
    (rows, cols) ndarray of uint8
        0 for clean film, i for what passes the threshold times STRENGTHS[i - 1].
    """
    plane = np.zeros(residual.values.shape, np.uint8)
    seeds = np.stack([limits[1], limits[1], limits[2]])
    for index, strength in enumerate(STRENGTHS):
        regions = find_defects(residual, base, noise, seeds * np.float32(strength), holder_blocks)
        plane[regions.rows, regions.cols] = index + 1
    return plane


def fuse(probability: Bytes, strength: Bytes) -> Bytes:
    """Return how likely each pixel is a defect by both.

    Parameters
    ----------
    probability : (rows, cols) ndarray of uint8
        The detector's, times 255.
    strength : (rows, cols) ndarray of uint8
        See `infrared_strength`.

    Returns
    -------
    (rows, cols) ndarray of uint8
        Probability times 255.
    """
    together = log_odds(np.arange(256))[None] + infrared_evidence(strength)[:, None]
    table = np.rint(255 / (1 + np.exp(-together))).astype(np.uint8)
    fused = np.empty_like(probability)
    for row in range(len(fused)):
        fused[row] = table[strength[row], probability[row]]
    return fused


def agreed(regions: Regions, probability: Bytes, strength: Bytes) -> Regions:
    """Return the regions that are rather defects than not by all of their pixels.

    Parameters
    ----------
    regions : Regions
    probability, strength : (rows, cols) ndarray of uint8
        See `fuse`.

    Returns
    -------
    Regions
    """
    areas = np.diff(regions.starts)
    owners = regions.owners
    places = (regions.rows, regions.cols)
    detector = np.bincount(owners, log_odds(probability[places]), len(regions)) / areas
    infrared = np.bincount(owners, infrared_evidence(strength)[strength[places]], len(regions)) / areas
    return chosen(regions, detector + np.clip(areas / VOICE_PX, 1, MOST_VOICES) * infrared > 0)


def infrared_evidence(strength: Bytes) -> npt.NDArray[np.float64]:
    """Return the log odds that each strength adds on this frame, (9,), rising."""
    counts = np.bincount(strength.ravel(), minlength=len(TYPICAL)) + BELIEVED_PX
    evidence = np.log(np.array(TYPICAL) / (counts / counts.sum()))
    return WEIGHT * np.minimum(np.maximum.accumulate(evidence), MOST_FOR)


def log_odds(levels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Return the log odds of probabilities times 255; 0 and 255 stand for half a step from the end."""
    probability = np.clip(levels / 255.0, 0.5 / 255, 254.5 / 255)
    return np.asarray(np.log(probability / (1 - probability)))
