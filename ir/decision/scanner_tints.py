"""Tints that a scanner makes on film without colour, where its colours differ in place, sharpness or contrast.

Silver is grey, but its scan is grey only as far as the scanner's three colours agree. Where red lies beside green by
part of a pixel, every edge has a tint: the slope of the density times that shift, which may grow towards the corners.
Where red is less sharp, the tint is the second derivative of the density; where red has more contrast, it is the
density itself. So tints are regressed on these terms over the whole frame, as leakage is; dust and noise remain.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision._tint_kernels import TERMS

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Squares of the frame that are fitted, about.
SAMPLE_SQUARES = 40_000
# Residual, in standard deviations of the noise, from which a square's weight falls as its inverse, so that dust hardly
# matters (Huber 1964, Robust estimation of a location parameter, Ann. Math. Statist. 35).
HUBER_LIMIT = 1.5
# Rounds of reweighting.
ROUNDS = 12
# Prior deviations of the coefficients: a tenth of the density, the second derivative of half a pixel of blur, shifts of
# one pixel (a square is 2 pixels), and the square of the slope.
USUAL = np.array([0.1, 0.25, *[0.5] * 6, 1.0])


def fit_scanner_tints(squares: Array) -> Array:
    """Fit how much of each term the tints of film without dust contain.

    tint = terms @ coefficients, by iteratively reweighted least squares with Huber's weights and a ridge that holds the
    coefficients near 0 where the film does not show them.

    Parameters
    ----------
    squares : (n, 2 + TERMS) ndarray of float32
        Squares of film, some of them dust: the tints of red and blue, and the terms (see
        `filmscand.ir.decision._tint_kernels.measure_terms`).

    Returns
    -------
    (2, TERMS) ndarray of float32
        Coefficients for red and for blue.
    """
    sample = squares[:: max(1, len(squares) // SAMPLE_SQUARES)].astype(np.float64)
    return np.stack([_fit(sample[:, tint], sample[:, 2:]) for tint in range(2)]).astype(np.float32)


def _fit(tint: Doubles, terms: Doubles) -> Doubles:
    coefficients = np.zeros(TERMS)
    for _ in range(ROUNDS):
        residual = np.abs(tint - terms @ coefficients)
        noise = 1.4826 * float(np.median(residual)) + 1e-6
        weighted = terms * np.minimum(1, HUBER_LIMIT * noise / np.maximum(residual, 1e-9))[:, None]
        normal = weighted.T @ terms + np.diag(np.square(noise / USUAL))
        coefficients = np.linalg.solve(normal, weighted.T @ tint)
    return coefficients
