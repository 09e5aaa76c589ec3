"""Scores of filmscand and its peers on a frame of the third simulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.measures.metrics import Answer, CurveJudge, Score, decibel
from bench.measures.remnants import Remnants, Shown, count_remnants
from bench.peers.cleaners import detector_alone
from bench.peers.sanei_ir import SaneiIr
from bench.third.frame import ThirdFrame
from bench.third.recipe import Group
from filmscand.ir import CleanOptions, clean_frame
from filmscand.ir.report import DetectorUse

OURS, SANEI, DETECTOR, RAW = "filmscand", "sanei_ir (C)", "detector alone", "not cleaned"


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a cleaner made of a frame, and what it warned of."""

    answer: Answer
    warnings: tuple[str, ...] = ()


# From a frame to what a cleaner makes of it; None where it cannot clean such a frame.
Cleaner = Callable[[ThirdFrame], Cleaned | None]


@dataclass(frozen=True, slots=True)
class FrameScore:
    """The scores of one cleaner on one frame.

    Attributes
    ----------
    score : Score
        Agreement of the mask, decibels, harm.
    gained_db : float
        Decibels of the frame over the same not cleaned.
    masked : float
        Share of the frame that is masked, 0..1.
    remnants : Remnants
        What a person sees.
    warnings : tuple of str
        What filmscand reported.
    """

    score: Score
    gained_db: float
    masked: float
    remnants: Remnants
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One cleaner on one frame of a kind."""

    kind: str
    group: Group
    cleaner: str
    scored: FrameScore


def make_cleaners(detector: DetectorUse, sanei: SaneiIr | None, *, peers: bool) -> dict[str, Cleaner]:
    """Return filmscand and, if wanted, its peers, by name.

    Parameters
    ----------
    detector : DetectorUse
        Whether filmscand may ask its networks.
    sanei : SaneiIr or None
        sane-backends' cleaner, if it could be built.
    peers : bool
        Whether to return peers too.
    """
    options = CleanOptions(detector=detector)
    cleaners: dict[str, Cleaner] = {OURS: lambda frame: _cleaned(frame, options)}
    if peers:
        cleaners[DETECTOR] = _detected
        cleaners[RAW] = lambda frame: Cleaned(Answer(frame.rgb, np.zeros(frame.any_mask.shape, np.bool_), 0.0))
    if peers and sanei is not None:
        cleaners[SANEI] = lambda frame: _by_sanei(sanei, frame)
    return cleaners


def score_answer(frame: ThirdFrame, cleaned: Cleaned) -> FrameScore:
    """Return the scores of what a cleaner made of a frame."""
    judge, answer = CurveJudge(frame, frame.curve), cleaned.answer
    score = judge.score(answer)
    shown = Shown(*(frame.curve[rgb] for rgb in (frame.rgb, frame.clean_rgb, answer.rgb)))
    return FrameScore(
        score,
        score.frame_db - decibel(judge.error(frame.rgb)),
        float(answer.mask.mean()),
        count_remnants(shown, frame.labels, frame.visible_mask),
        cleaned.warnings,
    )


def _cleaned(frame: ThirdFrame, options: CleanOptions) -> Cleaned:
    began = time.perf_counter()
    cleaned = clean_frame(frame.rgb, frame.infrared, options)
    answer = Answer(cleaned.rgb, cleaned.defect_mask, time.perf_counter() - began)
    return Cleaned(answer, tuple(map(str, cleaned.report.warnings)))


def _detected(frame: ThirdFrame) -> Cleaned:
    return Cleaned(detector_alone(frame.rgb, CleanOptions().sensitivity))


def _by_sanei(sanei: SaneiIr, frame: ThirdFrame) -> Cleaned | None:
    """Clean with sanei_ir, whose histograms expect counts that fill 16 bits."""
    if frame.infrared is None:
        return None
    shift = np.uint16(0 if frame.kind.scan.bits == 8 else 16 - frame.kind.scan.bits)
    cleaned = sanei.clean(frame.rgb << shift, frame.infrared << shift)
    return Cleaned(Answer(cleaned.rgb >> shift, cleaned.filled, cleaned.seconds, cleaned.found))
