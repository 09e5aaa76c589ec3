"""Tables of the quality bench: by kind, by cleaner, and the targets."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bench.frames.suite import BEYOND_INFRARED, DYE_FILMS, Case
from bench.measures.figure_table import Cell, FigureTable, Target, columns, plain, target_table
from bench.measures.metrics import Score, mean
from bench.peers.cleaners import OURS, PERFECT_TELEA, RAW, SANEI

HOW_PEERS_FILL = (
    "OpenCV fills each channel in 16 bits, radius 3; the median works in 8 display bits; fills with our mask or the "
    "perfect one are timed without finding it; dB: frames without damage are left out"
)


@dataclass(frozen=True, slots=True)
class Result:
    """The scores of one frame.

    Parameters
    ----------
    case : Case
        The frame.
    scores : dict from str to Score
        Score of each cleaner.
    skipped : dict from str to str
        Reason of each cleaner that has no score.
    warnings : tuple of str
        Warnings in filmscand's report.
    """

    case: Case
    scores: dict[str, Score]
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the result as plain data for JSON; None for a score that could not be measured."""
        return {
            "kind": self.case.kind,
            "picture": self.case.picture_name,
            "seed": self.case.seed,
            "warnings": list(self.warnings),
            "skipped": self.skipped,
            "scores": {name: plain(dataclasses.asdict(score)) for name, score in self.scores.items()},
        }


def mean_of(scores: Iterable[Score], name: str) -> float:
    """Return the mean of a score's field over the frames where it is finite, NaN if there is none."""
    return mean(getattr(score, name) for score in scores)


def dye(results: Sequence[Result]) -> list[Result]:
    """Return the results of dye films with damage."""
    return [result for result in results if result.case.kind in DYE_FILMS]


def kinds_table(results: Sequence[Result]) -> FigureTable:
    """Return filmscand beside the raw frame, the perfect mask with Telea, and sanei_ir, a row for each frame."""
    return FigureTable(
        title="ours, frame by frame (dB of display values)",
        columns=columns(
            "kind",
            "picture",
            ("F1", 3),
            ("precision", 3),
            ("recall", 3),
            ("F1 sanei", 3),
            ("dB defects, raw", 1),
            ("ours", 1),
            ("Telea", 1),
            ("sanei", 1),
            ("dB frame, raw", 1),
            ("ours", 1),
            ("sanei", 1),
            ("harmed %", 3),
            "outside",
            "worse",
            ("changed %", 3),
            ("s", 2),
            ("x sanei", 1),
            "warnings",
        ),
        rows=tuple(_kind_row(result) for result in results),
    )


def _kind_row(result: Result) -> tuple[Cell, ...]:
    raw, ours, perfect = (result.scores[name] for name in (RAW, OURS, PERFECT_TELEA))
    sanei = result.scores.get(SANEI)
    return (
        result.case.kind,
        result.case.picture_name[:14],
        ours.f1,
        ours.precision,
        ours.recall,
        sanei.f1 if sanei else None,
        raw.defects_db,
        ours.defects_db,
        perfect.defects_db,
        sanei.defects_db if sanei else None,
        raw.frame_db,
        ours.frame_db,
        sanei.frame_db if sanei else None,
        100 * ours.harmed,
        ours.outside,
        "worse" if ours.worse else "",
        100 * ours.changed,
        ours.seconds,
        ours.seconds / sanei.seconds if sanei else None,
        ", ".join(result.warnings),
    )


def peers_table(results: Sequence[Result], title: str) -> FigureTable:
    """Return the means of every cleaner over some frames."""
    return FigureTable(
        title=title,
        columns=columns(
            "cleaner",
            ("F1", 3),
            ("dB on defects", 1),
            ("dB of the frame", 1),
            ("harmed %", 3),
            "outside px",
            "frames left worse",
            "of",
            ("s", 2),
            ("x sanei_ir", 1),
        ),
        rows=tuple(_peer_row(name, results) for name in _names(results)),
    )


def _names(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(name for result in results for name in result.scores))


def _peer_row(name: str, results: Sequence[Result]) -> tuple[Cell, ...]:
    scores = [result.scores[name] for result in results if name in result.scores]
    paired = [result for result in results if name in result.scores and SANEI in result.scores]
    own_s = sum(result.scores[name].seconds for result in paired)
    sanei_s = sum(result.scores[SANEI].seconds for result in paired)
    return (
        name,
        None if name == RAW else mean_of(scores, "f1"),
        mean_of(scores, "defects_db"),
        mean_of(scores, "frame_db"),
        100 * mean_of(scores, "harmed"),
        sum(score.outside for score in scores),
        sum(score.worse for score in scores),
        len(scores),
        mean_of(scores, "seconds"),
        own_s / sanei_s if sanei_s and name != RAW else None,
    )


def targets_table(results: Sequence[Result]) -> FigureTable:
    """Return the targets of the engine, and whether they are met."""
    return target_table("targets", _targets(results))


def _targets(results: Sequence[Result]) -> list[Target]:
    targets: list[Target] = []
    everything = [result.scores[OURS] for result in results]
    if dye(results):
        targets += _dye_targets(dye(results))
    # Silver is healed by its colours: it counts among the frames that must not get worse.
    for kind in sorted(BEYOND_INFRARED - {"silver"}):
        scores = [result.scores[OURS] for result in results if result.case.kind == kind]
        limit = 1e-5 if kind == "spotless" else 0.0
        if scores:
            most = max(score.changed for score in scores)
            targets.append((f"{kind}: pixels changed", f"{100 * most:.4f} %", f"{100 * limit:g} %", most <= limit))
    kodachrome = [result.scores[OURS].f1 for result in results if result.case.kind == "kodachrome"]
    if kodachrome:
        targets.append(("kodachrome: F1", _share(min(kodachrome)), "0.75", min(kodachrome) >= 0.75))
    harmed, outside = mean_of(everything, "harmed"), sum(score.outside for score in everything)
    worse = sum(score.worse for score in everything)
    targets.append(("harmed, mean", f"{100 * harmed:.3f} %", "0.2 %", harmed < 0.002))
    targets.append(("changed outside the mask", str(outside), "0", outside == 0))
    targets.append(("frames left worse", str(worse), "0", worse == 0))
    return targets


def _dye_targets(results: Sequence[Result]) -> list[Target]:
    ours, raw, telea = ([result.scores[name] for result in results] for name in (OURS, RAW, PERFECT_TELEA))
    f1, weakest = mean_of(ours, "f1"), min(results, key=lambda result: result.scores[OURS].f1)
    lead = mean_of(ours, "defects_db") - mean_of(telea, "defects_db")
    narrowest = min(results, key=_lead)
    gain = mean_of(ours, "frame_db") - mean_of(raw, "frame_db")
    lowest = weakest.scores[OURS].f1
    return [
        ("F1, mean of the dye films", _share(f1), "0.95", f1 >= 0.95),
        (f"F1, weakest ({weakest.case.kind})", _share(lowest), "0.85", lowest >= 0.85),
        ("dB on defects over perfect mask + Telea, mean", f"{lead:+.1f}", "+4", lead >= 4),
        (f"the same, narrowest ({narrowest.case.kind})", f"{_lead(narrowest):+.1f}", "+0", _lead(narrowest) >= 0),
        ("dB of the frame over not cleaned, mean", f"{gain:+.1f}", "+8", gain >= 8),
    ]


def _lead(result: Result) -> float:
    return result.scores[OURS].defects_db - result.scores[PERFECT_TELEA].defects_db


def _share(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
