"""The sums of the leakage fit, tile by tile: matrices this narrow are faster summed by hand than through BLAS.

Serial on purpose: each call takes under a millisecond, less than it takes to wake a second thread.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def centred_residual(target, design, terms, coefficients, weights, residual):
    """Target less the model, about each tile's weighted mean; (tiles, pixels)."""
    for tile in range(target.shape[0]):
        total = 1e-9
        mean = 0.0
        for pixel in range(target.shape[1]):
            value = target[tile, pixel]
            for index in range(terms.shape[0]):
                value -= coefficients[index] * design[tile, pixel, terms[index]]
            residual[tile, pixel] = value
            total += weights[tile, pixel]
            mean += weights[tile, pixel] * value
        mean /= total
        for pixel in range(target.shape[1]):
            residual[tile, pixel] -= mean


@njit(cache=True)
def tile_normals(target, design, terms, weights, normals):
    """Normal equations of each tile about its weighted means: (tiles, terms, terms + 1), the right side last."""
    count = terms.shape[0]
    for tile in range(target.shape[0]):
        means = np.zeros(count + 1)
        row = np.empty(count + 1)
        normals[tile] = 0.0
        total = 1e-9
        for pixel in range(target.shape[1]):
            weight = weights[tile, pixel]
            total += weight
            for index in range(count):
                means[index] += weight * design[tile, pixel, terms[index]]
            means[count] += weight * target[tile, pixel]
        means /= total
        for pixel in range(target.shape[1]):
            weight = weights[tile, pixel]
            if weight == 0.0:
                continue
            for index in range(count):
                row[index] = design[tile, pixel, terms[index]] - means[index]
            row[count] = target[tile, pixel] - means[count]
            for index in range(count):
                for other in range(index, count + 1):
                    normals[tile, index, other] += weight * row[index] * row[other]
        for index in range(count):
            for other in range(index):
                normals[tile, index, other] = normals[tile, other, index]


@njit(cache=True)
def biweights(residual, valid, scale, limits, weights):
    """Tukey's biweight of the residual in deviations, with a limit of its own on the dark and on the bright side.

    limits: (dark, bright), in deviations; valid: 0 or 1; weights: the result, all (tiles, pixels).
    """
    dark, bright = 1.0 / (scale * limits[0]), 1.0 / (scale * limits[1])
    for tile in range(residual.shape[0]):
        for pixel in range(residual.shape[1]):
            value = residual[tile, pixel]
            reach = value * (dark if value < 0.0 else bright)
            kept = max(1.0 - reach * reach, 0.0)
            weights[tile, pixel] = valid[tile, pixel] * kept * kept
