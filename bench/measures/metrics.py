"""Scores of a cleaned frame against the film model's truth: mask, decibels, harm."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from filmscand.daemon.evaluation.metrics import moved_mask, squared_error
from filmscand.film.frame import SimulatedFrame
from filmscand.film.scanner import display_curve
from training.mask_agreement import Mask, harmonic_mean, precision_and_recall

# Decibels of rounding in sums; a change of one count in one pixel makes more.
_WORSE_DB = 1e-4

Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a cleaner for one frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        Counts of the cleaned frame.
    mask : (rows, cols) ndarray of bool
        Every pixel that the cleaner may have changed.
    seconds : float
        Wall time.
    found : (rows, cols) ndarray of bool, optional
        Defects before the cleaner widened them to `mask`, if it does that.
    """

    rgb: Counts
    mask: Mask
    seconds: float
    found: Mask | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """Scores of one cleaned frame; NaN where the frame has no damage to measure a score on.

    Attributes
    ----------
    precision, recall, f1 : float
        Agreement of the mask with visible defects, with 2 pixels of tolerance, 0..1.
    defects_db, frame_db : float
        Peak signal to noise ratio of display values over visible defects and over the frame, decibel.
    harmed : float
        Share of the sound pixels (touched by no damage) whose display value moved by over 1 % of white, 0..1.
    outside : int
        Number of pixels changed outside the mask.
    changed : float
        Share of all pixels that were changed, 0..1.
    worse : bool
        Whether `frame_db` is lower than that of the raw frame.
    seconds : float
        Wall time.
    """

    precision: float
    recall: float
    f1: float
    defects_db: float
    frame_db: float
    harmed: float
    outside: int
    changed: float
    worse: bool
    seconds: float


class Truth(Protocol):
    """A damaged frame and the truth about it, by any simulator: counts, the clean ones, visible and any damage."""

    @property
    def rgb(self) -> Counts:
        """Counts of the damaged frame, (rows, cols, 3)."""

    @property
    def clean_rgb(self) -> Counts:
        """Counts of the clean frame, (rows, cols, 3)."""

    @property
    def visible_mask(self) -> Mask:
        """Where damage is visible, (rows, cols)."""

    @property
    def any_mask(self) -> Mask:
        """Where damage changes anything, (rows, cols)."""


class CurveJudge:
    """Scores answers for one frame whose display values are known.

    Parameters
    ----------
    frame : Truth
        The frame and its truth.
    curve : (65536,) ndarray of float32
        Display value of each count, 0..1.
    """

    def __init__(self, frame: Truth, curve: npt.NDArray[np.float32]) -> None:
        self._frame = frame
        self._curve = curve
        self._truth = self._curve[frame.clean_rgb]
        self._raw_error = squared_error(self._curve[frame.rgb], self._truth)

    def score(self, answer: Answer) -> Score:
        """Return the score of an answer."""
        frame = self._frame
        error = self.error(answer.rgb)
        changed = (answer.rgb != frame.rgb).any(-1)
        found = answer.mask if answer.found is None else answer.found
        precision, recall = precision_and_recall(found, frame.visible_mask)
        return Score(
            precision=precision,
            recall=recall,
            f1=harmonic_mean(precision, recall),
            defects_db=decibel(error[frame.visible_mask]),
            frame_db=decibel(error) if self._raw_error.any() else math.nan,
            harmed=harmed_share(self.harm(answer.rgb), frame.any_mask),
            outside=int((changed & ~answer.mask).sum()),
            changed=float(changed.mean()),
            worse=is_worse(decibel(error), decibel(self._raw_error)),
            seconds=answer.seconds,
        )

    def error(self, rgb: Counts) -> npt.NDArray[np.float32]:
        """Return the squared error of each pixel's display value, (rows, cols), mean of the channels."""
        return squared_error(self._curve[rgb], self._truth)

    def harm(self, rgb: Counts) -> Mask:
        """Return the sound pixels, (rows, cols), whose display value moved by over 1 % of white."""
        return moved_mask(self._curve[rgb], self._curve[self._frame.rgb]) & ~self._frame.any_mask


class Judge(CurveJudge):
    """Scores answers for one frame of the film model.

    Parameters
    ----------
    frame : SimulatedFrame
        The frame and its truth.
    """

    def __init__(self, frame: SimulatedFrame) -> None:
        super().__init__(frame, display_curve(frame.recipe.scanner))


def decibel(error: npt.NDArray[np.float32]) -> float:
    """Return -10 log10 of the mean of squared errors: NaN of an empty array, infinity without error."""
    if error.size == 0:
        return math.nan
    mean = float(error.mean(dtype=np.float64))
    return -10 * math.log10(mean) if mean > 0 else math.inf


def is_worse(after_db: float, before_db: float) -> bool:
    """Whether a frame has fewer decibels after cleaning than before, by more than rounding."""
    return after_db < before_db if math.isinf(before_db) else after_db < before_db - _WORSE_DB


def mean(values: Iterable[float]) -> float:
    """Return the mean of the finite values, NaN where there is none."""
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def harmed_share(harm: Mask, any_damage: Mask) -> float:
    """Return the share of the sound pixels that is harmed, 0..1; NaN without any sound pixel."""
    sound = any_damage.size - int(any_damage.sum())
    return float(harm.sum()) / sound if sound else math.nan
