"""Tables of the blind bench: by frame, by group, by kind and strength of the defects, and the targets."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from bench.blind.finders import DETECTOR, RECIPE, TOP_HAT_LEVELS, top_hat_name
from bench.blind.frames import Group
from bench.blind.scores import STRENGTHS, BlindScore, Tally, false_marks_per_megapixel, summed
from bench.measures.figure_table import Cell, FigureTable, Target, columns, plain, target_table
from bench.measures.metrics import mean

_TOP_HATS = [top_hat_name(level) for level in TOP_HAT_LEVELS]
_BY_COLOURS = (Group.COLOUR, Group.HARD, Group.SILVER)
_DUSTY = (*_BY_COLOURS, Group.KODACHROME)
# Frames with a few specks have columns of their own but are left out of the means over dusty frames: a single region
# decides on their scores.
_F1_SHOWN, _STRONG_SHOWN = (*_DUSTY, Group.FEW), (*_BY_COLOURS, Group.FEW)


@dataclass(frozen=True, slots=True)
class BlindResult:
    """The scores of one frame.

    Parameters
    ----------
    name : str
        Name of the frame.
    group : Group
        Its group.
    scores : dict from str to BlindScore
        Score of each finder.
    warnings : tuple of str
        Warnings in filmscand's report.
    """

    name: str
    group: Group
    scores: dict[str, BlindScore]
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the result as plain data for JSON; None for a score that could not be measured."""
        scores = {name: plain(dataclasses.asdict(score)) for name, score in self.scores.items()}
        return {"name": self.name, "group": str(self.group), "says": self.warnings, "scores": scores}


def best_top_hat(results: Sequence[BlindResult]) -> str:
    """Return the name of the top-hat with the best mean F1 over these frames."""
    return max(_TOP_HATS, key=lambda name: mean(score.f1 for score in scores_of(results, name)))


def scores_of(results: Iterable[BlindResult], name: str, *groups: Group) -> list[BlindScore]:
    """Return the scores of a finder, in some groups or in all."""
    return [r.scores[name] for r in results if name in r.scores and (not groups or r.group in groups)]


def shown_names(results: Sequence[BlindResult]) -> list[str]:
    """Return the finders to show: all, but of the top-hats only the best."""
    names = list(dict.fromkeys(name for result in results for name in result.scores))
    best = best_top_hat(results)
    return [name for name in names if name not in _TOP_HATS or name == best]


def _lead(results: Sequence[BlindResult]) -> str:
    """Return the finder that is shown in full: filmscand, or its detector if filmscand was not run."""
    return shown_names(results)[0]


def frames_table(results: Sequence[BlindResult]) -> Table:
    """Return a row for each frame, for the terminal: filmscand in full, the other finders by their F1."""
    lead, *others = shown_names(results)
    table = Table(title=f"{lead}, frame by frame (dB of display values: before > after)")
    for name in ("frame", "group"):
        table.add_column(name)
    for name in ("F1", "prec.", "recall", "false/MP", "lights %", "dB", "s", *(f"F1 {name}" for name in others)):
        table.add_column(name, justify="right")
    table.add_column("warnings")
    for result in results:
        row = (*_frame_row(result.scores[lead]), *_others(result, others))
        # No frame but Kodachrome has an infrared plane here.
        warnings = ", ".join(warning for warning in result.warnings if warning != "no_infrared")
        table.add_row(escape(result.name), str(result.group), *row, warnings)
    return table


def _frame_row(ours: BlindScore) -> tuple[str, ...]:
    worse = "[red]worse[/] " if ours.worse else ""
    decibel = f"{worse}{_number(ours.before_db, 1)} > {_number(ours.after_db, 1)}"
    return (
        *(_number(value, 3) for value in (ours.f1, ours.precision, ours.recall)),
        _number(ours.false_marks / ours.megapixels, 2),
        _number(100 * ours.lights.share, 2),
        decibel,
        _number(ours.seconds, 2),
    )


def _others(result: BlindResult, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        score = result.scores.get(name)
        if score is not None and result.group is Group.SPOTLESS:
            yield f"{score.false_marks / score.megapixels:.1f}/MP"
        else:
            yield _number(score.f1 if score else math.nan, 3)


def groups_table(results: Sequence[BlindResult]) -> FigureTable:
    """Return the means of each finder: F1 and recall of strong defects by group, precision, false regions, decibels."""
    return FigureTable(
        title='means over the frames; "60 %" is the recall of damage that takes over 60 % of the light',
        columns=columns(
            "finder",
            *((f"F1 {group}", 3) for group in _F1_SHOWN),
            *((f"60 % {group}", 3) for group in _STRONG_SHOWN),
            ("precision dusty", 3),
            ("recall dusty", 3),
            ("false/MP dusty", 2),
            ("false/MP spotless", 2),
            ("lights touched %", 2),
            ("dB gained", 1),
            "frames left worse",
        ),
        rows=tuple((name, *_group_row(results, name)) for name in shown_names(results)),
    )


def _group_row(results: Sequence[BlindResult], name: str) -> Iterator[Cell]:
    for group in _F1_SHOWN:
        yield mean(score.f1 for score in scores_of(results, name, group))
    for group in _STRONG_SHOWN:
        yield _strong_recall(scores_of(results, name, group))
    dusty = scores_of(results, name, *_DUSTY)
    yield mean(score.precision for score in dusty)
    yield mean(score.recall for score in dusty)
    yield false_marks_per_megapixel(dusty)
    yield false_marks_per_megapixel(scores_of(results, name, Group.SPOTLESS))
    yield 100 * sum((score.lights for score in scores_of(results, name)), Tally()).share
    yield mean(score.after_db - score.before_db for score in dusty)
    yield sum(score.worse for score in scores_of(results, name))


def _strong_recall(scores: Sequence[BlindScore]) -> float:
    return summed(score.recall_by_strength for score in scores).get(STRENGTHS[-1], Tally()).share


def recall_table(results: Sequence[BlindResult]) -> FigureTable:
    """Return the share of the visible pixels that is found, by strength and by kind, over all dusty frames."""
    names = shown_names(results)
    by_name = {name: scores_of(results, name, *_DUSTY) for name in names}
    strengths = {name: summed(score.recall_by_strength for score in scores) for name, scores in by_name.items()}
    kinds = {name: summed(score.recall_by_kind for score in scores) for name, scores in by_name.items()}
    return FigureTable(
        title="recall of visible pixels over the dusty frames, by strength at the core and by kind",
        columns=columns("defects", "pixels", *((name, 3) for name in names)),
        rows=(
            *(_recall_row(row, strengths) for row in STRENGTHS),
            *(_recall_row(row, kinds) for row in sorted(kinds[names[0]])),
        ),
    )


def _recall_row(row: str, tallies: dict[str, dict[str, Tally]]) -> tuple[Cell, ...]:
    found = [each.get(row, Tally()) for each in tallies.values()]
    return row, found[0].of, *(tally.share for tally in found)


def targets_table(results: Sequence[BlindResult]) -> FigureTable:
    """Return the targets of the detector, and whether they are met."""
    return target_table(f"targets of {_lead(results)}", _targets(results))


def _targets(results: Sequence[BlindResult]) -> Iterator[Target]:
    lead = _lead(results)
    for group, least in ((Group.COLOUR, 0.80), (Group.SILVER, 0.75), (Group.KODACHROME, 0.90)):
        f1 = mean(score.f1 for score in scores_of(results, lead, group))
        yield f"F1, mean of {group}", _number(f1, 3), f"{least:.2f}", f1 >= least
    if scores_of(results, RECIPE):
        ours, theirs = (mean(score.f1 for score in scores_of(results, name, *_DUSTY)) for name in (DETECTOR, RECIPE))
        yield "F1 over the recipe's network", _number(ours - theirs, 3), "+0.05", ours > theirs + 0.05
    dusty = scores_of(results, lead, *_BY_COLOURS)
    strong = _strong_recall(dusty)
    yield "recall over 60 % strength", _number(strong, 3), "0.90", strong >= 0.9
    marked = sum(score.marked for score in dusty)
    precision = sum(score.hits for score in dusty) / marked if marked else math.nan
    yield "precision over all pixels", _number(precision, 3), "0.85", precision >= 0.85
    spotless = false_marks_per_megapixel(scores_of(results, lead, Group.SPOTLESS))
    yield "false regions for each megapixel, spotless", _number(spotless, 2), "0.2", spotless < 0.2
    lights = sum((score.lights for score in scores_of(results, lead)), Tally())
    yield "stars and lamps touched", f"{_number(100 * lights.share, 2)} %", "2 %", lights.share < 0.02
    worse = sum(score.worse for score in scores_of(results, lead))
    yield "frames left worse", str(worse), "0", worse == 0


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
