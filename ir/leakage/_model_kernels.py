"""Kernels that sum up the leakage fit tile by tile: for matrices this narrow, loops are faster than BLAS.

They run on one thread: a call takes under a millisecond, less than waking a second thread takes.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def centred_residual(target, design, terms, coefficients, weights, residual):
    """Compute target - model, less its weighted mean in each tile; (tiles, pixels)."""
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
    """Sum up the normal equations of each tile about its weighted means, (tiles, terms, terms + 1), right side last."""
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
    """Compute Tukey's biweight of the residual, with separate limits on the dark and the bright side.

    scale: standard deviation of the residual; limits: (dark, bright), deviations; valid: 0 or 1; weights: the result;
    residual, valid and weights are (tiles, pixels). See `one_sided_biweight`.
    """
    dark, bright = 1.0 / (scale * limits[0]), 1.0 / (scale * limits[1])
    for tile in range(residual.shape[0]):
        for pixel in range(residual.shape[1]):
            value = residual[tile, pixel]
            reach = value * (dark if value < 0.0 else bright)
            kept = max(1.0 - reach * reach, 0.0)
            weights[tile, pixel] = valid[tile, pixel] * kept * kept
