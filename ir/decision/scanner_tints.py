"""Tints that are no dust's: colours that a scanner lays beside each other, or does not draw as sharp or as steep.

Silver is grey, but a scan of it is so only as far as the scanner's three colours agree. Where red lies beside green by
a part of a pixel, every edge has a tint: the slope of the density times that shift, which may grow towards the
corners. Where red is not as sharp, it is the bend of the density; where it is steeper, the density itself. So tints
are regressed on these over the whole frame, as leakage is, and what is left is dust and noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision._tint_kernels import TERMS

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

SAMPLE_SQUARES = 40_000
# Deviations of the noise beyond which a square counts as by its distance and not by the square of it: dust does not
# pull (Huber 1964, Robust estimation of a location parameter, Ann. Math. Statist. 35).
HUBER_LIMIT = 1.5
ROUNDS = 12
# What a scanner may have: a tenth of the density, a bend as of half a pixel of blur, shifts of a pixel (squares are 2).
USUAL = np.array([0.1, 0.25, *[0.5] * 6, 1.0])


def fit_scanner_tints(found: Array) -> Array:
    """Return how much of each term the tints have on film without dust.

    Parameters
    ----------
    found : (n, 2 + TERMS) ndarray of float32
        Red's and blue's tint of squares of film, of which some are dust, and the terms; see
        `filmscand.ir.decision._tint_kernels.measure_terms`.

    Returns
    -------
    (2, TERMS) ndarray of float32
        Of red and of blue; near 0 for what the film does not show.
    """
    thin = found[:: max(1, len(found) // SAMPLE_SQUARES)].astype(np.float64)
    return np.stack([_fit(thin[:, tint], thin[:, 2:]) for tint in range(2)]).astype(np.float32)


def _fit(tint: Doubles, terms: Doubles) -> Doubles:
    leaning = np.zeros(TERMS)
    for _ in range(ROUNDS):
        rest = np.abs(tint - terms @ leaning)
        noise = 1.4826 * float(np.median(rest)) + 1e-6
        weighted = terms * np.minimum(1, HUBER_LIMIT * noise / np.maximum(rest, 1e-9))[:, None]
        normal = weighted.T @ terms + np.diag(np.square(noise / USUAL))
        leaning = np.linalg.solve(normal, weighted.T @ tint)
    return leaning
