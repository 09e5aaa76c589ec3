"""Model of the picture that leaks into the infrared, fitted on the frame itself.

::

    ln infrared = base of the tile + field(row, col) * sum over channels of f_c(ln channel_c)

f is a straight line in red at first. Curvature, green and blue, and a field that varies over the frame are added only
where they explain held-out tiles better. Each tile has a base of its own, so that lamp and lens do not matter. Dust
darkens red as well as infrared, so that least squares would fit dust instead of dye: the weights are robust, and lower
on the dark side (see docs/explanation/leakage.md).

References: Edgar, US 5,266,805 and ASF, US 6,442,301 (expired) for the regression of infrared on red in density;
Beaton and Tukey 1974 (doi:10.1080/00401706.1974.10489171) for the biweight.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from filmscand.ir.leakage import _model_kernels as kernels
from filmscand.ir.leakage.level_misfit import Levels, level_misfit
from filmscand.ir.planes.photometry import COUNTS
from filmscand.ir.statistics import BRIGHT_LIMIT, DARK_LIMIT, bright_scale, one_sided_biweight, sample

Array = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

# Part of the held-out variance that more terms have to explain; dyes leak mainly by their red.
WORTH_A_MODEL = 0.01
# Prior standard deviation of a slope; it matters only where a frame is flat.
SLOPE_PRIOR = 0.5
# Reweighting rounds from an arbitrary start, and from a fit that is nearly right.
ROUNDS = 8
ROUNDS_MORE = 3
# Quantile of the fitted pixels beyond which brighter light leaks no less.
BRIGHTEST_PART = 0.9995

# Cosines of the field along each axis, the constant among them.
FIELD_WAVES = 4
FLAT_FIELD = (1.0, *(0.0,) * (FIELD_WAVES**2 - 1))
# Prior standard deviation of the constant term of the field; faster waves get less.
FIELD_PRIOR = 0.3
# Part of the held-out variance that a field has to explain.
WORTH_A_FIELD = 0.03

# Terms of the model: (channel, power) of the centred natural log of light.
TERMS = ((0, 1), (1, 1), (2, 1), (0, 2), (0, 3), (1, 2))
# Indices of terms: red, and the three channels.
RED = (0,)
THREE = (0, 1, 2)
# Larger models that are tried, as indices of terms.
CANDIDATES = ((0, 3), (0, 1, 2), (0, 1, 2, 3), (0, 1, 2, 3, 4, 5))
CURVATURE_TERM = 3


@dataclass(frozen=True, slots=True)
class Leakage:
    """The picture that leaks into the infrared plane of one frame.

    Attributes
    ----------
    tables : (3, 65536) ndarray of float32
        Contribution of each count of red, green and blue to ln infrared.
    channels : int
        1 where red alone leaks, else 3.
    slopes : tuple of float
        Mean slope of each channel over the frame; their sum is the part of a neutral defect's density that the model
        removes from the infrared by mistake.
    curvature : float
        Coefficient of the squared ln red.
    noise : float
        Robust standard deviation of the clean film's residual, natural log.
    explained : float
        Part of the infrared's variance within tiles that the picture explains, 0..1.
    field : tuple of float
        16 coefficients (4 cosines along the rows by 4 along the columns) of the local factor on the leakage, which lamp
        or film may change over the frame.
    shares : tuple of float
        Slopes of red, green and blue in a straight fit on all three, whether green and blue help or not, divided by
        their sum.
    """

    tables: Array
    channels: int
    slopes: tuple[float, float, float]
    curvature: float
    noise: float
    explained: float
    field: tuple[float, ...] = FLAT_FIELD
    shares: tuple[float, float, float] = (1.0, 0.0, 0.0)

    def field_at(self, row: npt.NDArray[np.int64], col: npt.NDArray[np.int64], shape: tuple[int, int]) -> Array:
        """Return the local factor on the leaked density.

        Parameters
        ----------
        row, col : ndarrays of int64, broadcastable
            Pixels of the frame.
        shape : (rows, cols)
            Size of the frame, pixels.

        Returns
        -------
        ndarray of float32
            Factor at each pixel, about 1.
        """
        if self.field == FLAT_FIELD:
            return np.ones(np.broadcast_shapes(row.shape, col.shape), np.float32)
        terms = _field_terms(2 * row / shape[0] - 1.0, 2 * col / shape[1] - 1.0)
        return np.asarray(terms @ np.array(self.field), np.float32)

    @property
    def defect_gain(self) -> float:
        """Factor that restores the density of a neutral defect: 1 / (1 - sum of slopes), 1..10."""
        return 1.0 / (1.0 - min(max(sum(self.slopes), 0.0), 0.9))


@dataclass(frozen=True, slots=True)
class LeakageSamples:
    """Registered pixels of the tiles, on which the leakage is fitted.

    Attributes
    ----------
    log_rgb, log_infrared : (tiles, pixels, 3) and (tiles, pixels) ndarray of float32
        Natural log of light.
    valid : (tiles, pixels) ndarray of bool
        True for film off hard edges whose infrared is not clipped.
    lit : (tiles, pixels) ndarray of bool
        Valid pixels whose red is well above its noise; the slopes are fitted on these.
    centres : (tiles, 2) ndarray of float64
        Row and column of each tile's centre, scaled to -1..1 over the frame.
    """

    log_rgb: Array
    log_infrared: Array
    valid: npt.NDArray[np.bool_]
    lit: npt.NDArray[np.bool_]
    centres: Doubles


def fit_leakage(samples: LeakageSamples, log_tables: Array, *, rough: bool = False) -> Leakage:
    """Fit the leakage model of one frame.

    Iteratively reweighted least squares of ln infrared on the terms of the model, each tile about its own weighted
    mean; the weights are one-sided biweights, and the noise is measured on the bright side.

    Parameters
    ----------
    samples : LeakageSamples
        Registered pixels of the frame.
    log_tables : (4, 65536) ndarray of float32
        Natural log of light for each count (see `Photometry`).
    rough : bool
        True: fit a straight line in red alone, without a field and shares.

    Returns
    -------
    Leakage
        No leakage (slopes 0) where fewer than 500 pixels are valid, or where the slopes sum up to less than 0: dye does
        not brighten infrared.
    """
    if samples.valid.sum() < 500:
        return no_leakage()
    centre = np.median(samples.log_rgb[samples.lit][::7], axis=0).astype(np.float64)
    problem = _Problem.of(samples, centre)
    fit = _best_start(problem, RED)
    if not rough:
        fit = _grow_model(problem, fit)
    slopes = _mean_slopes(problem, fit)
    if sum(slopes) < 0:
        return no_leakage(fit.noise)
    spread = bright_scale(_centred(problem.target, problem.valid)[problem.valid > 0])
    explained = float(np.clip(1.0 - fit.noise**2 / max(spread**2, 1e-12), 0.0, 1.0))
    curvature = float(fit.on((CURVATURE_TERM,)).coefficients[0])
    channels = 1 if all(TERMS[term][0] == 0 for term in fit.terms) else 3
    tables = _tables(log_tables, fit, centre)
    whole = replace(problem, valid=samples.valid.astype(np.float64))
    residual = whole.target - whole.design[..., list(fit.terms)] @ fit.coefficients
    levels = Levels(whole.design[..., 0], residual, whole.valid)
    tables[0] += level_misfit(levels, fit.noise, log_tables[0] - np.float32(centre[0]))
    tables[0] = _rising(tables[0], int(np.searchsorted(log_tables[0], centre[0])))
    _hold_highlights(tables, problem, log_tables, centre)
    field = FLAT_FIELD if rough else _measure_field(problem, fit, samples.centres)
    shares = (1.0, 0.0, 0.0) if rough else _shares(problem, fit)
    return Leakage(tables, channels, slopes, curvature, fit.noise, explained, field, shares)


def _shares(problem: _Problem, fit: _Fit) -> tuple[float, float, float]:
    """Return the slopes of a straight fit on all three channels, divided by their sum."""
    slopes = _reweighted(problem, fit.on(THREE), ROUNDS_MORE).coefficients
    red, green, blue = (slopes / (slopes.sum() or 1.0)).tolist()
    return red, green, blue


def no_leakage(noise: float = 0.0) -> Leakage:
    """Return a model without leakage, for clean film of the given noise (natural log)."""
    return Leakage(np.zeros((3, COUNTS), np.float32), 1, (0.0, 0.0, 0.0), 0.0, noise, 0.0)


@dataclass(frozen=True, slots=True)
class _Problem:
    """Target (tiles, pixels), design (tiles, pixels, terms) and validity (tiles, pixels; 0 or 1) of the fit."""

    target: Doubles
    design: Doubles
    valid: Doubles

    @classmethod
    def of(cls, samples: LeakageSamples, centre: Doubles) -> _Problem:
        logs = samples.log_rgb - centre
        design = np.stack([logs[..., channel] ** power for channel, power in TERMS], axis=-1)
        return cls(samples.log_infrared.astype(np.float64), design, samples.lit.astype(np.float64))

    def part(self, tiles: npt.NDArray[np.bool_]) -> _Problem:
        return _Problem(self.target[tiles], self.design[tiles], self.valid[tiles])


@dataclass(frozen=True, slots=True)
class _Fit:
    terms: tuple[int, ...]
    coefficients: Doubles
    noise: float

    def on(self, terms: tuple[int, ...]) -> _Fit:
        """Return the fit on other terms, with coefficient 0 for new ones."""
        known = dict(zip(self.terms, self.coefficients, strict=True))
        return _Fit(terms, np.array([known.get(term, 0.0) for term in terms]), self.noise)


def _best_start(problem: _Problem, terms: tuple[int, ...]) -> _Fit:
    """Fit from no leakage and from least squares, and keep the fit with less noise: dust may mislead either."""
    ordinary = _solve(problem, terms, problem.valid, 1.0)
    starts = (np.zeros(len(terms)), ordinary)
    return min((_reweighted(problem, _Fit(terms, start, 1.0), ROUNDS) for start in starts), key=lambda fit: fit.noise)


def _grow_model(problem: _Problem, fit: _Fit) -> _Fit:
    """Add terms while they lower the variance of held-out tiles."""
    best, best_variance = fit, _held_out_variance(problem, fit)
    for terms in CANDIDATES:
        more = len(terms) - len(best.terms)
        if more <= 0:
            continue
        grown = _reweighted(problem, best.on(terms), ROUNDS_MORE)
        variance = _held_out_variance(problem, grown)
        if variance < (1 - WORTH_A_MODEL) * best_variance:
            best, best_variance = grown, variance
    return best


def _held_out_variance(problem: _Problem, fit: _Fit) -> float:
    """Return the robust residual variance of each half of the tiles under the model fitted to the other half, mean."""
    variances = []
    for fitted, held in _halves(len(problem.target)):
        learning, test = problem.part(fitted), problem.part(held)
        if not test.valid.any() or not learning.valid.any():
            return np.inf
        half = _reweighted(learning, fit, ROUNDS_MORE)
        variances.append(_test_scale(test, test.design[..., list(half.terms)] @ half.coefficients) ** 2)
    return float(np.mean(variances))


def _reweighted(problem: _Problem, fit: _Fit, rounds: int) -> _Fit:
    coefficients, noise = fit.coefficients, fit.noise
    weights, sampled = problem.valid.copy(), sample(np.flatnonzero(problem.valid))
    for _ in range(rounds):
        residual = _residual(problem, _Fit(fit.terms, coefficients, noise), weights)
        noise = max(bright_scale(residual.ravel()[sampled]), 1e-5)
        kernels.biweights(residual, problem.valid, noise, (DARK_LIMIT, BRIGHT_LIMIT), weights)
        coefficients = _solve(problem, fit.terms, weights, noise)
    return _Fit(fit.terms, coefficients, noise)


def _residual(problem: _Problem, fit: _Fit, weights: Doubles) -> Doubles:
    residual = np.empty_like(problem.target)
    terms = np.array(fit.terms, np.int64)
    kernels.centred_residual(problem.target, problem.design, terms, fit.coefficients, weights, residual)
    return residual


def _centred(values: Doubles, weights: Doubles) -> Doubles:
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    return np.asarray(values - (weights * values).sum(axis=1, keepdims=True) / total)


def _solve(problem: _Problem, terms: tuple[int, ...], weights: Doubles, noise: float) -> Doubles:
    """Solve weighted least squares with a base for each tile and a weak prior of no leakage."""
    count = len(terms)
    normals = np.empty((len(problem.target), count, count + 1))
    kernels.tile_normals(problem.target, problem.design, np.array(terms, np.int64), weights, normals)
    normal = normals.sum(axis=0)
    ridge = np.eye(count) * (noise / SLOPE_PRIOR) ** 2
    return np.asarray(np.linalg.solve(normal[:, :count] + ridge, normal[:, count]))


def _field_terms(row: Doubles, col: Doubles) -> Doubles:
    row, col = np.broadcast_arrays(row, col)
    down, across = (np.cos(np.pi / 2 * (at[..., None] + 1) * np.arange(FIELD_WAVES)) for at in (row, col))
    terms = down[..., :, None] * across[..., None, :]
    return terms.reshape(*terms.shape[:-2], FIELD_WAVES**2)


def _measure_field(problem: _Problem, fit: _Fit, centres: Doubles) -> tuple[float, ...]:
    """Fit the local factor on the leakage; flat unless it lowers the variance of held-out tiles."""
    leak = problem.design[..., list(fit.terms)] @ fit.coefficients
    gains = []
    for learning, test in _halves(len(leak)):
        if not problem.valid[test].any() or not problem.valid[learning].any():
            return FLAT_FIELD
        field = _fit_field(problem, leak, centres, learning)
        factor = (_field_terms(centres[test, 0], centres[test, 1]) @ field)[:, None]
        flat, bent = (_test_scale(problem.part(test), part) for part in (leak[test], factor * leak[test]))
        gains.append(1 - (bent / max(flat, 1e-9)) ** 2)
    if np.mean(gains) < WORTH_A_FIELD:
        return FLAT_FIELD
    return tuple(_fit_field(problem, leak, centres, np.ones(len(leak), np.bool_)).tolist())


def _halves(tiles: int) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """Return two random halves of the tiles in both orders; drawn, so that neither follows the columns of the grid."""
    first = np.random.default_rng(0).permutation(tiles) < tiles // 2
    return [(first, ~first), (~first, first)]


def _test_scale(problem: _Problem, model: Doubles) -> float:
    """Return the standard deviation of the clean film about a model, less the median of each tile."""
    residual = np.where(problem.valid > 0, problem.target - model, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a tile without a valid pixel has no median
        residual = residual - np.nanmedian(residual, axis=1, keepdims=True)
    return bright_scale(residual[problem.valid > 0])


def _fit_field(problem: _Problem, leak: Doubles, centres: Doubles, tiles: npt.NDArray[np.bool_]) -> Doubles:
    """Fit the cosines to the slope of infrared on leakage in each tile; the prior keeps fast waves small."""
    target, valid, leak = problem.target[tiles], problem.valid[tiles], leak[tiles]
    terms = _field_terms(centres[tiles, 0], centres[tiles, 1])
    waves = np.add.outer(np.arange(FIELD_WAVES) ** 2, np.arange(FIELD_WAVES) ** 2).ravel()
    precision = np.square((1 + waves) / FIELD_PRIOR)
    field = np.array(FLAT_FIELD)
    weights = valid
    for _ in range(ROUNDS_MORE):
        residual = _centred(target - (terms @ field)[:, None] * leak, weights)
        noise = max(bright_scale(residual[valid > 0]), 1e-5)
        weights = valid * one_sided_biweight(residual / noise)
        centred = _centred(leak, weights)
        power = (weights * centred**2).sum(axis=1) / noise**2
        slope = (weights * centred * _centred(target, weights)).sum(axis=1) / noise**2
        normal = terms.T @ (power[:, None] * terms) + np.diag(precision)
        right = terms.T @ slope + np.array(FLAT_FIELD) * precision
        field = np.asarray(np.linalg.solve(normal, right))
    return field


def _hold_highlights(tables: Array, problem: _Problem, log_tables: Array, centre: Doubles) -> None:
    """Keep the leakage constant for light brighter than nearly all fitted pixels.

    Lamps of a night picture hardly occur in the tiles; a slope extrapolated to them would make them defects.
    """
    for channel in range(3):
        brightest = np.quantile(problem.design[..., channel][problem.valid > 0], BRIGHTEST_PART)
        first = int(np.searchsorted(log_tables[channel], brightest + centre[channel]))
        tables[channel, first:] = np.minimum(tables[channel, first:], tables[channel, min(first, COUNTS - 1)])


def _rising(table: Array, centre: int) -> Array:
    """Make the table monotonic from the centre outwards: a fitted curve may turn back at its ends."""
    below = np.minimum.accumulate(table[centre::-1])[::-1]
    above = np.maximum.accumulate(table[centre:])
    return np.concatenate([below[:-1], above]).astype(np.float32)


def _mean_slopes(problem: _Problem, fit: _Fit) -> tuple[float, float, float]:
    """Return the mean derivative of ln infrared by the log of each channel, over the valid pixels."""
    inside = problem.valid > 0
    slopes = [0.0, 0.0, 0.0]
    for term, coefficient in zip(fit.terms, fit.coefficients, strict=True):
        channel, power = TERMS[term]
        logs = problem.design[..., channel][inside]  # the first three terms are the channels themselves
        slopes[channel] += float(coefficient * power * np.mean(logs ** (power - 1)))
    return slopes[0], slopes[1], slopes[2]


def _tables(log_tables: Array, fit: _Fit, centre: Doubles) -> Array:
    """Return the model's contribution to ln infrared for each count of each channel, (3, 65536)."""
    tables = np.zeros((3, COUNTS))
    for term, coefficient in zip(fit.terms, fit.coefficients, strict=True):
        channel, power = TERMS[term]
        tables[channel] += coefficient * (log_tables[channel] - centre[channel]) ** power
    return tables.astype(np.float32)
