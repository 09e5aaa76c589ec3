"""Frames of the film model that several tests share: each is simulated, and cleaned, once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numba
import numpy as np
import pytest
from scipy import ndimage

from filmscand.film.frame import Damage, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import PICTURES
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.leakage.film_base import Base, RedPlane, measure_base
from filmscand.ir.leakage.focus import leakage_samples
from filmscand.ir.leakage.model import fit_leakage
from filmscand.ir.leakage.noise import measure_noise
from filmscand.ir.leakage.residual import Fitted, residual_density, tile_residuals
from filmscand.ir.planes.holder import BLOCK_PX, find_holder
from filmscand.ir.planes.photometry import Photometry, measure_photometry
from filmscand.ir.planes.tiles import take_tiles
from filmscand.ir.registration.registration import same_grid

# Display values of linear counts, one table for each colour.
DISPLAY = np.repeat((((np.arange(65536) + 1) / 65536) ** (1 / 2.2))[None], 3, 0).astype(np.float32)
NO_DAMAGE = Damage(dust=0, dirt=0, short_hairs=0, long_hairs=0, scratches=0)
# Without compilation a whole frame takes minutes; tests of single kernels run all the same.
compiled = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="kernels are not compiled")


@cache
def simulated(kind, picture, shape=(400, 600), seed=1, **changes):
    """Simulate a frame of a kind; `changes` replace parts of its recipe."""
    return simulate_frame(PICTURES[picture](*shape, seed), replace(KINDS[kind], **changes), seed=seed)


@cache
def cleaned(kind, picture, shape=(400, 600), seed=1, sensitivity=0.5, **changes):
    """Clean a simulated frame."""
    frame = simulated(kind, picture, shape, seed, **changes)
    return clean_frame(frame.rgb, frame.infrared, CleanOptions(sensitivity))


def photometry_and_tiles(rgb, infrared):
    """Photometry and tiles of a frame."""
    photometry = measure_photometry(rgb, infrared)
    return photometry, take_tiles(rgb, infrared, photometry, find_holder(infrared, photometry.black[3]))


def plain_photometry(dark_noise=1e-4, infrared_clip=65536):
    """A photometry of light proportional to the counts, white at 60000."""
    table = np.log(np.maximum(np.arange(65536), 1) / 60000).astype(np.float32)
    noises = (dark_noise,) * 4
    return Photometry(np.repeat(table[None], 4, 0), (0.0,) * 4, (60000.0,) * 4, noises, (1e-6,) * 4, infrared_clip)


def base_of(level, block_px):
    """A base of clear film with a level for each block and no picture."""
    level = np.asarray(level, np.float32)
    nothing, film = np.zeros(level.shape, np.uint8), np.ones(level.shape, np.bool_)
    return Base(block_px, level, np.ones_like(level), nothing, ~film, level.copy(), film, np.zeros_like(level))


def no_holder(shape):
    """Blocks of a frame without a holder."""
    return np.zeros((-(-shape[0] // BLOCK_PX), -(-shape[1] // BLOCK_PX)), np.bool_)


def picture_of(red, photometry=None):
    """The red plane of a base: counts with their photometry, or natural logs of light, kept to a thousandth."""
    if photometry is not None:
        return RedPlane(np.ascontiguousarray(red), photometry.log_tables[0])
    return RedPlane(np.rint(red * 1000 + 30000).astype(np.uint16), (np.arange(65536, dtype=np.float32) - 30000) / 1000)


@cache
def texture(shape, seed=1):
    """A picture with detail at all scales, nepers."""
    rng = np.random.default_rng(seed)
    octaves = (ndimage.gaussian_filter(rng.standard_normal(shape), scale) * scale for scale in (1, 2, 4, 8, 16))
    return sum(octaves)


def two_planes(leak, infrared_shift, noise=0.003, shape=(600, 900)):
    """A picture and an infrared plane that shows a part of it, moved by a function of row and column."""
    rng = np.random.default_rng(7)
    picture = texture(shape)
    grid = np.mgrid[: shape[0], : shape[1]].astype(float)
    moved = ndimage.map_coordinates(picture, grid - infrared_shift(*grid), order=3, mode="nearest")
    rgb = np.repeat((30000 * np.exp(0.5 * (picture - picture.max()))).astype(np.uint16)[..., None], 3, -1)
    infrared = 40000 * np.exp(0.5 * leak * moved + noise * rng.standard_normal(shape))
    return rgb, np.rint(infrared).astype(np.uint16)


def flat_planes(shape, rgb=30000, infrared=40000, noise=0.0, seed=0):
    """Planes of one value each, with relative noise."""
    rng = np.random.default_rng(seed)
    picture = rgb * (1 + noise * rng.standard_normal((*shape, 3)))
    plane = infrared * (1 + noise * rng.standard_normal(shape))
    return tuple(np.clip(np.rint(counts), 0, 65535).astype(np.uint16) for counts in (picture, plane))


@cache
def measured_film(kind, picture):
    """Residual, base and noise of a frame of one pass, and its truly clean pixels."""
    frame = simulated(kind, picture)
    rows = len(frame.infrared)
    photometry, tiles = photometry_and_tiles(frame.rgb, frame.infrared)
    leakage = fit_leakage(leakage_samples(tiles, same_grid(rows), 0.6), photometry.log_tables)
    fitted = Fitted(leakage, same_grid(rows), 0.6)
    residual = residual_density(frame.rgb, frame.infrared, photometry, fitted)
    base = measure_base(residual, no_holder(frame.infrared.shape), BLOCK_PX, picture_of(frame.rgb[..., 0], photometry))
    (unmixed, margin), (mixed, _) = (tile_residuals(tiles, photometry, fitted, mixing=m) for m in (False, True))
    noise = measure_noise(base, tiles, unmixed, mixed, margin)
    return residual, base, noise, ndimage.binary_erosion(~frame.any_mask, iterations=4)
