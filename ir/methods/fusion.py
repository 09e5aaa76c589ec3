"""The way of a frame whose infrared is not to be believed by itself: the detector sees colours and infrared at once.

Where much of the picture leaks into the infrared, or where that hardly sees dust, what the leak's model leaves over
looks like dust. What infrared found is a defect there if the detector confirms it, and what the detector is sure of is
one as well. Infrared tells how much light a defect takes, and the colours where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.dust_rules import INFRARED_RULES
from filmscand.ir.decision.sure_regions import certain_level, certain_parts, sure_regions
from filmscand.ir.detection.regions import Regions, chosen, joined, many
from filmscand.ir.healing.colour_healing import heal_by_colours
from filmscand.ir.healing.infrared_healing import Healed, Measured, heal, infrared_densities, reverted, split_into_cells
from filmscand.ir.leakage._residual_kernels import CLIPPED, GRADE_BITS
from filmscand.ir.leakage.model import Leakage
from filmscand.ir.methods import few_regions
from filmscand.ir.network.detector import CERTAIN, find_regions, mean_probability, run_detector, strictness
from filmscand.ir.network.infrared_view import InfraredView
from filmscand.ir.network.model_file import Model
from filmscand.ir.report import CleanOptions, CleanReport, Method
from filmscand.ir.stopwatch import StopWatch

# Part of the picture's density that leaks, from which on the detector is asked: before black, or at a bright line, the
# model of the leak leaves more over than dust takes.
MUCH_LEAKAGE = 0.2
# Density in the picture for one of infrared from which on infrared is weak: good scanners have 1.1 to 1.3.
WEAK_EXPONENT = 2.0
# Where hardly anything was healed the exponent is not known. That much was found and left (more marks than this and for
# the root of the megapixels) may be the picture's, or dust that weak infrared hardly shows: then the detector confirms
# at least this part of it (98 % on simulated film; of wires and girders on spotless film 28 % at most).
MANY_LEFT = (10, 10)
WEAK_PART = 0.5
# Mean probability from which on what infrared found is confirmed: on film that leaks, hardly any dust had less, and
# hardly any of the picture's lines had more.
CONFIRMED = 0.15
# Mean density in thresholds from which on nothing has to confirm it: the picture's lines had 5 at most, and what the
# detector did not see of opaque dust 10 to 20.
DEEP = 8.0
# Part of what was found together, at least, that infrared found, where it heals by infrared.
FOUND_PART = 0.2
# Part of a mark, at least, that infrared did not heal: of hairs it often finds a piece.
UNSEEN_PART = 0.5
# Where infrared shows less than this part of what a mark would take, it has to be as probable as that in the mean: a
# beak and branches had up to 0.84; of dust one mark in fifty is lost. And that part of it has to be certain: railings,
# spokes and leaves had up to 0.54, and of such marks a third was dust, of which hardly any gained by being healed. What
# would take so many thresholds of infrared is none however probable (veins), where it is known how much infrared shows.
SHOWN_PART, PROBABLE_ALONE, CERTAIN_ALONE, SURELY_SHOWN = 0.15, 0.85, 0.55, 5.0
# Where the detector is not sure that a frame is dusty: mean probability from which on a mark is one all the same, and
# parts that infrared shows of what such a mark takes, and of what a place takes that infrared found. Of spotless frames
# a bird's eye had 0.95 and 0.06, and dark places that infrared found 0.27 at most; of specks nine in ten had 0.92.
CERTAIN_MEAN, SHOWN_OF_CERTAIN, SHOWN_OF_FOUND = 0.92, 0.2, 0.3


@dataclass(frozen=True, slots=True)
class DetectorFindings:
    """What the detector says of a frame.

    Attributes
    ----------
    model : Model
        The detector.
    probability : (rows, cols) ndarray of uint8
        Probability times 255.
    marks : Regions
        What it is sure of; none on a frame that is not surely dusty.
    found : Regions
        Those, joined with what infrared found and it confirms (without any of them, more surely), as far as infrared
        found part of them.
    confirmed_part : float
        Part of what infrared found that it confirms, 0..1.
    certain : Regions
        On a frame that is not surely dusty, what it is sure of all the same, and infrared shows.
    """

    model: Model
    probability: npt.NDArray[np.uint8]
    marks: Regions
    found: Regions
    confirmed_part: float
    certain: Regions


def leaks_much(leakage: Leakage) -> bool:
    """Whether so much of the picture leaks that infrared alone is not to be believed."""
    return sum(leakage.slopes) > MUCH_LEAKAGE


def may_be_weak(healed: Healed) -> bool:
    """Whether the infrared of a frame hardly sees the dust that the picture shows, as far as infrared can tell."""
    return healed.exponent > WEAK_EXPONENT or _nearly_all_left(healed)


def _nearly_all_left(healed: Healed) -> bool:
    """Whether infrared found much and healed hardly any of it."""
    return healed.left > many(MANY_LEFT, healed.mask.size) and few_regions.healed_few(healed)


def is_confirmed(healed: Healed, findings: DetectorFindings) -> bool:
    """Whether the detector says as well that infrared which may be weak has found dust."""
    return len(findings.marks) > 0 and (not _nearly_all_left(healed) or findings.confirmed_part >= WEAK_PART)


def detect_with_both(
    rgb: npt.NDArray[np.uint16],
    found: tuple[Regions, Measured],
    view: InfraredView,
    options: CleanOptions,
    watch: StopWatch,
) -> DetectorFindings:
    """Ask the detector for defects, and what infrared found for confirmation.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    found : Regions, Measured
        What infrared found, and with what.
    view : InfraredView
    options : CleanOptions
    watch : StopWatch

    Returns
    -------
    DetectorFindings

    Raises
    ------
    ModelError
        The detector's file cannot be used.
    """
    regions, measured = found
    model, probability = run_detector(rgb, view, options, watch)
    find = partial(sure_regions, probability, model.card, options.sensitivity, INFRARED_RULES)
    marks = watch.time("detection", find)
    mean, asked = mean_probability(probability, regions), strictness(options.sensitivity)
    confirmed = mean >= CONFIRMED * asked
    part = float(confirmed.mean()) if len(regions) else 0.0
    certain = select(marks, np.zeros(len(marks), np.bool_))
    if len(marks):
        believed = select(regions, confirmed | _is_deep(regions, measured))
    else:
        # More is asked, as where infrared found hardly any: the frame may be spotless.
        few = (
            (_certain(probability, model, options), SHOWN_OF_CERTAIN),
            (chosen(regions, mean >= few_regions.CONFIRMED * asked), SHOWN_OF_FOUND),
        )
        certain, believed = watch.time("detection", lambda: [_shown(rgb, some, measured, part) for some, part in few])
    defects = _found_of(joined((marks, certain, believed), probability.shape), regions, probability.shape)
    return DetectorFindings(model, probability, marks, defects, part, certain)


def _certain(probability: npt.NDArray[np.uint8], model: Model, options: CleanOptions) -> Regions:
    regions = find_regions(probability, *model.card.limits(options.sensitivity))
    return select(regions, mean_probability(probability, regions) >= CERTAIN_MEAN)


def _shown(rgb: npt.NDArray[np.uint16], marks: Regions, measured: Measured, part: float) -> Regions:
    """Return the marks of which infrared shows a part of what they take of the picture, as the colours tell."""
    if not len(marks):
        return marks
    sure = np.full(rgb.shape[:2], CERTAIN, np.uint8)
    healed = heal_by_colours(rgb, marks, sure, measured.photometry, lambda cells: _density(measured, cells))
    taken, shown, _ = _picture_and_infrared_density((rgb, healed), marks, measured)
    return chosen(marks, (taken > 0) & (shown * measured.sight.gain >= part * taken))


def heal_with_both(
    rgb: npt.NDArray[np.uint16], findings: DetectorFindings, measured: Measured, watch: StopWatch, *, weak: bool
) -> Healed:
    """Heal what was found together: by infrared, and from the colours where that leaves most of a sure mark.

    Parameters
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
    findings : DetectorFindings
    measured : Measured
    watch : StopWatch
    weak : bool
        Whether the infrared is weak: its silence says nothing then.

    Returns
    -------
    Healed
        Outside `mask` equal to `rgb` to the last bit.
    """
    healed = watch.time("healing", lambda: heal(rgb, findings.found, measured))
    # Of a long scratch infrared may heal one half; a bright line that it does not show is no scratch.
    bare = mostly_unhealed(
        split_into_cells(findings.marks if len(findings.marks) else findings.certain)[0], healed.mask
    )
    known = (findings.probability, measured.photometry, lambda cells: _density(measured, cells))
    more = watch.time("healing", lambda: heal_by_colours(healed.rgb, bare, *known))
    if len(findings.marks) and not weak and healed.exponent <= WEAK_EXPONENT:
        more = reverted(rgb, more, bare, _lacks_infrared((healed, more), bare, findings, measured))
    # The second step counts anew what the first one left.
    return added(replace(healed, left=max(healed.left - len(bare), 0)), more)


def mostly_unhealed(marks: Regions, mask: npt.NDArray[np.bool_]) -> Regions:
    """Return the pixels of each mark that infrared did not heal, where these are most of it."""
    bare = ~mask[marks.rows, marks.cols]
    counts = np.bincount(marks.owners, bare, len(marks)).astype(np.int64)
    kept = counts > UNSEEN_PART * np.diff(marks.starts)
    pixels = bare & np.repeat(kept, np.diff(marks.starts))
    starts = np.concatenate([[0], np.cumsum(counts[kept])]).astype(np.int64)
    return Regions(marks.rows[pixels], marks.cols[pixels], starts)


def _lacks_infrared(
    steps: tuple[Healed, Healed], marks: Regions, findings: DetectorFindings, measured: Measured
) -> npt.NDArray[np.bool_]:
    """Which marks, healed in the second step, take far more of the picture than infrared shows, and are not probable.

    Dust that takes so much would block the infrared as well; an object of the picture's does not.
    """
    if not len(marks):
        return np.zeros(0, np.bool_)
    before, more = steps
    taken, shown, limit = _picture_and_infrared_density((before.rgb, more), marks, measured)
    usual = before.exponent * measured.sight.gain
    certain = certain_parts(findings.probability, marks, certain_level(findings.model.card))
    improbable = (mean_probability(findings.probability, marks) < PROBABLE_ALONE) | (certain < CERTAIN_ALONE)
    surely_shown = (taken > SURELY_SHOWN * usual * limit) & (not few_regions.healed_few(before))
    return np.asarray((usual * shown < SHOWN_PART * taken) & (improbable | surely_shown))


def _picture_and_infrared_density(
    steps: tuple[npt.NDArray[np.uint16], Healed], marks: Regions, measured: Measured
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return what healing gave back of each mark, what infrared shows there, and its thresholds; nepers, summed."""
    before, healed = steps
    rows, cols = marks.rows, marks.cols
    tables = measured.photometry.log_tables[:3]
    seen = healed.mask[rows, cols] & ((measured.residual.grades[rows, cols] & CLIPPED) == 0)
    light = [tables[np.arange(3), rgb[rows, cols]].mean(axis=1) for rgb in (healed.rgb, before)]
    planes = (np.abs(light[0] - light[1]), *_infrared_and_threshold(marks, measured))
    taken, shown, limit = (np.add.reduceat(seen * plane, marks.starts[:-1]) for plane in planes)
    return taken, shown, limit


def added(first: Healed, more: Healed) -> Healed:
    """Return what was healed in two steps, of other defects."""
    counts = (first.divided + more.divided, first.filled + more.filled, first.left + more.left)
    return Healed(more.rgb, first.mask | more.mask, *counts, first.exponent)


def fused_report(report: CleanReport, model: Model, seed: float) -> CleanReport:
    """Return a report of infrared with what the detector added from a probability on."""
    return replace(report, method=Method.FUSION, probability_threshold=seed, models={"detector": model.sha256})


def _is_deep(regions: Regions, measured: Measured) -> npt.NDArray[np.bool_]:
    """Which regions lie so far beyond their threshold that no leak explains them."""
    if not len(regions):
        return np.zeros(0, np.bool_)
    density, limits = (
        np.add.reduceat(values, regions.starts[:-1]) for values in _infrared_and_threshold(regions, measured)
    )
    return np.asarray(density > DEEP * limits)


def _infrared_and_threshold(
    regions: Regions, measured: Measured
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return what each pixel takes of the infrared, smoothed over 5 by 5, and the threshold there, nepers."""
    grades = measured.residual.grades[regions.rows, regions.cols] & GRADE_BITS
    return infrared_densities(measured.residual, measured.base, regions)[:, 1], measured.limits[2, grades]


def _found_of(regions: Regions, parts: Regions, shape: tuple[int, ...]) -> Regions:
    """Return the regions of which the parts that infrared found cover enough."""
    if not len(regions):
        return regions
    covered = np.zeros(shape, np.bool_)
    covered[parts.rows, parts.cols] = True
    counts = np.bincount(regions.owners, covered[regions.rows, regions.cols])
    return select(regions, counts > FOUND_PART * np.diff(regions.starts))


def _density(measured: Measured, cells: Regions) -> npt.NDArray[np.float32]:
    """Return what the pixels of defects take of the infrared, nepers."""
    return np.maximum(infrared_densities(measured.residual, measured.base, cells)[:, 0], 0)
