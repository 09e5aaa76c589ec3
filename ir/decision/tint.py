"""Tints on film without colour: silver is grey, so a thing that has a tint lies on the film.

Dust never takes exactly as much of each colour. On colour film that says nothing; on silver a hundredth of a density
says something, although grain hides the dust itself: grain has the same density in all colours. The scanner's tints
are subtracted first (`scanner_tints`). The remaining scatter of tints is measured for each frame on film of the same
density and contrast, so that remains at edges, and noise, make tints say less instead of something wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from filmscand.ir.decision import _tint_kernels as kernels
from filmscand.ir.decision.scanner_tints import fit_scanner_tints
from filmscand.ir.detection.regions import Regions, region_means
from filmscand.ir.network.density_input import DensityLevels, density_planes, measure_levels
from filmscand.ir.planes.photometry import SAMPLE_PIXELS

Array = npt.NDArray[np.float32]
SquareMeasure = Callable[[Array, Array, int], Array]

# Largest deviation of a film's tints about the usual ones of its density, between cells this far apart (a lamp's tint
# varies more slowly). Silver has 0.0001 to 0.0005 (up to 0.0009 where blue is 0.6 pixels less sharp); the greyest
# drawings on colour film have 0.001.
MOST_COLOUR, APART_CELLS = 9e-4, 8
# The same limit before the scanner's tints are subtracted: silver has up to 0.002 there, most colour films exceed 0.01.
MOST_SEEMING_COLOUR = 0.01
# Largest tint of the grain, as a part of its density. Each dye of a colour film has its own grain, which makes 2.0 to
# 2.5 even of a picture without colours (independent dyes give the root of 6); silver with a scanner's noise has 0.3 to
# 0.85.
MOST_GRAIN_TINT = 1.4
# Side, in cells of 16 pixels, of the median that gives the film's own tint: lamps and lenses give it a slowly varying
# tint.
CELLS_AROUND = 5
# Rows of squares that are measured at a time.
BAND_SQUARES = 256
# Quantiles of the density that divide squares into classes.
DENSITY_PARTS = tuple(part / 8 for part in range(1, 8))
# Quantiles of the contrast that divide squares into classes.
CONTRAST_PARTS = (0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
# Fewest squares of a class whose noise is known.
FEWEST_SQUARES = 200
# Least standard deviation of a tint, density.
LEAST_NOISE = 2e-4
# Limits of what is known of tints: mean density below which the lack of a tint means nothing, as white dust on an
# inverted negative has lost its own; mean density above which no tint is visible in the dark (of dark dust between the
# two one square in twenty has no tint); noise above which the lack of a tint means nothing, as at edges where a
# scanner's colours lie beside each other.
VISIBLE = (0.1, 1.8, 0.005)
# Upper ends of the grades of a tint, in standard deviations of the noise.
STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0)
# Part of the film's squares in each grade, on simulated silver.
FILM = (0.504, 0.408, 0.077, 0.0075, 1.2e-3, 5.5e-4, 5.4e-4, 2.7e-4, 2.7e-4, 1.7e-4, 1e-4)
# Part of the dust's squares in each grade, on simulated silver.
DUST = (0.14, 0.19, 0.145, 0.105, 0.075, 0.055, 0.075, 0.05, 0.065, 0.045, 0.055)
# Squares of film and of dust that these parts count for, beside the frame's own squares.
USUAL_SQUARES = (2000.0, 500.0)
# Probability by the picture, times 255, below which a square surely is film, and from which it surely is dust.
SURE_LEVELS = (8, 250)
# Factor and offset of the log odds, and their bound, chosen on simulated frames: the squares that count as film contain
# dust that the picture did not show, and the sure dust is dark.
ODDS_FACTOR, ODDS_OFFSET, MOST_ODDS = 1.6, 0.7, 7.0
# Log odds of no tint from which tints say nothing: above it, the frame's sure dust has no tints either.
INFORMATIVE_ODDS = -1.5


@dataclass(frozen=True, slots=True)
class Tints:
    """The tints of a film without colour, and what they say.

    Attributes
    ----------
    grades : (rows // 2, cols // 2) ndarray of uint8
        How far the tint of each square of 2 x 2 pixels stands out of the noise, 0..10; 11 where that is unknown.
    odds : (12,) ndarray of float64
        Log odds of a defect for each grade.
    """

    grades: npt.NDArray[np.uint8]
    odds: npt.NDArray[np.float64]

    def combine(self, probability: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Combine the picture's probability with the tints: log odds of both, added.

        Parameters
        ----------
        probability : (rows, cols) ndarray of uint8
            Probability of a defect by the picture alone, times 255.

        Returns
        -------
        (rows, cols) ndarray of uint8
            Probability by picture and tints, times 255.
        """
        combined = probability.copy()
        kernels.weigh_grades(self.grades, _combined_levels(self.odds), combined)
        return combined

    def mean_odds(self, regions: Regions) -> npt.NDArray[np.float64]:
        """Return the mean log odds of the pixels of each region, (regions,)."""
        rows, cols = (
            np.minimum(positions // 2, length - 1)
            for positions, length in zip((regions.rows, regions.cols), self.grades.shape, strict=True)
        )
        return region_means(self.odds[self.grades[rows, cols]], regions)


def measure_tints(rgb: npt.NDArray[np.uint16], probability: npt.NDArray[np.uint8]) -> Tints | None:
    """Measure the tints of a frame, and what they say, judged by dust that the picture alone surely shows.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    probability : (rows, cols) ndarray of uint8
        Probability of a defect by the picture alone, times 255.

    Returns
    -------
    Tints or None
        None where the film has colours, the scan has none, or the dust has no tints.
    """
    levels = measure_levels(rgb)
    base = _film_tints(rgb, levels)
    if base is None or _grain_tint(rgb, levels) > MOST_GRAIN_TINT:
        return None
    film = _Film(rgb, levels, base)
    bands = film.sampled(film.terms)
    coefficients = fit_scanner_tints(_squares(bands))
    if _colour_spread(_neutral_cells(bands, base, coefficients)) > MOST_COLOUR:
        return None
    tints = partial(film.tints, coefficients)
    noise = _measure_noise(_squares(film.sampled(tints)))
    grades = np.empty((rgb.shape[0] // 2, rgb.shape[1] // 2), np.uint8)
    steps = np.array(STEPS, np.float32)
    for first, measured in film.bands(tints):
        rows = grades[first : first + len(measured)]
        kernels.grade_tints(measured, *noise, np.array(VISIBLE, np.float32), steps, rows)
    counts = np.zeros((2, len(STEPS) + 2), np.int64)
    kernels.count_grades(grades, probability, SURE_LEVELS, counts)
    odds = _grade_odds(counts[:, :-1])
    return Tints(grades, odds) if odds[0] < INFORMATIVE_ODDS else None


def _grade_odds(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the log odds of a defect for each grade, from its numbers of film and dust squares; 0 for unknown."""
    film, dust = (
        (count + squares * np.array(usual)) / (count.sum() + squares)
        for count, squares, usual in zip(counts, USUAL_SQUARES, (FILM, DUST), strict=True)
    )
    odds = np.minimum(ODDS_FACTOR * np.log(dust / film) - ODDS_OFFSET, MOST_ODDS)
    # A stronger tint never says less than a fainter one: where it seems to, missed dust was counted as film.
    return np.append(np.maximum.accumulate(odds), 0.0)


def _combined_levels(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return the combined byte for each grade's log odds and each byte of probability, (grades, 256)."""
    # A byte never stands for certainty.
    share = np.clip((np.arange(256) + 0.5) / 256, 1e-3, 1 - 1e-3)
    return np.rint(255 / (1 + (1 - share) / share * np.exp(-odds[:, None]))).astype(np.uint8)


def _film_tints(rgb: npt.NDArray[np.uint16], levels: DensityLevels) -> Array | None:
    """Return the film's own tints in red and blue, and its density, on cells, (rows, cols, 3).

    None where the film has colours, or the scan none at all.
    """
    rows, cols = (length // kernels.CELL_PX for length in rgb.shape[:2])
    if min(rows, cols) <= APART_CELLS:
        return None
    cells = np.empty((rows, cols, 3), np.float32)
    kernels.measure_cells(rgb, levels.tables, cells)
    tints = cells[..., ::2] - cells[..., 1:2]
    planes = np.concatenate([tints, cells.mean(axis=2, keepdims=True)], axis=2)
    film: Array = ndimage.median_filter(planes, (CELLS_AROUND, CELLS_AROUND, 1), mode="nearest")
    return film if tints.any() and _colour_spread([film]) <= MOST_SEEMING_COLOUR else None


def _grain_tint(rgb: npt.NDArray[np.uint16], levels: DensityLevels) -> float:
    """Return the difference of red's or blue's tint between pixels, as a part of the density's; 0 if all is blank."""
    sample = rgb[:: max(1, rgb.shape[0] * rgb.shape[1] // SAMPLE_PIXELS)]
    steps = np.diff(density_planes(sample, levels), axis=2).reshape(3, -1)
    # Clipped pixels do not differ.
    steps = steps[:, steps.any(axis=0)]
    if not steps.size:
        return 0.0
    tint = np.median(np.abs(steps[::2] - steps[1]), axis=1).max()
    return float(tint / max(np.median(np.abs(steps.mean(axis=0))), 1e-9))


def _neutral_cells(bands: list[tuple[int, Array]], base: Array, coefficients: Array) -> list[Array]:
    """Return, for the cells of some bands, the tints without the scanner's, and the density (see `_film_tints`)."""
    side = kernels.CELL_PX // 2
    cells = []
    for first, measured in bands:
        rows, cols = min(len(measured) // side, len(base) - first // side), base.shape[1]
        film = base[first // side :][:rows]
        residual = (
            measured[: rows * side, : cols * side, :2] - measured[: rows * side, : cols * side, 2:] @ coefficients.T
        )
        tints = (
            film[..., :2]
            - film[..., 2:] * coefficients[:, 0]
            + residual.reshape(rows, side, cols, side, 2).mean(axis=(1, 3))
        )
        tints = ndimage.median_filter(tints, (CELLS_AROUND, CELLS_AROUND, 1), mode="nearest")
        cells.append(np.concatenate([tints, film[..., 2:]], axis=2))
    return cells


def _colour_spread(bands: list[Array]) -> float:
    """Return the deviation of tints between cells some way apart, after subtracting the usual tint of their density."""
    cells = np.concatenate([band.reshape(-1, 3) for band in bands])
    edges = np.quantile(cells[:, 2], DENSITY_PARTS)
    classes = np.searchsorted(edges, cells[:, 2])
    usual = np.zeros((len(DENSITY_PARTS) + 1, 2), np.float32)
    # A scan with few levels leaves classes empty.
    for number in np.unique(classes):
        usual[number] = np.median(cells[classes == number, :2], axis=0)
    differences = []
    for band in bands:
        residual = band[..., :2] - usual[np.searchsorted(edges, band[..., 2])]
        apart = residual[APART_CELLS:] - residual[:-APART_CELLS], residual[:, APART_CELLS:] - residual[:, :-APART_CELLS]
        differences += [each.reshape(-1, 2) for each in apart]
    return 1.4826 / 2**0.5 * float(np.median(np.abs(np.concatenate(differences)), axis=0).max())


def _squares(bands: list[tuple[int, Array]]) -> Array:
    return np.concatenate([measured.reshape(-1, measured.shape[2]) for _, measured in bands])


def _measure_noise(squares: Array) -> tuple[Array, Array]:
    """Return the class edges of density and contrast, (2, 7), and both tints' deviation in each class, (64, 2)."""
    edges = np.stack(
        [np.quantile(squares[:, plane], parts) for plane, parts in ((2, DENSITY_PARTS), (3, CONTRAST_PARTS))]
    ).astype(np.float32)
    classes = np.empty((1, len(squares)), np.uint8)
    kernels.classify(squares[None], edges, classes)
    deviations = np.full(((edges.shape[1] + 1) ** 2, 2), np.inf, np.float32)
    for number in range(len(deviations)):
        tints = squares[classes[0] == number, :2]
        if len(tints) >= FEWEST_SQUARES:
            deviations[number] = np.maximum(1.4826 * np.median(np.abs(tints), axis=0), LEAST_NOISE)
    return edges, deviations


@dataclass(frozen=True, slots=True)
class _Film:
    """A frame of film without colour, measured in bands of squares.

    A measure takes the means around a band's squares, their sums, and the band's first row.
    """

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    base: Array

    def terms(self, means: Array, totals: Array, first: int) -> Array:
        measured = np.empty((len(means) - 2 * kernels.HALO, means.shape[1], 2 + kernels.TERMS), np.float32)
        kernels.measure_terms(means, totals, self.base, first, self.rgb.shape[0] // 2, measured)
        return measured

    def tints(self, coefficients: Array, means: Array, totals: Array, first: int) -> Array:
        measured = np.empty((len(means) - 2 * kernels.HALO, means.shape[1], 4), np.float32)
        own = self.base[..., :2] - self.base[..., 2:] * coefficients[:, 0]
        kernels.measure_tints(means, totals, own, coefficients, first, self.rgb.shape[0] // 2, measured)
        return measured

    def sampled(self, measure: SquareMeasure) -> list[tuple[int, Array]]:
        """Return some evenly spaced bands of the frame."""
        return list(self.bands(measure, max(1, round(self.rgb.shape[0] * self.rgb.shape[1] / 4 / SAMPLE_PIXELS))))

    def bands(self, measure: SquareMeasure, every: int = 1) -> Iterator[tuple[int, Array]]:
        """Yield every n-th band (n = `every`): its first row of squares, and what is measured on it."""
        rows, cols = (length // 2 for length in self.rgb.shape[:2])
        height = min(BAND_SQUARES if every == 1 else BAND_SQUARES // 4, rows)
        shapes = (3,), (3,), ()
        buffers = tuple(np.empty((height + 2 * kernels.HALO, cols, *planes), np.float32) for planes in shapes)
        for first in range(0, rows, height * every):
            part = tuple(buffer[: min(height, rows - first) + 2 * kernels.HALO] for buffer in buffers)
            kernels.average_squares(self.rgb, self.levels.tables, first, part)
            yield first, measure(part[0], part[2], first)
