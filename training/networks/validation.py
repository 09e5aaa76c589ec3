"""Validation: held-out frames of the film model, and how well a detector finds their defects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from filmscand.film.frame import SimulatedFrame, simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import girders, lettering, night, portrait
from filmscand.film.recipe import FrameRecipe
from filmscand.ir.network.density_input import density_planes, measure_levels
from training.mask_agreement import harmonic_mean, precision_and_recall
from training.sheets.infrared import infrared_planes
from training.sheets.sources import Picture, Sources

Probability = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]
# From densities and infrared, (3, rows, cols) each, to the probability of a defect, (rows, cols).
Detect = Callable[[npt.NDArray[np.float32], npt.NDArray[np.float32]], Probability]

DAMAGED_KINDS = (
    "bright_slide",
    "leaky_slide",
    "heavy_dirt",
    "kodachrome",
    "silver",
    "mounted",
    "negative",
    "dark_slide",
    "faint_dust",
    "gamma_encoded",
    "grainy_slide",
    "long_hairs",
    "scratches",
)
SPOTLESS_KINDS = ("clear_slide", "silver", "negative", "grainy_slide", "dark_slide")
# Kinds of frames that are shown with their infrared: from those that it shows plainly to those where it misleads.
KINDS_BY_BOTH = (
    "clear_slide",
    "dark_slide",
    "negative",
    "silver",
    "kodachrome",
    "weak_infrared",
    "clipped_infrared",
    "infrared_blur",
    "two_pass_drift",
    "stripped_scratches",
    "infrared_only_dust",
    "fingerprint",
    "mounted",
)
# What the name of such a frame's group ends with.
BY_BOTH = ", infrared"
# Smallest region that counts, pixels.
SMALLEST_PX = 2


@dataclass(frozen=True, slots=True)
class Case:
    """A held-out frame with its truth.

    Parameters
    ----------
    group : str
        Kind of frame, which ends with `BY_BOTH` if its infrared is shown; results are averaged over each group.
    density : ndarray of float32, shape (3, rows, cols)
        Densities for the detector.
    infrared : ndarray of float32, shape (3, rows, cols)
        Infrared planes for the detector; zeros without infrared.
    defect : ndarray of bool, shape (rows, cols)
        Visible damage.
    strong : ndarray of bool, shape (rows, cols)
        Visible damage that takes over 60 % of the light.
    stars : ndarray of int32, shape (rows, cols), optional
        Stars and lamps that no damage touches, numbered from 1.
    """

    group: str
    density: npt.NDArray[np.float32]
    infrared: npt.NDArray[np.float32]
    defect: npt.NDArray[np.bool_]
    strong: npt.NDArray[np.bool_]
    stars: Labels | None = None


def held_out_cases(sources: Sources, rows: int, seed: int = 900) -> Iterator[Case]:
    """Simulate the frames to validate on.

    Parameters
    ----------
    sources : Sources
        Held-out photographs and outlines.
    rows : int
        Height of a frame, pixels; its width is one and a half times as large.
    seed : int
        Seed of the frames.

    Yields
    ------
    Case
        Damaged, starry and spotless frames: first by their colours alone, then with their infrared.
    """
    shape = (rows, rows * 3 // 2)
    pictures: list[npt.NDArray[Any]] = [fitted(photo, shape) for photo in sources.photos] or [portrait(*shape, seed)]
    for by_both in (False, True):
        yield from _damaged_cases(pictures, sources, seed, by_both)
    for kind in ("clear_slide", "dark_slide"):
        yield _starry("star field", _with_outlines(KINDS[kind], sources), shape, seed)
    yield _starry("spotless stars", _spotless("clear_slide"), shape, seed + 1)
    pictures += [draw(*shape, seed) for draw in (girders, lettering, portrait)]
    for by_both in (False, True):
        kinds = KINDS_BY_BOTH if by_both else SPOTLESS_KINDS
        for number, picture in enumerate(pictures):
            yield _case("spotless", picture, _spotless(kinds[number % len(kinds)]), seed + 10 + number, by_both)


def _damaged_cases(pictures: Sequence[npt.NDArray[Any]], sources: Sources, seed: int, by_both: bool) -> Iterator[Case]:
    for number, kind in enumerate(KINDS_BY_BOTH if by_both else DAMAGED_KINDS):
        for turn in range(2):
            picture = pictures[(number + 2 * turn) % len(pictures)]
            yield _case(kind, picture, _with_outlines(KINDS[kind], sources), seed + turn, by_both)


def fitted(photo: Picture, shape: tuple[int, int]) -> Picture:
    """Return the middle of a photograph at half its size.

    Parameters
    ----------
    photo : (rows, cols, 3) ndarray of uint8
        Photograph in sRGB.
    shape : tuple of int
        Rows and columns to return.

    Raises
    ------
    ValueError
        Half of the photograph is smaller than that shape.
    """
    small = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    if small.shape[0] < shape[0] or small.shape[1] < shape[1]:
        least, found = (f"{cols} x {rows}" for rows, cols in ((2 * shape[0], 2 * shape[1]), photo.shape[:2]))
        raise ValueError(f"expected held-out photographs of {least} pixels at least, found one of {found}")
    top, left = ((available - wanted) // 2 for available, wanted in zip(small.shape[:2], shape, strict=True))
    return np.ascontiguousarray(small[top : top + shape[0], left : left + shape[1]], np.uint8)


def _with_outlines(recipe: FrameRecipe, sources: Sources) -> FrameRecipe:
    return replace(recipe, damage=replace(recipe.damage, outlines=sources.outlines))


def _spotless(kind: str) -> FrameRecipe:
    return replace(KINDS[kind], damage=KINDS["spotless"].damage)


def _case(group: str, picture: npt.NDArray[Any], recipe: FrameRecipe, seed: int, by_both: bool = False) -> Case:
    frame = simulate_frame(picture, recipe, seed=seed)
    density = density_planes(frame.rgb, measure_levels(frame.rgb))
    infrared = infrared_planes(frame.rgb, frame.infrared if by_both else None)
    group += BY_BOTH * by_both
    return Case(group, density, infrared, frame.visible_mask & ~frame.holder_mask, _strong(frame))


def _strong(frame: SimulatedFrame) -> npt.NDArray[np.bool_]:
    strong = np.array([False, *(defect.strength > 0.6 and not defect.infrared_only for defect in frame.defects)])
    return strong[frame.defect_labels] & frame.visible_mask


def _starry(group: str, recipe: FrameRecipe, shape: tuple[int, int], seed: int) -> Case:
    picture = night(*shape, seed)
    case = _case(group, picture, recipe, seed)
    light = picture.mean(-1)
    points = light > 1.6 * cv2.blur(light, (15, 15))
    _, stars = cv2.connectedComponents(points.astype(np.uint8), connectivity=8)
    return replace(case, stars=np.where(case.defect, 0, stars))


class Limits(NamedTuple):
    """Probabilities of a hysteresis: a region with probabilities over `grow` is a defect if one is over `seed`."""

    seed: float
    grow: float


GROWS = (0.2, 0.3, 0.5)
SEEDS = (0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99)
LIMITS = tuple(Limits(seed, grow) for grow in GROWS for seed in SEEDS if seed >= grow)


@dataclass(frozen=True, slots=True)
class Figures:
    """Results with one pair of limits.

    Parameters
    ----------
    f1, precision, recall : mapping from str to float
        Mean over the frames of each group, 0..1.
    mean_f1 : float
        Mean of F1 over the groups, 0..1.
    strong_recall : float
        Recall of damage that takes over 60 % of the light, 0..1, mean over all frames.
    false_marks_per_mp : float
        Regions found on spotless frames, for each megapixel.
    stars_touched : float
        Share of the stars that a mask touches, 0..1.
    """

    f1: Mapping[str, float]
    precision: Mapping[str, float]
    recall: Mapping[str, float]
    mean_f1: float
    strong_recall: float
    false_marks_per_mp: float
    stars_touched: float


def validate(detect: Detect, cases: Sequence[Case], limits: Sequence[Limits] = LIMITS) -> dict[Limits, Figures]:
    """Return the results of a detector.

    Parameters
    ----------
    detect : callable
        From densities and infrared to probabilities.
    cases : sequence of Case
        Held-out frames.
    limits : sequence of Limits
        Pairs of limits to try.

    Returns
    -------
    dict from Limits to Figures
    """
    tallies = {pair: _Tally() for pair in limits}
    for case in cases:
        probability = detect(case.density, case.infrared)
        for grow in {pair.grow for pair in limits}:
            regions, peaks = _regions(probability, grow)
            for pair in limits:
                if pair.grow == grow:
                    tallies[pair].add(case, (peaks >= pair.seed)[regions])
    return {pair: tally.figures() for pair, tally in tallies.items()}


def _regions(probability: Probability, grow: float) -> tuple[Labels, npt.NDArray[np.float32]]:
    """Return the numbered regions over a probability, and the highest in each; 0 for regions of one pixel."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats((probability >= grow).astype(np.uint8), connectivity=8)
    regions = np.asarray(labels, np.int32)
    peaks = np.zeros(count, np.float32)
    np.maximum.at(peaks, regions.ravel(), probability.ravel())
    peaks[boxes[:, cv2.CC_STAT_AREA] < SMALLEST_PX] = 0
    peaks[0] = 0
    return regions, peaks


class _Tally:
    def __init__(self) -> None:
        self._scores: dict[str, list[tuple[float, float, float]]] = {}
        self._strong: list[float] = []
        self._marks = self._spotless_px = self._stars = self._touched = 0

    def add(self, case: Case, mask: npt.NDArray[np.bool_]) -> None:
        if case.stars is not None:
            self._stars += int(case.stars.max())
            self._touched += np.setdiff1d(case.stars[mask], [0]).size
        if not case.defect.any():
            self._marks += cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)[0] - 1
            self._spotless_px += mask.size
            return
        precision, recall = precision_and_recall(mask, case.defect)
        self._scores.setdefault(case.group, []).append((harmonic_mean(precision, recall), precision, recall))
        if case.strong.any():
            self._strong.append(precision_and_recall(mask, case.strong)[1])

    def figures(self) -> Figures:
        means = {group: np.mean(scores, axis=0) for group, scores in self._scores.items()}
        f1, precision, recall = ({g: round(float(m[i]), 4) for g, m in means.items()} for i in range(3))
        return Figures(
            f1,
            precision,
            recall,
            mean_f1=round(float(np.mean(list(f1.values()))), 4) if f1 else 0.0,
            strong_recall=round(float(np.mean(self._strong)), 4) if self._strong else 0.0,
            false_marks_per_mp=round(self._marks / max(self._spotless_px / 1e6, 1e-9), 3),
            stars_touched=round(self._touched / max(self._stars, 1), 4),
        )


# SURE: limits of a region that makes a frame count as dusty. USUAL: limits on a dusty frame. Both were chosen together
# on bench.blind (see `ir.decision.sure_regions`); validation on single frames cannot choose them.
SURE, USUAL = Limits(0.99, 0.5), Limits(0.98, 0.5)


def operating_points(figures: Mapping[Limits, Figures]) -> dict[str, Limits]:
    """Return the limits of the sensitivities "0", "0.5" and "1"; those of 1 have the best F2 (recall weighs double)."""
    return {"0": SURE, "0.5": USUAL, "1": max(figures, key=lambda pair: _recall_score(figures[pair]))}


def _recall_score(figures: Figures) -> float:
    precision, recall = (float(np.mean(list(part.values()))) for part in (figures.precision, figures.recall))
    return 5 * precision * recall / max(4 * precision + recall, 1e-9)
