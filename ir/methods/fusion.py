"""Clean a frame whose infrared cannot be trusted by itself: the detector sees colours and infrared together.

Where much of the picture leaks into the infrared, or where infrared hardly sees dust, the remains of the leakage model
look like dust. A region that infrared found is a defect there if the detector confirms it, and a region that the
detector is sure of is one as well. Infrared tells how much light a defect takes; where it does not, the colours do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.dust_rules import INFRARED_RULES
from filmscand.ir.decision.sure_regions import certain_level, certain_parts, sure_regions
from filmscand.ir.detection.regions import Regions, count_for_area, select, union
from filmscand.ir.healing.cells import split_into_cells
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.healing.infrared_healing import Healed, Measured, heal, infrared_densities, reverted
from filmscand.ir.leakage._residual_kernels import CLIPPED, GRADE_BITS
from filmscand.ir.leakage.model import Leakage
from filmscand.ir.methods import few_regions
from filmscand.ir.network.detector import PROBABILITY_SCALE, find_regions, mean_probability, run_detector, strictness
from filmscand.ir.network.infrared_view import InfraredView
from filmscand.ir.network.model_file import Model
from filmscand.ir.report import CleanOptions, CleanReport, Method
from filmscand.ir.stopwatch import StopWatch

# Leakage (sum of the slopes) from which the detector runs: before black, or at a bright line, the leakage model leaves
# over more than dust takes.
MUCH_LEAKAGE = 0.2
# Exponent (density in the picture per density in infrared) from which infrared is weak: good scanners have 1.1 to 1.3.
WEAK_EXPONENT = 2.0
# Regions that were found and left alone, where hardly any was healed, above which infrared may be weak: the first
# figure, and the second per root of the frame's megapixels. The exponent is unknown there.
MANY_LEFT = (10, 10)
# Least part of those regions that the detector confirms if infrared is weak: 98 % on simulated film; of wires and
# girders on spotless film 28 % at most.
WEAK_PART = 0.5
# Mean probability from which a region that infrared found is confirmed: on film that leaks, hardly any dust had less,
# and hardly any line of the picture had more.
CONFIRMED = 0.15
# Mean density, in thresholds, from which a region needs no confirmation: lines of the picture had 5 at most, and opaque
# dust that the detector missed had 10 to 20.
DEEP = 8.0
# Least part of a joined region that infrared found, where the region is healed by infrared.
FOUND_PART = 0.2
# Least part of a region that infrared did not heal, where the rest is healed by colours: of hairs infrared often finds
# only a piece.
UNHEALED_PART = 0.5
# Part of the infrared density expected of a region below which infrared does not show it.
SHOWN_PART = 0.15
# Least mean probability of a region that infrared does not show: a beak and branches had up to 0.84; one dust region in
# fifty is lost.
PROBABLE_ALONE = 0.85
# Least certain part of such a region: railings, spokes and leaves had up to 0.54. Of regions below it a third was dust,
# and hardly any of that gained by being healed.
CERTAIN_ALONE = 0.55
# Expected infrared density, in thresholds, above which a region that infrared does not show is no dust, however
# probable (veins of leaves). It counts only where the frame's exponent is known.
SURELY_SHOWN = 5.0
# Mean probability from which a region counts on a frame that is not surely dusty: nine in ten specks had 0.92; a bird's
# eye on a spotless frame had 0.95, but an infrared part of 0.06.
CERTAIN_MEAN = 0.92
# Least part of such a region's density that infrared shows.
SHOWN_OF_CERTAIN = 0.2
# Least part that infrared shows of a region that infrared found, on such a frame: dark places on spotless frames had
# 0.27 at most.
SHOWN_OF_FOUND = 0.3


@dataclass(frozen=True, slots=True)
class DetectorFindings:
    """What the detector found on a frame.

    Attributes
    ----------
    model : Model
        The detector.
    probability : (rows, cols) ndarray of uint8
        Probability of a defect, times 255.
    sure : Regions
        Regions that the detector is sure of; none on a frame that is not surely dusty.
    defects : Regions
        Those regions, joined with the regions that infrared found and the detector confirms, as far as infrared found
        part of them. Where the detector is sure of none, a stricter limit confirms.
    confirmed_part : float
        Part of infrared's regions that the detector confirms, 0..1.
    certain : Regions
        On a frame that is not surely dusty: regions that are nevertheless certain, and that infrared shows.
    """

    model: Model
    probability: npt.NDArray[np.uint8]
    sure: Regions
    defects: Regions
    confirmed_part: float
    certain: Regions


def leaks_much(leakage: Leakage) -> bool:
    """Whether so much of the picture leaks into the infrared that infrared alone cannot be trusted."""
    return sum(leakage.slopes) > MUCH_LEAKAGE


def may_be_weak(healed: Healed) -> bool:
    """Whether a frame's infrared hardly sees the dust that the picture shows, as far as infrared can tell."""
    return healed.exponent > WEAK_EXPONENT or _nearly_all_left(healed)


def _nearly_all_left(healed: Healed) -> bool:
    """Whether infrared found many regions, and hardly any of them was healed."""
    return healed.left > count_for_area(MANY_LEFT, healed.mask.size) and few_regions.healed_few(healed)


def is_confirmed(healed: Healed, findings: DetectorFindings) -> bool:
    """Whether the detector agrees that infrared which may be weak has found dust."""
    return len(findings.sure) > 0 and (not _nearly_all_left(healed) or findings.confirmed_part >= WEAK_PART)


def detect_with_both(
    rgb: npt.NDArray[np.uint16],
    found: tuple[Regions, Measured],
    view: InfraredView,
    options: CleanOptions,
    watch: StopWatch,
) -> DetectorFindings:
    """Run the detector, and have it confirm the regions that infrared found.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the frame.
    found : Regions, Measured
        The regions that infrared found, and the measurements that they were found with.
    view : InfraredView
        Residual infrared, for the detector.
    options : CleanOptions
        Sensitivity and detector.
    watch : StopWatch
        Takes the time of the steps "detector" and "detection".

    Returns
    -------
    DetectorFindings
        Probabilities, sure regions and confirmed defects.

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    regions, measured = found
    model, probability = run_detector(rgb, view, options, watch)
    find = partial(sure_regions, probability, model.card, options.sensitivity, INFRARED_RULES)
    sure = watch.time("detection", find)
    mean, strict = mean_probability(probability, regions), strictness(options.sensitivity)
    confirmed = mean >= CONFIRMED * strict
    confirmed_part = float(confirmed.mean()) if len(regions) else 0.0
    certain = select(sure, np.zeros(len(sure), np.bool_))
    if len(sure):
        confirmed_regions = select(regions, confirmed | _is_deep(regions, measured))
    else:
        # The frame may be spotless: the limits are stricter, as where infrared found hardly any region.
        tests = (
            (_certain(probability, model, options), SHOWN_OF_CERTAIN),
            (select(regions, mean >= few_regions.CONFIRMED * strict), SHOWN_OF_FOUND),
        )
        certain, confirmed_regions = watch.time(
            "detection",
            lambda: [_shown(rgb, candidates, measured, part) for candidates, part in tests],
        )
    defects = _found_of(union((sure, certain, confirmed_regions), probability.shape), regions, probability.shape)
    return DetectorFindings(model, probability, sure, defects, confirmed_part, certain)


def _certain(probability: npt.NDArray[np.uint8], model: Model, options: CleanOptions) -> Regions:
    regions = find_regions(probability, *model.card.limits(options.sensitivity))
    return select(regions, mean_probability(probability, regions) >= CERTAIN_MEAN)


def _shown(rgb: npt.NDArray[np.uint16], regions: Regions, measured: Measured, part: float) -> Regions:
    """Keep the regions of which infrared shows this part of their density in the picture, as the colours tell it."""
    if not len(regions):
        return regions
    certain = np.full(rgb.shape[:2], PROBABILITY_SCALE, np.uint8)
    healed = heal_by_colours(rgb, regions, certain, measured.photometry, lambda cells: _density(measured, cells))
    picture, infrared, _ = _picture_and_infrared_density((rgb, healed), regions, measured)
    return select(regions, (picture > 0) & (infrared * measured.response.gain >= part * picture))


def heal_with_both(
    rgb: npt.NDArray[np.uint16], findings: DetectorFindings, measured: Measured, watch: StopWatch, *, weak: bool
) -> Healed:
    """Heal the defects by infrared, and by colours where that leaves most of a sure region.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts as captured.
    findings : DetectorFindings
        The defects.
    measured : Measured
        Measurements of the frame.
    watch : StopWatch
        Takes the time of the step "healing".
    weak : bool
        Whether the infrared is weak: then it proves nothing that infrared does not show a region.

    Returns
    -------
    Healed
        Outside `mask` equal to `rgb` to the last bit.
    """
    healed = watch.time("healing", lambda: heal(rgb, findings.defects, measured, certain=False))
    # Infrared may heal only half of a long scratch. But a bright line that it does not show at all is no scratch.
    unhealed = mostly_unhealed(
        split_into_cells(findings.sure if len(findings.sure) else findings.certain)[0], healed.mask
    )
    evidence = (findings.probability, measured.photometry, lambda cells: _density(measured, cells))
    more = watch.time("healing", lambda: heal_by_colours(healed.rgb, unhealed, *evidence))
    if len(findings.sure) and not weak and healed.exponent <= WEAK_EXPONENT:
        more = reverted(rgb, more, unhealed, _lacks_infrared((healed, more), unhealed, findings, measured))
    # The second step counts again the regions that the first one left.
    return combine_steps(replace(healed, left=max(healed.left - len(unhealed), 0)), more)


def mostly_unhealed(regions: Regions, mask: npt.NDArray[np.bool_]) -> Regions:
    """Return the pixels of each region outside a mask, where these are most of the region.

    Parameters
    ----------
    regions : Regions
        Regions of a frame.
    mask : (rows, cols) ndarray of bool
        Pixels that were healed.

    Returns
    -------
    Regions
        The unhealed parts.
    """
    unhealed = ~mask[regions.rows, regions.cols]
    counts = np.bincount(regions.owners, unhealed, len(regions)).astype(np.int64)
    kept = counts > UNHEALED_PART * np.diff(regions.starts)
    pixels = unhealed & np.repeat(kept, np.diff(regions.starts))
    starts = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
    return Regions(regions.rows[pixels], regions.cols[pixels], starts)


def _lacks_infrared(
    steps: tuple[Healed, Healed], regions: Regions, findings: DetectorFindings, measured: Measured
) -> npt.NDArray[np.bool_]:
    """Which regions, healed by colours, take far more light in the picture than in infrared, and are not very probable.

    Dust that takes so much light would block the infrared as well; an object of the picture does not.
    """
    if not len(regions):
        return np.zeros(0, np.bool_)
    before, after = steps
    picture, infrared, limit = _picture_and_infrared_density((before.rgb, after), regions, measured)
    expected = before.exponent * measured.response.gain
    certain = certain_parts(findings.probability, regions, certain_level(findings.model.card))
    improbable = (mean_probability(findings.probability, regions) < PROBABLE_ALONE) | (certain < CERTAIN_ALONE)
    surely_shown = (picture > SURELY_SHOWN * expected * limit) & (not few_regions.healed_few(before))
    return np.asarray((expected * infrared < SHOWN_PART * picture) & (improbable | surely_shown))


def _picture_and_infrared_density(
    steps: tuple[npt.NDArray[np.uint16], Healed], regions: Regions, measured: Measured
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return for each region the density that healing removed, that of infrared, and its thresholds; nepers, summed."""
    before, healed = steps
    rows, cols = regions.rows, regions.cols
    tables = measured.photometry.log_tables[:3]
    counted = healed.mask[rows, cols] & ((measured.residual.grades[rows, cols] & CLIPPED) == 0)
    light = [tables[np.arange(3), rgb[rows, cols]].mean(axis=1) for rgb in (healed.rgb, before)]
    planes = (np.abs(light[0] - light[1]), *_infrared_and_threshold(regions, measured))
    picture, infrared, limit = (np.add.reduceat(counted * plane, regions.starts[:-1]) for plane in planes)
    return picture, infrared, limit


def combine_steps(first: Healed, more: Healed) -> Healed:
    """Return the result of two healing steps on different defects."""
    counts = (first.divided + more.divided, first.filled + more.filled, first.left + more.left)
    return Healed(more.rgb, first.mask | more.mask, *counts, first.exponent)


def fused_report(report: CleanReport, model: Model, seed: float) -> CleanReport:
    """Return the report of a frame on which infrared and detector decided together.

    Parameters
    ----------
    report : CleanReport
        Report of the infrared steps.
    model : Model
        The detector.
    seed : float
        Smallest probability that made a defect, 0..1.
    """
    return replace(report, method=Method.FUSION, probability_threshold=seed, models={"detector": model.sha256})


def _is_deep(regions: Regions, measured: Measured) -> npt.NDArray[np.bool_]:
    """Which regions lie so far beyond their threshold that no leakage explains them."""
    if not len(regions):
        return np.zeros(0, np.bool_)
    density, limits = (
        np.add.reduceat(values, regions.starts[:-1]) for values in _infrared_and_threshold(regions, measured)
    )
    return np.asarray(density > DEEP * limits)


def _infrared_and_threshold(
    regions: Regions, measured: Measured
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return each pixel's infrared density, smoothed over 5 by 5 pixels, and its threshold, nepers."""
    grades = measured.residual.grades[regions.rows, regions.cols] & GRADE_BITS
    return infrared_densities(measured.residual, measured.base, regions)[:, 1], measured.limits[2, grades]


def _found_of(regions: Regions, found: Regions, shape: tuple[int, ...]) -> Regions:
    """Keep the regions of which infrared's own regions cover enough."""
    if not len(regions):
        return regions
    covered = np.zeros(shape, np.bool_)
    covered[found.rows, found.cols] = True
    counts = np.bincount(regions.owners, covered[regions.rows, regions.cols])
    return select(regions, counts > FOUND_PART * np.diff(regions.starts))


def _density(measured: Measured, cells: Regions) -> npt.NDArray[np.float32]:
    """Return the infrared density of defect pixels, nepers."""
    return np.maximum(infrared_densities(measured.residual, measured.base, cells)[:, 0], 0)
