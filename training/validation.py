"""Frames of held-out photographs and outlines, scanned by the film model, and how well they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from bench.metrics import harmonic_mean, precision_and_recall
from film.frame import SimulatedFrame, simulate_frame
from film.kinds import KINDS
from film.pictures import girders, lettering, night, portrait
from film.recipe import FrameRecipe
from ir.density_input import density_planes, measure_levels
from training.sources import Picture, Sources

Probability = npt.NDArray[np.float32]
# From densities (3, rows, cols), sizes a multiple of the network's, to probabilities (rows, cols).
Detect = Callable[[npt.NDArray[np.float32]], Probability]

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
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
SMALLEST_PX = 2
FRAME_SHAPE = (640, 960)


@dataclass(frozen=True, slots=True)
class Case:
    """A frame to be read.

    Parameters
    ----------
    group : str
        The kind it is counted with.
    density : ndarray of float32, shape (3, rows, cols)
        What the detector gets.
    defect : ndarray of bool, shape (rows, cols)
        Visible damage.
    """

    group: str
    density: npt.NDArray[np.float32]
    defect: npt.NDArray[np.bool_]
    strong: npt.NDArray[np.bool_]
    stars: npt.NDArray[np.int32] | None = None


def held_out_cases(sources: Sources, seed: int = 900) -> Iterator[Case]:
    """Simulate the frames to validate on.

    Parameters
    ----------
    sources : Sources
        Held-out photographs and outlines.
    seed : int
        Seed of the frames.
    """
    pictures = [fitted(photo) for photo in sources.photos] or [portrait(*FRAME_SHAPE, seed)]
    for kind in DAMAGED_KINDS:
        for turn in range(2):
            picture = pictures[(DAMAGED_KINDS.index(kind) + 2 * turn) % len(pictures)]
            yield _case(kind, picture, _with_outlines(KINDS[kind], sources), seed + turn)
    for name, recipe in (("star field", "clear_slide"), ("star field", "dark_slide")):
        yield _starry(name, _with_outlines(KINDS[recipe], sources), seed)
    yield _starry("spotless stars", _spotless("clear_slide"), seed + 1)
    for number, picture in enumerate(
        [*pictures, *(draw(*FRAME_SHAPE, seed) for draw in (girders, lettering, portrait))]
    ):
        kind = SPOTLESS_KINDS[number % len(SPOTLESS_KINDS)]
        yield _case("spotless", picture, _spotless(kind), seed + 10 + number)


def fitted(photo: Picture, shape: tuple[int, int] = FRAME_SHAPE) -> Picture:
    """Cut the middle out of a photograph at half its size."""
    small = cv2.resize(photo, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    top, left = ((have - want) // 2 for have, want in zip(small.shape[:2], shape, strict=True))
    return np.ascontiguousarray(small[top : top + shape[0], left : left + shape[1]], np.uint8)


def _with_outlines(recipe: FrameRecipe, sources: Sources) -> FrameRecipe:
    return replace(recipe, damage=replace(recipe.damage, outlines=sources.outlines))


def _spotless(kind: str) -> FrameRecipe:
    return replace(KINDS[kind], damage=KINDS["spotless"].damage)


def _case(group: str, picture: npt.NDArray[np.generic], recipe: FrameRecipe, seed: int) -> Case:
    frame = simulate_frame(picture, recipe, seed=seed)
    density = density_planes(frame.rgb, measure_levels(frame.rgb))
    return Case(group, density, frame.visible_mask & ~frame.holder_mask, _strong(frame))


def _strong(frame: SimulatedFrame) -> npt.NDArray[np.bool_]:
    chosen = np.array([False, *(defect.strength > 0.6 and not defect.infrared_only for defect in frame.defects)])
    return chosen[frame.defect_labels] & frame.visible_mask


def _starry(group: str, recipe: FrameRecipe, seed: int) -> Case:
    picture = night(*FRAME_SHAPE, seed)
    case = _case(group, picture, recipe, seed)
    light = picture.mean(-1)
    points = light > 1.6 * cv2.blur(light, (15, 15))
    _, stars = cv2.connectedComponents(points.astype(np.uint8), connectivity=8)
    return replace(case, stars=np.where(case.defect, 0, stars))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one threshold gives: mean over the frames of each kind."""

    f1: Mapping[str, float]
    precision: Mapping[str, float]
    recall: Mapping[str, float]
    strong_recall: float
    false_marks_per_mp: float
    stars_touched: float

    @property
    def mean_f1(self) -> float:
        """Mean over the damaged kinds."""
        return float(np.mean(list(self.f1.values())))


def validate(detect: Detect, cases: Sequence[Case]) -> dict[float, Figures]:
    """Return the figures at each threshold."""
    tallies = {threshold: _Tally() for threshold in THRESHOLDS}
    for case in cases:
        probability = detect(case.density)
        for threshold, tally in tallies.items():
            tally.add(case, probability >= threshold)
    return {threshold: tally.figures() for threshold, tally in tallies.items()}


class _Tally:
    def __init__(self) -> None:
        self._scores: dict[str, list[tuple[float, float, float]]] = {}
        self._strong: list[float] = []
        self._marks = self._spotless_px = self._stars = self._touched = 0

    def add(self, case: Case, mask: npt.NDArray[np.bool_]) -> None:
        if case.stars is not None:
            known = np.unique(case.stars)
            self._stars += known.size - 1
            self._touched += np.unique(case.stars[mask]).size - int((case.stars[mask] == 0).any())
        if not case.defect.any():
            _, _, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
            self._marks += int((boxes[1:, cv2.CC_STAT_AREA] >= SMALLEST_PX).sum())
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
            strong_recall=round(float(np.mean(self._strong)), 4) if self._strong else 0.0,
            false_marks_per_mp=round(self._marks / max(self._spotless_px / 1e6, 1e-9), 3),
            stars_touched=round(self._touched / max(self._stars, 1), 4),
        )
