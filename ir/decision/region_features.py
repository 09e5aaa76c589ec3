"""What is known of each candidate region, in numbers: the same for every kind of frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision import _feature_kernels as kernels
from filmscand.ir.detection.regions import Regions, region_means
from filmscand.ir.leakage._residual_kernels import STEPS_PER_NEPER
from filmscand.ir.network.density_input import DensityLevels
from filmscand.ir.network.detector import PROBABILITY_SCALE
from filmscand.ir.network.infrared_view import InfraredView

Doubles = npt.NDArray[np.float64]

# Names of the features, in the order of their columns.
FEATURES = (
    "mean_log_odds",
    "highest_deviation",
    "least_correlation",
    "shown_part",
    "contrast",
    "relative_contrast",
    "colour_correlation",
    "roughness",
    "log_area",
    "log_elongation",
    "leakage",
    "log_sure_part",
    "sure_share",
)
# Probability, and standard deviations of the infrared's noise, from which a pixel is surely damaged.
SURE_PROBABILITY, SURE_DEVIATIONS = 0.98, 6.0
# Part of a region's pixels from which it is one of the surest defects, and fewest of these that tell what infrared
# shows.
MOSTLY, FEWEST_KNOWN = 0.5, 6
# Density in infrared per density in the picture where too few tell, and the least that is believed of infrared that
# hardly sees dust (contrasts of 0.18 to 1 are known).
USUAL_PART, LEAST_PART = 0.8, 0.1
# Range of the shown part: less than nothing, and dust that only the infrared shows.
SHOWN_PARTS = (-1.0, 3.0)
# Band of rows in which the infrared is looked at, pixels.
BAND_PX = 256
# A byte of probability never stands for certainty.
BYTE_DOUBT = 0.5 / 256
# Density, and squared change of a density from pixel to pixel, that are no more than noise: nothing is divided by 0.
SMALLEST_DENSITY, SMALLEST_SQUARE = 0.01, 1e-6


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that speaks for and against defects in a frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the picture.
    levels : DensityLevels
        Conversion of counts to densities.
    view : InfraredView or None
        Infrared without the picture's leakage; None without usable infrared.
    leakage : float
        Sum of the slopes of the leakage; 0 without infrared.
    probability : (rows, cols) ndarray of uint8 or None
        Probability of a defect by the network, times 255; None where no network was asked.
    """

    rgb: npt.NDArray[np.uint16]
    levels: DensityLevels
    view: InfraredView | None
    leakage: float
    probability: npt.NDArray[np.uint8] | None


def measure_features(evidence: Evidence, regions: Regions) -> Doubles:
    """Measure the candidate regions of a frame.

    ::

        mean_log_odds                       ln(p / (1 - p)) of the network's mean probability
        highest_deviation                   of the infrared from clean film, standard deviations
        least_correlation                   of the infrared's edges with those of a colour, the least of three
        shown_part                          density in infrared per density in the picture, by these edges, as a part of
                                            that of the frame's surest defects
        contrast, relative_contrast         density above the surroundings, plain and over their deviation
        colour_correlation                  of the edges of two colours, the least of three
        roughness                           ln of the deviation of the surroundings' density
        log_area, log_elongation            ln of pixels, and of length over width
        leakage                             sum of the leakage's slopes
        log_sure_part, sure_share           sure pixels of all regions: ln(1 + per megapixel), and their share

    Parameters
    ----------
    evidence : Evidence
        The frame.
    regions : Regions
        Its candidates.

    Returns
    -------
    (regions, 13) ndarray of float64
        One column for each of `FEATURES`; 0 where what it is measured on is missing.
    """
    if not len(regions):
        return np.zeros((0, len(FEATURES)))
    areas = np.diff(regions.starts).astype(np.float64)
    sums = _sums(evidence, regions)
    odds, sure = _log_odds(evidence, regions)
    deviations = _deviations(evidence, regions)
    seen = deviations >= SURE_DEVIATIONS
    # What infrared shows of defects is measured on those that do not need it to be sure, if there are any.
    known = region_means(seen if evidence.probability is None else sure, regions) > MOSTLY
    if evidence.view is not None:
        sure = sure & seen
    first = regions.starts[:-1]
    columns = (
        odds,
        np.maximum.reduceat(deviations, first),
        *_edges(sums, areas, known),
        *_surroundings(sums, areas),
        np.log(areas),
        _log_elongation(sums, areas),
        np.full(len(areas), evidence.leakage),
        np.full(len(areas), np.log1p(1e6 * sure.sum() / evidence.rgb[..., 0].size)),
        np.full(len(areas), sure.mean()),
    )
    return np.stack(columns, axis=1)


def _sums(evidence: Evidence, regions: Regions) -> Doubles:
    shape = evidence.rgb.shape[:2]
    covered = np.zeros(shape, np.bool_)
    covered[regions.rows, regions.cols] = True
    values = np.zeros(shape, np.int16) if evidence.view is None else evidence.view.residual.values
    sums = np.zeros((len(regions), kernels.SUMS))
    place = (regions.starts, regions.rows, regions.cols)
    kernels.sum_regions(*place, evidence.rgb, evidence.levels.tables, values, covered, sums)
    # Densities of the picture are decadic logarithms.
    step = 1 / (STEPS_PER_NEPER * np.log(10))
    sums[:, 0] *= step**2
    sums[:, 1:4] *= step
    return sums


def _log_odds(evidence: Evidence, regions: Regions) -> tuple[Doubles, npt.NDArray[np.bool_]]:
    """Return the log odds of each region's mean probability, and which pixels the network is sure of."""
    if evidence.probability is None:
        return np.zeros(len(regions)), np.ones(len(regions.rows), np.bool_)
    probability = evidence.probability[regions.rows, regions.cols]
    mean = region_means(probability, regions) / PROBABILITY_SCALE
    mean = BYTE_DOUBT + (1 - 2 * BYTE_DOUBT) * mean
    return np.log(mean / (1 - mean)), probability >= round(SURE_PROBABILITY * PROBABILITY_SCALE)


def _deviations(evidence: Evidence, regions: Regions) -> npt.NDArray[np.float32]:
    """Return by how many standard deviations each pixel's infrared is darker than clean film; 0 where unknown."""
    deviations = np.zeros(len(regions.rows), np.float32)
    if evidence.view is None:
        return deviations
    order = np.argsort(regions.rows, kind="stable")
    rows, cols = regions.rows[order], regions.cols[order]
    width = evidence.rgb.shape[1]
    for first in range(int(rows[0]) // BAND_PX * BAND_PX, int(rows[-1]) + 1, BAND_PX):
        begin, end = np.searchsorted(rows, (first, first + BAND_PX))
        if begin < end:
            plane = evidence.view.planes((first, 0), (BAND_PX, width))[0]
            deviations[order[begin:end]] = plane[rows[begin:end] - first, cols[begin:end]]
    return deviations


def _edges(sums: Doubles, areas: Doubles, known: npt.NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """Return the least correlation of infrared and colours over edges, and the part that infrared shows."""
    least = (areas * SMALLEST_SQUARE)[:, None]
    seen, products, powers = sums[:, :1] + least, sums[:, 1:4], sums[:, 4:7] + least
    part = products.mean(axis=1) / powers.mean(axis=1)
    usual = float(np.median(part[known])) if known.sum() >= FEWEST_KNOWN else USUAL_PART
    shown = np.clip(part / max(usual, LEAST_PART), *SHOWN_PARTS)
    return (products / np.sqrt(seen * powers)).min(axis=1), shown


def _surroundings(sums: Doubles, areas: Doubles) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    """Return contrast, relative contrast, correlation of colours and roughness."""
    inside = sums[:, 10:13] / areas[:, None]
    count = sums[:, 13:14]
    around = np.where(count > 0, sums[:, 14:17] / np.maximum(count, 1), inside)
    squares = np.where(count > 0, sums[:, 17:20] / np.maximum(count, 1), inside**2)
    rough = np.sqrt(np.maximum(squares - around**2, 0)).mean(axis=1) + SMALLEST_DENSITY
    contrast = (inside - around).mean(axis=1)
    powers = sums[:, 4:7] + (areas * SMALLEST_SQUARE)[:, None]
    alike = (sums[:, 7:10] / np.sqrt(powers * np.roll(powers, -1, axis=1))).min(axis=1)
    return contrast, contrast / rough, alike, np.log(rough)


def _log_elongation(sums: Doubles, areas: Doubles) -> Doubles:
    """Return ln of length over width, of the ellipse with the region's second moments."""
    row, col, rows, cols, both = sums[:, 20:25].T / areas
    # The variance of a position within its pixel.
    rows, cols, both = rows - row**2 + 1 / 12, cols - col**2 + 1 / 12, both - row * col
    half, apart = (rows + cols) / 2, np.hypot((rows - cols) / 2, both)
    return np.asarray(np.log((half + apart) / np.maximum(half - apart, 1 / 12)) / 2)
