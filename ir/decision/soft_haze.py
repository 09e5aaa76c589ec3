"""Soft haze that the infrared sees alone: the picture has to confirm it, or it is no defect.

A reflection of the lamp or moisture on a glass dims the infrared softly over dozens of pixels and leaves the picture as
it is. Grease on the film is as soft, but takes light of the picture as well.

::

    haze  = base - median residual of a block, where blocks do not mix film and dust
    slope = density in the picture per density of the haze, from differences between blocks

Haze is confirmed where dividing by the usual exponent promises a smaller error than leaving it, as far as the slope and
its error tell. Other haze is added to the residual, as if the lamp were darker there: specks inside it are found and
healed as elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.decision.slopes import MOST_EXPONENTS, USUAL_EXPONENT
from filmscand.ir.leakage._residual_kernels import STEPS_PER_NEPER
from filmscand.ir.leakage.film_base import MIXED_SPREAD, Base, between_blocks
from filmscand.ir.leakage.residual import Residual
from filmscand.ir.planes.holder import BLOCK_PX as HOLDER_BLOCK_PX
from filmscand.ir.statistics import bright_scale

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Truths = npt.NDArray[np.bool_]

# Side of a block, pixels, a multiple of the holder's. Narrower haze is judged as dust is, by its edges.
BLOCK_PX = 16
# Every fourth row and every second column of a block is read, from the third row and the second column on.
READ_ROWS, READ_COLS = slice(2, None, 4), slice(1, None, 2)
# Standard deviations of clean blocks from which a block is hazy.
SURE = 3.0
# Least part of a spot's density that lies in plain blocks, so that the spot is soft: haze of 30 to 80 pixels in dusty
# photographs had 0.34 or more, misfits of the leakage along black rims 0.14 or less.
LEAST_PLAIN = 0.25
# Distance of two blocks that are compared, blocks. Soft haze changes twice as much over 2 blocks as over 1, against the
# same noise; over 4 and 8 blocks the picture's objects scatter the slopes two and three times as much.
STEP_BLOCKS = 2
# Differences that count as one observation. Slopes of spots and bands of 0.1 neper in 18 photographs without haze
# scatter 1.5 to 2.4 times as much as if each difference counted: the square of about 2.
DIFFERENCES_AS_ONE = 4.0
# Rounds of reweighting; the slope no longer changes after them.
ROUNDS = 10

EIGHT_NEIGHBOURS = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Blocks of a frame, (block rows, block cols) each.

    haze: density above clean film, nepers; level: median residual, nepers; film: not the holder; plain: film whose
    blocks do not mix it with dust; noise: standard deviation of clean blocks, nepers, in the proportion of the pixels'
    noise there.
    """

    haze: Array
    level: Array
    film: Truths
    plain: Truths
    noise: Array


def without_unseen_haze(
    rgb: npt.NDArray[np.uint16], log_tables: Array, measured: tuple[Residual, Base, Truths], gain: float
) -> Residual:
    """Return the residual without the soft haze that the picture does not confirm.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture.
    log_tables : (3 or more, 65536) ndarray of float32
        Natural log of light for each count of red, green and blue.
    measured : Residual, Base, (ceil(rows / 8), ceil(cols / 8)) ndarray of bool
        Residual of the frame, its base, and True for blocks of 8 by 8 pixels without film.
    gain : float
        Factor that gives a grey defect its full infrared density back.

    Returns
    -------
    Residual
        The one given where there is no such haze.
    """
    residual, base, no_film = measured
    blocks = _measure_blocks(residual, base, no_film)
    smooth = _smooth_haze(blocks)
    labels, count = ndimage.label((smooth > SURE * blocks.noise) & blocks.film, EIGHT_NEIGHBOURS)
    if not count:
        return residual
    light = _block_medians(_mean_log(rgb[READ_ROWS, READ_COLS], log_tables), labels.shape)
    unseen = np.zeros(labels.shape, np.bool_)
    for spot in (labels == number for number in range(1, count + 1)):
        if _is_soft(blocks, spot) and not _is_confirmed(*_slope(blocks, light, spot), gain):
            unseen |= spot
    if not unseen.any():
        return residual
    haze = np.maximum(np.where(blocks.plain, blocks.haze, smooth), 0)
    return _brightened(residual, haze * (ndimage.binary_dilation(unseen, EIGHT_NEIGHBOURS) & blocks.film))


def _is_soft(blocks: _Blocks, spot: Truths) -> bool:
    haze = np.maximum(blocks.haze[spot], 0)
    return bool((haze * blocks.plain[spot]).sum() > LEAST_PLAIN * haze.sum())


def _is_confirmed(slope: float, error: float, gain: float) -> bool:
    """Whether dividing by the usual exponent m promises a smaller error than leaving: mean(s) > m / 2.

    The mean of the slope s is shrunk to 0, that of haze in the infrared alone, with the deviation m. No haze takes far
    more light than its density says: a darker place belongs to the picture.
    """
    exponent = USUAL_EXPONENT[0] * gain
    mean = slope / (1 + (error / exponent) ** 2)
    return bool(mean > exponent / 2 and slope - error < MOST_EXPONENTS[0] * exponent)


def _slope(blocks: _Blocks, light: Array, spot: Truths) -> tuple[float, float]:
    """Regress the picture's differences between blocks on the infrared's; return the slope and its standard error.

    slope = sum(w dx dy) / (sum(w dx^2) - noise), with Cauchy's weights w, because objects of the picture are outliers.
    """
    moves = ((STEP_BLOCKS, 0), (0, STEP_BLOCKS))
    pairs = [_differences(blocks, light, spot, down, across) for down, across in moves]
    infrared, picture = (np.concatenate(parts).astype(np.float64) for parts in zip(*pairs, strict=True))
    if not infrared.any():
        return 0.0, np.inf
    noise = float(np.square(blocks.noise[spot]).mean())
    slope, weights = 0.0, np.ones(len(infrared))
    for _ in range(ROUNDS):
        power = weights @ infrared**2
        clean = power - 2 * noise * weights.sum()
        if clean <= 0:
            return 0.0, np.inf
        slope = float(weights @ (infrared * picture) / clean)
        left = picture - slope * infrared
        scale = 1.4826 * float(np.median(np.abs(left))) + 1e-6
        weights = 1 / (1 + (left / scale) ** 2)
    return slope, float(scale * np.sqrt(DIFFERENCES_AS_ONE / clean))


def _differences(blocks: _Blocks, light: Array, spot: Truths, down: int, across: int) -> tuple[Array, Array]:
    """Return the differences of infrared and picture density between plain blocks, one of them at least in the spot."""
    rows, cols = spot.shape
    here, there = np.s_[: rows - down, : cols - across], np.s_[down:, across:]
    paired = (spot[here] | spot[there]) & blocks.plain[here] & blocks.plain[there]
    return tuple((plane[here] - plane[there])[paired] for plane in (blocks.level, light))  # type: ignore[return-value]


def _measure_blocks(residual: Residual, base: Base, no_film: Truths) -> _Blocks:
    rows, cols = residual.values.shape
    shape = (-(-rows // BLOCK_PX), -(-cols // BLOCK_PX))
    values = np.asarray(residual.values[READ_ROWS, READ_COLS] / STEPS_PER_NEPER, np.float32)
    level = _block_medians(values, shape)
    read = (np.arange(rows)[READ_ROWS], np.arange(cols)[READ_COLS])
    inside = np.sort(_samples(values - between_blocks(level, BLOCK_PX, read), shape), axis=-1)
    count = inside.shape[-1]
    spread = (inside[..., -1 - count // 6] - inside[..., count // 6]) / 2
    centres = (np.arange(shape[0]) * BLOCK_PX + BLOCK_PX // 2, np.arange(shape[1]) * BLOCK_PX + BLOCK_PX // 2)
    clean, usual = (between_blocks(grid, base.block_px, centres) for grid in (base.level, base.spread))
    usual = np.maximum(usual, np.float32(1 / STEPS_PER_NEPER))
    film = ~_has_holder(no_film, shape)
    plain = film & ~ndimage.binary_dilation(spread > MIXED_SPREAD * usual, EIGHT_NEIGHBOURS)
    haze = clean - level
    noise = usual * np.float32(bright_scale(-(haze / usual)[plain].astype(np.float64)) if plain.any() else 1.0)
    return _Blocks(haze, level, film, plain, noise)


def _smooth_haze(blocks: _Blocks) -> Array:
    """Return the haze smoothed over a block's neighbours, across blocks that are not plain; smoothing is done twice.

    The second time smooths what the first one left over, so that peaks stay.
    """
    weights = np.maximum(_smoothed(blocks.plain.astype(np.float32)), np.float32(1e-6))
    first = _smoothed(np.where(blocks.plain, blocks.haze, 0)) / weights
    return np.asarray(first + _smoothed(np.where(blocks.plain, blocks.haze - first, 0)) / weights)


def _smoothed(grid: Array) -> Array:
    return np.asarray(ndimage.gaussian_filter(grid, 1.0, mode="nearest"))


def _brightened(residual: Residual, haze: Array) -> Residual:
    """Return the residual with the density of haze added; the haze is interpolated between blocks."""
    values = residual.values.copy()
    for hazy in ndimage.find_objects(ndimage.label(haze > 0, EIGHT_NEIGHBOURS)[0]):
        rows, cols = (_pixels(blocks, side) for blocks, side in zip(hazy, values.shape, strict=True))
        piece = np.s_[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        added = between_blocks(haze, BLOCK_PX, (rows, cols)) * STEPS_PER_NEPER
        values[piece] = residual.values[piece] + np.rint(added)
    return replace(residual, values=values)


def _pixels(blocks: slice, side_px: int) -> npt.NDArray[np.int64]:
    """Return the rows or columns of some blocks and of one block more at both ends, pixels."""
    return np.arange(max(blocks.start - 1, 0) * BLOCK_PX, min((blocks.stop + 1) * BLOCK_PX, side_px))


def _mean_log(rgb: npt.NDArray[np.uint16], log_tables: Array) -> Array:
    return np.asarray(log_tables[np.arange(3), rgb].mean(axis=-1), np.float32)


def _samples(plane: Array, shape: tuple[int, int]) -> Array:
    """Return the pixels of each block that are read, (block rows, block cols, 32); `plane` holds these pixels alone."""
    down, across = len(range(BLOCK_PX)[READ_ROWS]), len(range(BLOCK_PX)[READ_COLS])
    missing = (shape[0] * down - plane.shape[0], shape[1] * across - plane.shape[1])
    padded = np.pad(plane, ((0, missing[0]), (0, missing[1])), mode="edge")
    return padded.reshape(shape[0], down, shape[1], across).swapaxes(1, 2).reshape(*shape, -1)


def _block_medians(plane: Array, shape: tuple[int, int]) -> Array:
    return np.asarray(np.median(_samples(plane, shape), axis=-1), np.float32)


def _has_holder(no_film: Truths, shape: tuple[int, int]) -> Truths:
    ratio = BLOCK_PX // HOLDER_BLOCK_PX
    missing = (shape[0] * ratio - no_film.shape[0], shape[1] * ratio - no_film.shape[1])
    padded = np.pad(no_film, ((0, missing[0]), (0, missing[1])), mode="edge")
    return np.asarray(padded.reshape(shape[0], ratio, shape[1], ratio).any(axis=(1, 3)))
