"""Means over the suite, the tables that show them, and what they are held against."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from bench.frames import BEYOND_INFRARED, DYE_FILMS, Case
from bench.metrics import Score, mean
from bench.peers import OURS, PERFECT_TELEA, RAW, SANEI

_HOW = (
    "OpenCV fills each channel in 16 bits, radius 3; the median works in 8 display bits; fills with our mask or the "
    "perfect one are timed without finding it; dB: frames without damage are left out"
)

# What is held against, what it is, what is asked, and whether that is met.
Target = tuple[str, str, str, bool]


@dataclass(frozen=True, slots=True)
class Result:
    """The scores of one frame by cleaner, and why some have none."""

    case: Case
    scores: dict[str, Score]
    skipped: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the result as plain data; what could not be measured is None."""
        return {
            "kind": self.case.kind,
            "picture": self.case.picture_name,
            "seed": self.case.seed,
            "warnings": list(self.warnings),
            "skipped": self.skipped,
            "scores": {name: plain(dataclasses.asdict(score)) for name, score in self.scores.items()},
        }


def plain(value: object) -> object:
    """Return a value for JSON: None for what is not finite, in dictionaries as well."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def mean_of(scores: Iterable[Score], name: str) -> float:
    """Return the mean of a measure over the frames that have it (finite), NaN where none has."""
    return mean(getattr(score, name) for score in scores)


def dye(results: Sequence[Result]) -> list[Result]:
    """Return the results of dye films that carry damage."""
    return [result for result in results if result.case.kind in DYE_FILMS]


def kinds_table(results: Sequence[Result]) -> Table:
    """Return ours beside the raw frame, the perfect mask with Telea, and sanei_ir, a row for each frame."""
    table = Table(title="ours by kind (dB of display values: raw > ours, perfect mask + Telea)")
    for name in ("kind", "picture", "F1", "prec.", "recall", "F1 sanei", "dB defects", "Telea", "sanei"):
        table.add_column(name, justify="left" if name in ("kind", "picture") else "right")
    for name in ("dB frame", "sanei ", "harmed %", "outside", "worse", "changed %", "s", "x sanei", "says"):
        table.add_column(name, justify="left" if name == "says" else "right")
    for result in results:
        table.add_row(*_kind_row(result))
    return table


def _kind_row(result: Result) -> list[str]:
    raw, ours, perfect = (result.scores[name] for name in (RAW, OURS, PERFECT_TELEA))
    sanei = result.scores.get(SANEI)
    return [
        result.case.kind,
        result.case.picture_name[:14],
        _share(ours.f1),
        _share(ours.precision),
        _share(ours.recall),
        _share(sanei.f1) if sanei else "-",
        f"{_number(raw.defects_db)} > {_number(ours.defects_db)}",
        _number(perfect.defects_db),
        _number(sanei.defects_db) if sanei else "-",
        f"{_number(raw.frame_db)} > {_number(ours.frame_db)}",
        _number(sanei.frame_db) if sanei else "-",
        f"{100 * ours.harmed:.3f}",
        str(ours.outside),
        "[red]worse[/]" if ours.worse else "",
        f"{100 * ours.changed:.3f}",
        f"{ours.seconds:.2f}",
        _number(ours.seconds / sanei.seconds) if sanei else "-",
        ", ".join(result.warnings),
    ]


def peers_table(results: Sequence[Result], title: str) -> Table:
    """Return the means of every cleaner over some frames."""
    table = Table(title=title, caption=_HOW)
    table.add_column("")
    for name in ("F1", "dB on defects", "dB of the frame", "harmed %", "outside px", "worse", "of", "s", "x sanei_ir"):
        table.add_column(name, justify="right")
    for name in _names(results):
        scores = [result.scores[name] for result in results if name in result.scores]
        table.add_row(name, *_peer_row(name, scores, results))
    return table


def _names(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(name for result in results for name in result.scores))


def _peer_row(name: str, scores: Sequence[Score], results: Sequence[Result]) -> list[str]:
    paired = [result for result in results if name in result.scores and SANEI in result.scores]
    own_s = sum(result.scores[name].seconds for result in paired)
    sanei_s = sum(result.scores[SANEI].seconds for result in paired)
    return [
        "-" if name == RAW else _share(mean_of(scores, "f1")),
        _number(mean_of(scores, "defects_db")),
        _number(mean_of(scores, "frame_db")),
        f"{100 * mean_of(scores, 'harmed'):.3f}",
        str(sum(score.outside for score in scores)),
        str(sum(score.worse for score in scores)),
        str(len(scores)),
        f"{mean_of(scores, 'seconds'):.2f}",
        _number(own_s / sanei_s) if sanei_s and name != RAW else "-",
    ]


def targets_table(results: Sequence[Result]) -> Table:
    """Return what the engine has to show, and whether it does."""
    return held_against("held against", _targets(results))


def held_against(title: str, targets: Iterable[Target]) -> Table:
    """Return a table of targets."""
    table = Table(title=title)
    for name in ("", "is", "asked", ""):
        table.add_column(name)
    for what, found, asked, met in targets:
        table.add_row(what, found, asked, "[green]yes[/]" if met else "[red]no[/]")
    return table


def _targets(results: Sequence[Result]) -> list[Target]:
    found: list[Target] = []
    everything = [result.scores[OURS] for result in results]
    if dye(results):
        found += _dye_targets(dye(results))
    # Silver is healed by its colours: it counts among the frames that must not get worse.
    for kind in sorted(BEYOND_INFRARED - {"silver"}):
        here = [result.scores[OURS] for result in results if result.case.kind == kind]
        limit = 1e-5 if kind == "spotless" else 0.0
        if here:
            most = max(score.changed for score in here)
            found.append((f"{kind}: pixels changed", f"{100 * most:.4f} %", f"{100 * limit:g} %", most <= limit))
    kodachrome = [result.scores[OURS].f1 for result in results if result.case.kind == "kodachrome"]
    if kodachrome:
        found.append(("kodachrome: F1", _share(min(kodachrome)), "0.75", min(kodachrome) >= 0.75))
    harmed, outside = mean_of(everything, "harmed"), sum(score.outside for score in everything)
    worse = sum(score.worse for score in everything)
    found.append(("harmed, mean", f"{100 * harmed:.3f} %", "0.2 %", harmed < 0.002))
    found.append(("changed outside the mask", str(outside), "0", outside == 0))
    found.append(("frames left worse", str(worse), "0", worse == 0))
    return found


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


def _number(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "-"
