"""What a cleaned frame is measured by, against the film model's truth."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.frame import SimulatedFrame
from filmscand.film.recipe import Scanner

TOLERANCE_PX = 2
HARM_SHARE = 0.01
DISPLAY_GAMMA = 2.2
# Rounding of sums, far below what one count of one pixel does.
_WORSE_DB = 1e-4

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a cleaner made of a frame.

    Attributes
    ----------
    rgb : (rows, cols, 3) ndarray of uint16
        The picture.
    mask : (rows, cols) ndarray of bool
        Every pixel that it may have changed.
    seconds : float
        Wall time.
    found : (rows, cols) ndarray of bool, optional
        What it took for a defect, where it widens that before it fills.
    """

    rgb: Counts
    mask: Mask
    seconds: float
    found: Mask | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """How good one cleaned frame is; NaN where the frame has nothing to measure it by.

    Attributes
    ----------
    precision, recall, f1 : float
        Of the mask against visible defects, `TOLERANCE_PX` apart at most, 0..1.
    defects_db, frame_db : float
        Peak signal to noise of display values over visible defects and over the frame, decibel.
    harmed : float
        Part of the sound pixels (touched by no damage) whose display value moved by over 1 % of white.
    outside : int
        Pixels changed outside the mask.
    changed : float
        Part of all pixels that were changed.
    worse : bool
        Whether `frame_db` is lower than the raw frame's.
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


class Judge:
    """Measures answers to one frame.

    Parameters
    ----------
    frame : SimulatedFrame
        The frame and its truth.
    """

    def __init__(self, frame: SimulatedFrame) -> None:
        self._frame = frame
        self._curve = display_curve(frame.recipe.scanner)
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
        """Return the squared error of display values of each pixel, mean of its channels."""
        return squared_error(self._curve[rgb], self._truth)

    def harm(self, rgb: Counts) -> Mask:
        """Return where a sound pixel's display value moved by over 1 % of white."""
        moved = np.abs(self._curve[rgb] - self._curve[self._frame.rgb]).max(-1) > HARM_SHARE
        return moved & ~self._frame.any_mask


def white_level(scanner: Scanner) -> int:
    """Return the highest count that a scanner gives."""
    return 65535 if scanner.fill_sixteen_bits else 2**scanner.bits - 1


def display_curve(scanner: Scanner) -> npt.NDArray[np.float32]:
    """Return the display value, 0..1, of each count: encoded with gamma 2.2 unless the scanner did so."""
    share = np.minimum(np.arange(65536) / white_level(scanner), 1.0)
    gamma = DISPLAY_GAMMA if scanner.gamma == 1 else 1.0
    return (share ** (1 / gamma)).astype(np.float32)


def squared_error(values: npt.NDArray[np.float32], truth: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the squared difference of each pixel, mean of its channels."""
    difference = values - truth
    return np.einsum("rcx,rcx->rc", difference, difference) / np.float32(values.shape[-1])


def decibel(error: npt.NDArray[np.float32]) -> float:
    """Return the peak signal to noise of squared errors against a peak of 1; NaN of nothing, infinite without error."""
    if error.size == 0:
        return math.nan
    mean = float(error.mean(dtype=np.float64))
    return -10 * math.log10(mean) if mean > 0 else math.inf


def is_worse(after_db: float, before_db: float) -> bool:
    """Return whether a picture is worse than before by more than rounding."""
    return after_db < before_db if math.isinf(before_db) else after_db < before_db - _WORSE_DB


def mean(values: Iterable[float]) -> float:
    """Return the mean of the finite values, NaN where there is none."""
    known = [value for value in values if math.isfinite(value)]
    return sum(known) / len(known) if known else math.nan


def precision_and_recall(mask: Mask, truth: Mask) -> tuple[float, float]:
    """Return the part of the mask near the truth, and of the truth near the mask; NaN where there is no truth."""
    if not truth.any():
        return math.nan, math.nan
    if not mask.any():
        return 0.0, 0.0
    return float(widened(truth)[mask].mean()), float(widened(mask)[truth].mean())


def widened(mask: Mask, radius_px: int = TOLERANCE_PX) -> Mask:
    """Return the mask with all pixels at most `radius_px` (Euclidean) away from it."""
    steps = np.arange(-radius_px, radius_px + 1)
    disc = (steps[:, None] ** 2 + steps**2 <= radius_px**2).astype(np.uint8)
    return cv2.dilate(mask.astype(np.uint8), disc).astype(np.bool_)


def harmonic_mean(first: float, second: float) -> float:
    """Return the harmonic mean of two shares, NaN if one is."""
    total = first + second
    return 2 * first * second / total if total else 0.0


def harmed_share(harm: Mask, any_damage: Mask) -> float:
    """Return how much of the sound pixels is harmed."""
    sound = any_damage.size - int(any_damage.sum())
    return float(harm.sum()) / sound if sound else math.nan
