"""Tints on film without colour: silver is grey, so that what has a tint lies on the film.

Dust never takes quite as much of each colour. On a colour film that tells nothing; on silver a hundredth of a density
does, though grain hides the dust itself: grain is of one density in all colours. What a scanner does to its colours is
taken out first (`scanner_tints`). How much tints still scatter is measured for each frame on film of the same density
and contrast, so that what is left at edges, and noise, make the tints tell less and not wrongly.
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
DefectColours = Callable[[Array, Array, int], Array]

# Deviation of a film's tints about those that its density has, between cells so far apart (a lamp's tint varies more
# slowly), at most: silver has 0.0001 to 0.0005 (where blue is 0.6 pixels less sharp up to 0.0009), and the greyest
# drawings on colour film have 0.001. Before fringes are taken out silver has up to 0.002, and most colour films have
# over the other.
MOST_COLOUR, APART_CELLS = 9e-4, 8
MOST_SEEMING_COLOUR = 0.01
# Tint of the grain, of its density: the dyes of a colour film have a grain each, which makes 2.0 to 2.5 of a picture
# without colours as well (of independent ones the root of 6); silver with a scanner's noise has 0.3 to 0.85.
MOST_GRAIN_TINT = 1.4
# Cells of 16 pixels in whose median the film's own tint is seen: lamps and lenses give it one, slowly varying.
CELLS_AROUND = 5
BAND_SQUARES = 256
DENSITY_PARTS = tuple(part / 8 for part in range(1, 8))
CONTRAST_PARTS = (0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)
FEWEST_SQUARES = 200
LEAST_NOISE = 2e-4
# Mean density up to which a lack of tint means nothing, as white dust on an inverted negative has lost its own; and
# from which on no tint is seen in the dark. Of dark dust between them one square in twenty has none. And the noise over
# which a lack means nothing, either, as at edges where a scanner's colours lie beside each other.
SEEN = (0.1, 1.8, 0.005)
# Grades of a tint: deviations of the noise. What part of each film and dust have on simulated silver, which count as so
# many squares of either beside the frame's own: those that the picture says are surely none, or surely dust (bytes).
STEPS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0)
FILM = (0.504, 0.408, 0.077, 0.0075, 1.2e-3, 5.5e-4, 5.4e-4, 2.7e-4, 2.7e-4, 1.7e-4, 1e-4)
DUST = (0.14, 0.19, 0.145, 0.105, 0.075, 0.055, 0.075, 0.05, 0.065, 0.045, 0.055)
USUAL_SQUARES = (2000.0, 500.0)
SURE = (8, 250)
# What counts for film holds the dust that the picture did not show, and the sure dust is dark: log odds are stretched,
# lowered and bounded so on simulated frames.
ODDS_FACTOR, ODDS_OFFSET, MOST_ODDS = 1.6, 0.7, 7.0
# Log odds of no tint, at most: where they are more, the frame's sure dust has no tints either.
INFORMATIVE_ODDS = -1.5


@dataclass(frozen=True, slots=True)
class Tints:
    """What the tints of a film without colour tell.

    Attributes
    ----------
    grades : (rows // 2, cols // 2) ndarray of uint8
        How far the tint of each square of 2 x 2 pixels stands out of the noise, 0..10; 11 where that is not known.
    odds : (12,) ndarray of float64
        Log odds for a defect of each grade.
    """

    grades: npt.NDArray[np.uint8]
    odds: npt.NDArray[np.float64]

    def combine(self, probability: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Return how likely pixels are defects, (rows, cols), by the picture (times 255) and by their tints."""
        combined = probability.copy()
        kernels.weigh_grades(self.grades, _weighed_levels(self.odds), combined)
        return combined

    def mean_odds(self, regions: Regions) -> npt.NDArray[np.float64]:
        """Return the mean log odds of the pixels of each region."""
        rows, cols = (
            np.minimum(places // 2, length - 1)
            for places, length in zip((regions.rows, regions.cols), self.grades.shape, strict=True)
        )
        return region_means(self.odds[self.grades[rows, cols]], regions)


def measure_tints(rgb: npt.NDArray[np.uint16], probability: npt.NDArray[np.uint8]) -> Tints | None:
    """Measure the tints of a frame, and what they tell, on what the picture alone shows for sure.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    probability : (rows, cols) ndarray of uint8
        How likely each pixel is a defect by the picture alone, times 255.

    Returns
    -------
    Tints or None
        None where the film has a colour, the scan is grey, or the dust is.
    """
    levels = measure_levels(rgb)
    base = _own_tints(rgb, levels)
    if base is None or _grain_tint(rgb, levels) > MOST_GRAIN_TINT:
        return None
    film = _Film(rgb, levels, base)
    bands = film.sampled(film.terms)
    leanings = fit_scanner_tints(_squares(bands))
    if _colour_spread(_neutral_cells(bands, base, leanings)) > MOST_COLOUR:
        return None
    tints = partial(film.tints, leanings)
    noise = _measure_noise(_squares(film.sampled(tints)))
    grades = np.empty((rgb.shape[0] // 2, rgb.shape[1] // 2), np.uint8)
    steps = np.array(STEPS, np.float32)
    for first, found in film.bands(tints):
        rows = grades[first : first + len(found)]
        kernels.grade_tints(found, *noise, np.array(SEEN, np.float32), steps, rows)
    counts = np.zeros((2, len(STEPS) + 2), np.int64)
    kernels.count_grades(grades, probability, SURE, counts)
    odds = _log_odds(counts[:, :-1])
    return Tints(grades, odds) if odds[0] < INFORMATIVE_ODDS else None


def _log_odds(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return what each grade tells, from how many squares of film and of dust have it."""
    film, dust = (
        (count + squares * np.array(usual)) / (count.sum() + squares)
        for count, squares, usual in zip(counts, USUAL_SQUARES, (FILM, DUST), strict=True)
    )
    odds = np.minimum(ODDS_FACTOR * np.log(dust / film) - ODDS_OFFSET, MOST_ODDS)
    # No tint tells less than a fainter one: where it seems so, it is missed dust that counts for film.
    return np.append(np.maximum.accumulate(odds), 0.0)


def _weighed_levels(odds: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Return what each byte of probability becomes with the log odds of each grade, (grades, 256)."""
    # A byte is never quite sure.
    share = np.clip((np.arange(256) + 0.5) / 256, 1e-3, 1 - 1e-3)
    return np.rint(255 / (1 + (1 - share) / share * np.exp(-odds[:, None]))).astype(np.uint8)


def _own_tints(rgb: npt.NDArray[np.uint16], levels: DensityLevels) -> Array | None:
    """Return on cells the film's own tints, red's and blue's, and its density.

    None where it has colours, or the scan none at all.
    """
    rows, cols = (length // kernels.CELL_PX for length in rgb.shape[:2])
    if min(rows, cols) <= APART_CELLS:
        return None
    cells = np.empty((rows, cols, 3), np.float32)
    kernels.measure_cells(rgb, levels.tables, cells)
    tints = cells[..., ::2] - cells[..., 1:2]
    planes = np.concatenate([tints, cells.mean(axis=2, keepdims=True)], axis=2)
    own: Array = ndimage.median_filter(planes, (CELLS_AROUND, CELLS_AROUND, 1), mode="nearest")
    return own if tints.any() and _colour_spread([own]) <= MOST_SEEMING_COLOUR else None


def _grain_tint(rgb: npt.NDArray[np.uint16], levels: DensityLevels) -> float:
    """Return how much tints differ from pixel to pixel, red's or blue's, over what density does; 0 if all is blank."""
    some = rgb[:: max(1, rgb.shape[0] * rgb.shape[1] // SAMPLE_PIXELS)]
    steps = np.diff(density_planes(some, levels), axis=2).reshape(3, -1)
    # Where the scan is clipped nothing differs.
    steps = steps[:, steps.any(axis=0)]
    if not steps.size:
        return 0.0
    tint = np.median(np.abs(steps[::2] - steps[1]), axis=1).max()
    return float(tint / max(np.median(np.abs(steps.mean(axis=0))), 1e-9))


def _neutral_cells(bands: list[tuple[int, Array]], base: Array, leanings: Array) -> list[Array]:
    """Return, of the cells of some bands, tints without what leanings tell, and density (see `_own_tints`)."""
    side = kernels.CELL_PX // 2
    cells = []
    for first, found in bands:
        rows, cols = min(len(found) // side, len(base) - first // side), base.shape[1]
        own = base[first // side :][:rows]
        rest = found[: rows * side, : cols * side, :2] - found[: rows * side, : cols * side, 2:] @ leanings.T
        tints = own[..., :2] - own[..., 2:] * leanings[:, 0] + rest.reshape(rows, side, cols, side, 2).mean(axis=(1, 3))
        tints = ndimage.median_filter(tints, (CELLS_AROUND, CELLS_AROUND, 1), mode="nearest")
        cells.append(np.concatenate([tints, own[..., 2:]], axis=2))
    return cells


def _colour_spread(bands: list[Array]) -> float:
    """Return the deviation of tints between cells some way apart, less those of all cells of their density."""
    cells = np.concatenate([band.reshape(-1, 3) for band in bands])
    edges = np.quantile(cells[:, 2], DENSITY_PARTS)
    classes = np.searchsorted(edges, cells[:, 2])
    usual = np.zeros((len(DENSITY_PARTS) + 1, 2), np.float32)
    # A scan of a few levels leaves classes empty.
    for number in np.unique(classes):
        usual[number] = np.median(cells[classes == number, :2], axis=0)
    differences = []
    for band in bands:
        rest = band[..., :2] - usual[np.searchsorted(edges, band[..., 2])]
        apart = rest[APART_CELLS:] - rest[:-APART_CELLS], rest[:, APART_CELLS:] - rest[:, :-APART_CELLS]
        differences += [each.reshape(-1, 2) for each in apart]
    return 1.4826 / 2**0.5 * float(np.median(np.abs(np.concatenate(differences)), axis=0).max())


def _squares(bands: list[tuple[int, Array]]) -> Array:
    return np.concatenate([found.reshape(-1, found.shape[2]) for _, found in bands])


def _measure_noise(squares: Array) -> tuple[Array, Array]:
    """Return the edges of the classes of squares by density and contrast, (2, 7), and how tints scatter, (64, 2)."""
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
    """A frame of a film without colour, findings at in bands of squares.

    What looks at one takes the means around its squares, their sums, and its first row, and returns what it finds.
    """

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    base: Array

    def terms(self, means: Array, totals: Array, first: int) -> Array:
        found = np.empty((len(means) - 2 * kernels.HALO, means.shape[1], 2 + kernels.TERMS), np.float32)
        kernels.measure_terms(means, totals, self.base, first, self.rgb.shape[0] // 2, found)
        return found

    def tints(self, leanings: Array, means: Array, totals: Array, first: int) -> Array:
        found = np.empty((len(means) - 2 * kernels.HALO, means.shape[1], 4), np.float32)
        own = self.base[..., :2] - self.base[..., 2:] * leanings[:, 0]
        kernels.measure_tints(means, totals, own, leanings, first, self.rgb.shape[0] // 2, found)
        return found

    def sampled(self, look: DefectColours) -> list[tuple[int, Array]]:
        """Return some bands of the frame."""
        return list(self.bands(look, max(1, round(self.rgb.shape[0] * self.rgb.shape[1] / 4 / SAMPLE_PIXELS))))

    def bands(self, look: DefectColours, every: int = 1) -> Iterator[tuple[int, Array]]:
        """Yield every so manieth band: its first row of squares, and what is found on them."""
        rows, cols = (length // 2 for length in self.rgb.shape[:2])
        height = min(BAND_SQUARES if every == 1 else BAND_SQUARES // 4, rows)
        shapes = (3,), (3,), ()
        buffers = tuple(np.empty((height + 2 * kernels.HALO, cols, *planes), np.float32) for planes in shapes)
        for first in range(0, rows, height * every):
            part = tuple(buffer[: min(height, rows - first) + 2 * kernels.HALO] for buffer in buffers)
            kernels.average_squares(self.rgb, self.levels.tables, first, part)
            yield first, look(part[0], part[2], first)
