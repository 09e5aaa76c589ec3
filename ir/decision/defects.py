"""The decision: which candidate regions of a frame are defects. A region counts as one or not, whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from filmscand.ir.decision.candidates import joined_candidates, probable_candidates
from filmscand.ir.decision.classifier import Basis, least_probability, shipped_classifier
from filmscand.ir.decision.region_features import Evidence, measure_features
from filmscand.ir.detection.regions import Regions, select
from filmscand.ir.network.detector import PROBABILITY_SCALE

# Probability by the infrared alone below which a region is surely none, and from which on it is surely a defect: the
# network is not asked. From 0.01 to 0.05, a tenth less has to run and F1 of 48 frames is the same; at 0.2 it is lower
# by 0.003 and at a limit of 0.95 for a defect by 0.005, for a tenth and a fifth less.
SURELY_NONE, SURELY_DEFECT = 0.05, 0.99
# A technician who is not content moves the sensitivity by about so much.
_USUAL_STEP = 0.25


@dataclass(frozen=True, slots=True)
class Judged:
    """Candidate regions and the probability that each is a defect, (regions,), 0..1."""

    regions: Regions
    probability: npt.NDArray[np.float64]

    def defects(self, sensitivity: float) -> Regions:
        """Return the regions that count as defects at a sensitivity of 0..1."""
        return select(self.regions, self.probability >= least_probability(sensitivity))

    def unsure(self, sensitivity: float) -> int:
        """Return the number of regions that a sensitivity lower or higher by 0.25 would decide otherwise."""
        least, most = (least_probability(sensitivity + step) for step in (_USUAL_STEP, -_USUAL_STEP))
        return int(((self.probability >= least) & (self.probability < most)).sum())

    def doubtful(self, sensitivity: float) -> Regions:
        """Return the regions of which nothing is sure yet, or that may count as defects at a high sensitivity."""
        least = min(SURELY_NONE, least_probability(sensitivity))
        return select(self.regions, (self.probability >= least) & (self.probability < SURELY_DEFECT))

    def sure(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Return the plane of probability with 255 where a region is surely a defect, and 0 elsewhere, (rows, cols)."""
        plane = np.zeros(shape, np.uint8)
        surely = select(self.regions, self.probability >= SURELY_DEFECT)
        plane[surely.rows, surely.cols] = PROBABILITY_SCALE
        return plane

    def certainty(self, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
        """Return the probability of each pixel's region times 255, (rows, cols); 0 outside the regions."""
        plane = np.zeros(shape, np.uint8)
        level = np.rint(self.probability * PROBABILITY_SCALE).astype(np.uint8)
        plane[self.regions.rows, self.regions.cols] = level[self.regions.owners]
        return plane


def candidates_of(evidence: Evidence, residual: Regions) -> Regions:
    """Return the candidates of a frame, from all that was asked.

    Parameters
    ----------
    evidence : Evidence
        The frame.
    residual : Regions
        Candidates by the infrared; none without it.
    """
    if evidence.probability is None:
        return residual
    rows, cols = evidence.probability.shape
    return joined_candidates(probable_candidates(evidence.probability), residual, (rows, cols))


def judge(evidence: Evidence, residual: Regions) -> Judged:
    """Judge the candidates of a frame.

    Parameters
    ----------
    evidence : Evidence
        The frame.
    residual : Regions
        Candidates by the infrared; none without it.

    Raises
    ------
    ModelError
        The classifier's file is damaged.
    """
    regions = candidates_of(evidence, residual)
    classifier = shipped_classifier(basis_of(evidence))
    return Judged(regions, classifier.probability(measure_features(evidence, regions)))


def basis_of(evidence: Evidence) -> Basis:
    """Return what the regions of a frame are judged by."""
    if evidence.view is None:
        return Basis.COLOURS
    return Basis.INFRARED if evidence.probability is None else Basis.BOTH
