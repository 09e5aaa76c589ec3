"""Scores of a defect mask in the blind bench: recall by kind and strength, false regions, stars and lamps touched."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bench.blind.frames import BlindFrame
from bench.measures.metrics import Counts, decibel, is_worse
from filmscand.daemon.evaluation.metrics import squared_error
from filmscand.film.scanner import display_curve
from training.mask_agreement import Mask, harmonic_mean, precision_and_recall, widened

STRENGTHS = ("under 5 %", "5-20 %", "20-60 %", "over 60 %")
_STRENGTH_LIMITS = (0.05, 0.20, 0.60)
# Display value above its surroundings from which a star counts as visible.
_SEEN_LIGHT = 0.04
_EIGHT_NEIGHBOURS = np.ones((3, 3), np.bool_)


@dataclass(frozen=True, slots=True)
class Tally:
    """A count of pixels or things, and how many of them were found."""

    found: int = 0
    of: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.found + other.found, self.of + other.of)

    @property
    def share(self) -> float:
        """Share that was found, 0..1; NaN if the count is 0."""
        return self.found / self.of if self.of else math.nan


@dataclass(frozen=True, slots=True)
class BlindScore:
    """Scores of one mask; NaN where the frame has no damage to measure a score on.

    Attributes
    ----------
    precision, recall, f1 : float
        Agreement with visible defects, with 2 pixels of tolerance, 0..1.
    hits, marked : int
        Pixels of the mask within 2 pixels of a visible defect, and all pixels of the mask.
    recall_by_kind, recall_by_strength : dict from str to Tally
        Visible pixels of the defects of each kind, and of each strength at the core; found are those within 2 pixels
        of the mask.
    false_marks : int
        Regions of the mask that touch no damage.
    megapixels : float
        Size of the frame.
    lights : Tally
        Visible stars and lamps without damage; found are those that the mask touches.
    before_db, after_db : float
        Peak signal to noise ratio of display values before and after; NaN where nothing was healed.
    seconds : float
        Wall time.
    """

    precision: float
    recall: float
    f1: float
    hits: int
    marked: int
    recall_by_kind: dict[str, Tally]
    recall_by_strength: dict[str, Tally]
    false_marks: int
    megapixels: float
    lights: Tally
    before_db: float
    after_db: float
    seconds: float

    @property
    def worse(self) -> bool:
        """Whether the frame has fewer decibels after cleaning than before."""
        return is_worse(self.after_db, self.before_db)


def score_mask(blind: BlindFrame, mask: Mask, rgb: Counts | None, seconds: float) -> BlindScore:
    """Return the scores of a mask.

    Parameters
    ----------
    blind : BlindFrame
        The frame and its truth.
    mask : (rows, cols) ndarray of bool
        Defect mask.
    rgb : (rows, cols, 3) ndarray of uint16 or None
        The frame healed with the mask, if it was healed.
    seconds : float
        Wall time.
    """
    frame = blind.frame
    precision, recall = precision_and_recall(mask, frame.visible_mask)
    near_mask, near_truth = widened(mask), widened(frame.visible_mask)
    kinds, strengths = _recalls(blind, near_mask)
    before_db, after_db = (math.nan, math.nan) if rgb is None else _decibels(blind, rgb)
    return BlindScore(
        precision=precision,
        recall=recall,
        f1=harmonic_mean(precision, recall),
        hits=int((mask & near_truth).sum()),
        marked=int(mask.sum()),
        recall_by_kind=kinds,
        recall_by_strength=strengths,
        false_marks=_false_marks(mask, widened(frame.any_mask)),
        megapixels=mask.size / 1e6,
        lights=_lights(blind, mask),
        before_db=before_db,
        after_db=after_db,
        seconds=seconds,
    )


def strength_name(strength: float) -> str:
    """Return the class of a strength: the share of the light, 0..1, that a defect takes at its core."""
    return STRENGTHS[int(np.searchsorted(_STRENGTH_LIMITS, strength, side="right"))]


def _recalls(blind: BlindFrame, near_mask: Mask) -> tuple[dict[str, Tally], dict[str, Tally]]:
    frame = blind.frame
    seen = frame.defect_labels[frame.visible_mask]
    count = len(frame.defects) + 1
    all_px = np.bincount(seen, minlength=count)
    found_px = np.bincount(seen, weights=near_mask[frame.visible_mask], minlength=count).astype(int)
    kinds: dict[str, Tally] = {}
    strengths: dict[str, Tally] = {}
    for number, defect in enumerate(frame.defects, 1):
        tally = Tally(int(found_px[number]), int(all_px[number]))
        for groups, name in ((kinds, str(defect.kind)), (strengths, strength_name(defect.strength))):
            groups[name] = groups.get(name, Tally()) + tally
    return kinds, strengths


def _false_marks(mask: Mask, damage: Mask) -> int:
    labels, count = ndimage.label(mask, _EIGHT_NEIGHBOURS)
    return count - len(np.setdiff1d(labels[damage], 0))


def _lights(blind: BlindFrame, mask: Mask) -> Tally:
    if blind.lights is None:
        return Tally()
    numbers = np.setdiff1d(blind.lights, 0)
    shown = display_curve(blind.frame.recipe.scanner)[blind.frame.clean_rgb].max(-1)
    around = ndimage.median_filter(shown[::2, ::2], 15).repeat(2, 0).repeat(2, 1)[: shown.shape[0], : shown.shape[1]]
    over = ndimage.maximum(shown - around, blind.lights, numbers)
    dirty = ndimage.maximum(widened(blind.frame.any_mask), blind.lights, numbers)
    touched = ndimage.maximum(mask, blind.lights, numbers)
    seen = (np.asarray(over) > _SEEN_LIGHT) & (np.asarray(dirty) == 0)
    return Tally(int((seen & (np.asarray(touched) > 0)).sum()), int(seen.sum()))


def _decibels(blind: BlindFrame, rgb: Counts) -> tuple[float, float]:
    curve = display_curve(blind.frame.recipe.scanner)
    truth = curve[blind.frame.clean_rgb]
    return decibel(squared_error(curve[blind.frame.rgb], truth)), decibel(squared_error(curve[rgb], truth))


def summed(tallies: Iterable[dict[str, Tally]]) -> dict[str, Tally]:
    """Return the sum of the tallies of many frames, by name."""
    total: dict[str, Tally] = {}
    for each in tallies:
        for name, tally in each.items():
            total[name] = total.get(name, Tally()) + tally
    return total


def false_marks_per_megapixel(scores: Sequence[BlindScore]) -> float:
    """Return the false regions of many frames for each megapixel; NaN without any frame."""
    megapixels = sum(score.megapixels for score in scores)
    return sum(score.false_marks for score in scores) / megapixels if megapixels else math.nan
