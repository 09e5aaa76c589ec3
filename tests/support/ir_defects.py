"""Measurements of defects as tests need them, without a frame."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from filmscand.ir.decision.slopes import DefectSample, Edges, Slopes
from filmscand.ir.healing.absorption import InfraredResponse
from filmscand.ir.healing.infrared_healing import Measured
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.residual import Residual
from support.ir_frames import plain_photometry


def regions_of(areas_px, depth=0.5, ratio=0.6, deviation=0.02):
    """Sample of regions with an infrared density, a density of the picture against its fill, and the fill's deviation.

    Each value holds for all regions, for each region, or for each pixel; the edges show no changes.
    """
    areas_px = np.asarray(areas_px)
    starts = np.concatenate([[0], np.cumsum(areas_px)]).astype(np.int64)

    def per_pixel(values):
        values = np.asarray(values, np.float32)
        values = np.repeat(values, areas_px) if values.shape == areas_px.shape else values
        return np.tile(np.broadcast_to(values, starts[-1:])[:, None], 3)

    silent = np.tile([0.0] * 7 + [1.0], (len(areas_px), 1))
    return DefectSample(starts, per_pixel(depth), per_pixel(ratio), np.square(per_pixel(deviation)), silent)


def with_edges(sample, slopes, error=0.02, count=400, depth=0.3):
    """The sample with edges that change by multiples of the infrared's changes; NaN: no changes."""
    changes = sample.changes.copy()
    power, left = count * depth**2, count * error**2
    for region, slope in enumerate(slopes):
        if not np.isnan(slope):
            changes[region] = [power, *(slope * power,) * 3, *(slope**2 * power + left,) * 3, count]
    return DefectSample(sample.starts, sample.density, sample.ratio, sample.variance, changes)


def slopes_of(pooled, errors=0.1, depths=0.3, colours=0.0):
    """Slopes of regions from pooled slopes, their errors, depths, and the range of the three channels."""
    pooled, errors, depths, colours = (
        np.array(values, float) for values in np.broadcast_arrays(np.atleast_1d(pooled), errors, depths, colours)
    )
    channels = pooled[:, None] + np.array([-0.5, 0, 0.5]) * colours[:, None]
    return Slopes(channels, np.repeat(errors[:, None], 3, 1), pooled, errors, depths)


def edges_of(slopes, errors=0.1):
    """Slopes of the edges of regions."""
    slopes, errors = (np.array(values, float) for values in np.broadcast_arrays(np.atleast_1d(slopes), errors))
    return Edges(np.repeat(slopes[:, None], 3, 1), slopes, errors)


def whole(count):
    """Parents of regions that are not parts of others."""
    return np.arange(count)


def measured_density(shape, densities, noise):
    """Measurements of a frame with the given infrared densities (nepers) at places."""
    values, grades = np.zeros(shape, np.int16), np.zeros(shape, np.uint8)
    for place, density in densities:
        values[place] = -round(4096 * density)
    flat = np.zeros((-(-shape[0] // 8), -(-shape[1] // 8)), np.float32)
    # Only the level of the base is used.
    base = Base(**{each.name: flat for each in fields(Base)} | {"block_px": 8})
    return Measured(plain_photometry(), Residual(values, grades), base, InfraredResponse(1.0, noise))


class Silent:
    """A view of an infrared plane without any density."""

    def planes(self, _, size):
        return np.zeros((3, *size), np.float32)
