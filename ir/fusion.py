"""What infrared and the detector say together, where the picture leaks so strongly that neither is sure alone.

How much the infrared of a frame is worth is measured on the frame: for each strength of the residual, how much more
often the detector sees a defect there than anywhere. The logarithm of that ratio is added to the detector's log odds
(naive Bayes: what misleads the one, colours of the picture, is not what misleads the other, dyes that leak).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ir.detection import find_defects
from ir.noise import Base, Noise
from ir.residual import Residual

Bytes = npt.NDArray[np.uint8]

# Strengths of the residual that are told apart, as multiples of the threshold of a seed.
STRENGTHS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 3.0)
# Evidence that infrared may give against and for a defect, log odds.
MOST_AGAINST, MOST_FOR = 2.5, 4.0
# Pixels that a strength is believed by half at, and share of defects that is expected where little is seen.
BELIEVED_PX = 300.0
USUAL_SHARE = 1e-3
SAMPLE_STEP = 2


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
    odds = log_odds(np.arange(256))
    together = odds[None] + infrared_evidence(probability, strength)[:, None]
    table = np.rint(255 / (1 + np.exp(-together))).astype(np.uint8)
    fused = np.empty_like(probability)
    for row in range(len(fused)):
        fused[row] = table[strength[row], probability[row]]
    return fused


def infrared_evidence(probability: Bytes, strength: Bytes) -> npt.NDArray[np.float64]:
    """Return the log odds that each strength adds on this frame, (9,), rising."""
    seen = probability[::SAMPLE_STEP, ::SAMPLE_STEP].ravel() / 255.0
    levels = strength[::SAMPLE_STEP, ::SAMPLE_STEP].ravel()
    counts = np.bincount(levels, minlength=len(STRENGTHS) + 1) * float(SAMPLE_STEP**2)
    found = np.bincount(levels, seen, len(STRENGTHS) + 1) * float(SAMPLE_STEP**2)
    share = (found.sum() + BELIEVED_PX * USUAL_SHARE) / (counts.sum() + BELIEVED_PX)
    shares = (found + BELIEVED_PX * share) / (counts + BELIEVED_PX)
    evidence = np.log(shares / (1 - shares)) - np.log(share / (1 - share))
    return np.clip(np.maximum.accumulate(evidence), -MOST_AGAINST, MOST_FOR)


def log_odds(levels: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Return the log odds of probabilities times 255; 0 and 255 stand for half a step from the end."""
    probability = np.clip(levels / 255.0, 0.5 / 255, 254.5 / 255)
    return np.asarray(np.log(probability / (1 - probability)))
