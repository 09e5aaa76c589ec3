"""Heal defects by infrared: divide where light comes through, fill where none does, blend in between, or leave alone.

Only defect pixels are computed, and only from untouched pixels. Values are compared as the eye sees them (light to the
power 1 / 2.2). For each pixel there are two estimates with expected squared errors: the picture's own light divided by
the defect's transmittance (error e_d), and an interpolation from the surroundings (error e_f). The healed value is

    w * divided + (1 - w) * fill,    w = e_f / (e_f + e_d)    (the Wiener weight),

which makes the tiers one formula. A region is healed whole or left whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _defect_kernels as kernels
from filmscand.ir.decision.slopes import DefectSample
from filmscand.ir.detection.regions import Regions, select
from filmscand.ir.healing import _healing_kernels as healing_kernels
from filmscand.ir.healing.absorption import Absorption, InfraredResponse, fit_absorption
from filmscand.ir.healing.borrowed_grain import GRAINY_PX, Surroundings, borrowed_grain, measure_detail
from filmscand.ir.healing.cells import count_outcomes, split_into_cells
from filmscand.ir.healing.filling import (
    GRAIN_VARIANCE,
    colour_levels,
    display_tables,
    fill_from_surroundings,
    pixel_states,
)
from filmscand.ir.leakage._residual_kernels import CLIPPED
from filmscand.ir.leakage.film_base import Base
from filmscand.ir.leakage.residual import Residual
from filmscand.ir.planes.photometry import Photometry

Array = npt.NDArray[np.float32]

# Squared error of a fill per spread of its directions: regression on simulated film, where the truth is known
# (bench/quality prints it).
SPREAD_ERROR = 2.0
# Squared error of a fill per disagreement of its ends, from the same regression.
DOUBT_ERROR = 0.3
# Smallest change worth making, as a part of the light: smaller ones are not seen.
SMALLEST_CHANGE = 0.006
# Factor on the dark noise in the error of a defect's density.
DARK_DOUBT = 2.0
# Part of a density's fine detail that lies a fraction of a pixel elsewhere in the picture, or is blurred differently
# there.
EDGE_MISFIT = 0.2
# Variance of full light as a part of its square. Flare and the surroundings' blur bring its noise under opaque dust,
# which dividing would amplify with the rest.
SHOT_NOISE = 1 / 60_000
# Filled part of a cell from which its missing grain is seen.
LEAST_FILLED = 0.1


@dataclass(frozen=True, slots=True)
class Healed:
    """A healed picture and what was done to it.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the healed picture.
    mask : (rows, cols) ndarray of bool
        Pixels that were changed.
    divided, filled, left : int
        Regions healed mostly by dividing, mostly by filling, and not at all.
    exponent : float
        The frame's usual density in the picture per density in infrared; 1 where none is known.
    by_colours : int
        Regions of those divided and filled that the colours healed, because infrared hardly shows them.
    """

    rgb: npt.NDArray[np.uint16]
    mask: npt.NDArray[np.bool_]
    divided: int
    filled: int
    left: int
    exponent: float = 1.0
    by_colours: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of a frame before healing.

    Attributes
    ----------
    photometry : Photometry
        Levels and noise of the planes.
    residual : Residual
        Infrared density without the picture's leakage.
    base : Base
        Residual of clean film, block by block.
    response : InfraredResponse
        How the infrared sees defects.
    """

    photometry: Photometry
    residual: Residual
    base: Base
    response: InfraredResponse


@dataclass(frozen=True, slots=True)
class _DefectPixels:
    """Defect pixels: display values raw and filled, expected squared error of the fill, and noise; (pixels, 3) each."""

    raw: Array
    fill: Array
    fill_variance: Array
    noise: Array
    sample: DefectSample


@dataclass(frozen=True, slots=True)
class _FittedCells:
    """Cells of defects, the region that each was cut from, what was fitted, and what infrared tells of each pixel."""

    cells: Regions
    parents: npt.NDArray[np.int64]
    pixels: _DefectPixels
    absorption: Absorption
    states: npt.NDArray[np.uint8]
    told: npt.NDArray[np.uint8]


def heal(rgb: npt.NDArray[np.uint16], regions: Regions, measured: Measured) -> Healed:
    """Heal the defects of a frame by infrared, each of them whole.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    regions : Regions
        The defects.
    measured : Measured
        Measurements of the frame.

    Returns
    -------
    Healed
        Outside `mask` equal to `rgb` to the last bit.
    """
    healed, mask = np.empty_like(rgb), np.zeros(rgb.shape[:2], np.bool_)
    healing_kernels.copy_rows(rgb, healed)
    if not len(regions):
        return Healed(healed, mask, 0, 0, 0)
    fitted = _fit_cells(rgb, split_into_cells(regions), measured)
    cells, pixels, absorption, noise = fitted.cells, fitted.pixels, fitted.absorption, measured.response.noise
    value, shares = np.empty_like(pixels.raw), np.empty(len(cells))
    filled = np.empty(len(value), np.float32)
    kernels.blend_regions(
        cells.starts,
        absorption.shape,
        pixels.sample.density,
        (pixels.raw, pixels.fill, pixels.fill_variance, pixels.noise),
        (absorption.exponents, absorption.misfit, absorption.roughness, noise * absorption.lift, absorption.bright),
        (absorption.stray, noise * measured.response.gain, absorption.most, EDGE_MISFIT, SHOT_NOISE),
        fitted.told,
        value,
        filled,
        shares,
    )
    value += _grain_of_fills(rgb, fitted, filled, display_tables(measured.photometry))
    levels, chosen = colour_levels(measured.photometry), np.ones(len(cells), np.bool_)
    kernels.write_regions(
        cells.starts, cells.rows, cells.cols, chosen, pixels.raw, value, levels, SMALLEST_CHANGE, healed, mask
    )
    return Healed(healed, mask, *count_outcomes(chosen, shares, fitted.parents), absorption.usual)


def _fit_cells(
    rgb: npt.NDArray[np.uint16], cut: tuple[Regions, npt.NDArray[np.int64]], measured: Measured
) -> _FittedCells:
    """Sample the pixels of the cells, and fit how much light they take."""
    cells, parents = cut
    states = pixel_states(cells, rgb.shape)
    pixels = _sample_pixels(rgb, states, cells, measured)
    unknown = (measured.residual.grades[cells.rows, cells.cols] & CLIPPED) > 0
    absorption = fit_absorption(pixels.sample, parents, unknown, measured.response)
    told = np.where(absorption.bare, kernels.BARE, np.where(unknown, kernels.UNKNOWN, kernels.DARKENED))
    return _FittedCells(cells, parents, pixels, absorption, states, told.astype(np.uint8))


def _grain_of_fills(rgb: npt.NDArray[np.uint16], fitted: _FittedCells, filled: Array, display: Array) -> Array:
    """Return the grain to add to cells that lost theirs to a fill, display values, (pixels, 3)."""
    areas = np.diff(fitted.cells.starts)
    filled_part = np.add.reduceat(filled, fitted.cells.starts[:-1]) / areas
    smooth = (areas >= GRAINY_PX) & (filled_part > LEAST_FILLED)
    added = np.zeros_like(fitted.pixels.fill)
    if smooth.any():
        cells, smooth_pixels, surroundings = (
            select(fitted.cells, smooth),
            np.repeat(smooth, areas),
            Surroundings(display, fitted.states),
        )
        samples = (fitted.pixels.fill[smooth_pixels], measure_detail(rgb, surroundings, cells))
        added[smooth_pixels] = borrowed_grain(rgb, surroundings, cells, samples, filled[smooth_pixels])
    return added


def _sample_pixels(
    rgb: npt.NDArray[np.uint16], states: npt.NDArray[np.uint8], cells: Regions, measured: Measured
) -> _DefectPixels:
    """Sample what is known of each defect pixel: values, fill, noise, density, and changes to its neighbours."""
    rows, cols, count = cells.rows, cells.cols, len(cells.rows)
    tables = measured.photometry.log_tables[:3]
    display = display_tables(measured.photometry)
    fill, error = fill_from_surroundings(rgb, states, cells, display)
    residual = measured.residual
    density = infrared_densities(residual, measured.base, cells)
    raw, noise, ratio, variance = (np.empty((count, 3), np.float32) for _ in range(4))
    dark_noise = np.array(measured.photometry.dark_noise[:3], np.float32)[:, None] * np.exp(-tables)
    weights = np.array([SPREAD_ERROR, DOUBT_ERROR, GRAIN_VARIANCE, DARK_DOUBT], np.float32)
    kernels.sample_pixels(rgb, rows, cols, display, dark_noise, weights, fill, error, raw, noise, ratio, variance)
    changes = np.empty((len(cells), 8))
    kernels.sum_changes(cells.starts, rows, cols, rgb, tables, residual.values, changes)
    return _DefectPixels(raw, fill, error[:, :3], noise, DefectSample(cells.starts, density, ratio, variance, changes))


def infrared_densities(residual: Residual, base: Base, regions: Regions) -> Array:
    """Return the infrared density of each pixel, nepers: plain, and smoothed at two scales, (pixels, 3)."""
    density = np.empty((len(regions.rows), 3), np.float32)
    planes = (residual.values, residual.grades, residual.fractions)
    healing_kernels.densities_at(*planes, base.block_px, base.level, regions.rows, regions.cols, density)
    return density
