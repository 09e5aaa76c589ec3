"""The tables of the blind bench, and what the detector is held against."""

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
from bench.measures.metrics import mean
from bench.measures.quality_tables import Target, held_against, plain

_TOP_HATS = [top_hat_name(level) for level in TOP_HAT_LEVELS]
_BY_COLOURS = (Group.COLOUR, Group.HARD, Group.SILVER)
_DUSTY = (*_BY_COLOURS, Group.KODACHROME)
# A few specks are shown beside them, but are not in the means over dusty frames: there one mark decides on a figure.
_F1_SHOWN, _STRONG_SHOWN = (*_DUSTY, Group.FEW), (*_BY_COLOURS, Group.FEW)


@dataclass(frozen=True, slots=True)
class BlindResult:
    """The scores of one frame by who found them, and what filmscand says of the frame."""

    name: str
    group: Group
    scores: dict[str, BlindScore]
    says: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Return the result as plain data; what could not be measured is None."""
        scores = {name: plain(dataclasses.asdict(score)) for name, score in self.scores.items()}
        return {"name": self.name, "group": str(self.group), "says": self.says, "scores": scores}


def best_top_hat(results: Sequence[BlindResult]) -> str:
    """Return the level of the top-hat that does best over all of these frames."""
    return max(_TOP_HATS, key=lambda name: mean(score.f1 for score in scores_of(results, name)))


def scores_of(results: Iterable[BlindResult], name: str, *groups: Group) -> list[BlindScore]:
    """Return the scores of one of them, in some groups or in all."""
    return [r.scores[name] for r in results if name in r.scores and (not groups or r.group in groups)]


def shown_names(results: Sequence[BlindResult]) -> list[str]:
    """Return who is shown: of the top-hats only the best."""
    names = list(dict.fromkeys(name for result in results for name in result.scores))
    best = best_top_hat(results)
    return [name for name in names if name not in _TOP_HATS or name == best]


def _lead(results: Sequence[BlindResult]) -> str:
    """Return who is measured in full: filmscand, or its detector where only that was run."""
    return shown_names(results)[0]


def frames_table(results: Sequence[BlindResult]) -> Table:
    """Return a row for each frame: filmscand in full, the others by their F1."""
    lead, *others = shown_names(results)
    table = Table(title=f"{lead}, frame by frame (dB of display values: before > after)")
    for name in ("frame", "group"):
        table.add_column(name)
    for name in ("F1", "prec.", "recall", "false/MP", "lights %", "dB", "s", *(f"F1 {name}" for name in others)):
        table.add_column(name, justify="right")
    table.add_column("says")
    for result in results:
        row = (*_frame_row(result.scores[lead]), *_others(result, others))
        # That there is no infrared is no news here.
        says = ", ".join(caution for caution in result.says if caution != "no_infrared")
        table.add_row(escape(result.name), str(result.group), *row, says)
    return table


def _frame_row(ours: BlindScore) -> tuple[str, ...]:
    worse = "[red]worse[/] " if ours.worse else ""
    decibel = f"{worse}{_number(ours.before_db, 1)} > {_number(ours.after_db, 1)}"
    return (
        *(_number(value, 3) for value in (ours.f1, ours.precision, ours.recall)),
        _number(ours.false_marks / ours.megapixels, 2),
        _percent(ours.lights),
        decibel,
        _number(ours.seconds, 2),
    )


def _others(result: BlindResult, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        score = result.scores.get(name)
        spotless = result.group is Group.SPOTLESS and score is not None
        yield (
            f"{score.false_marks / score.megapixels:.1f}/MP"
            if spotless
            else _number(score.f1 if score else math.nan, 3)
        )


def groups_table(results: Sequence[BlindResult]) -> Table:
    """Return means of F1, precision and recall by group, and false marks, for each of them."""
    table = Table(title="means, and the recall of what takes over 60 % of the light")
    table.add_column("")
    for group in _F1_SHOWN:
        table.add_column(f"F1 {group}", justify="right")
    for group in _STRONG_SHOWN:
        table.add_column(f"60 % {group}", justify="right")
    for name in (
        "prec. dusty",
        "recall dusty",
        "false/MP dusty",
        "false/MP spotless",
        "lights %",
        "dB gained",
        "worse",
    ):
        table.add_column(name, justify="right")
    for name in shown_names(results):
        table.add_row(name, *_group_row(results, name))
    return table


def _group_row(results: Sequence[BlindResult], name: str) -> Iterator[str]:
    for group in _F1_SHOWN:
        yield _number(mean(score.f1 for score in scores_of(results, name, group)), 3)
    for group in _STRONG_SHOWN:
        yield _number(_strong_recall(scores_of(results, name, group)), 3)
    dusty = scores_of(results, name, *_DUSTY)
    yield _number(mean(score.precision for score in dusty), 3)
    yield _number(mean(score.recall for score in dusty), 3)
    yield _number(false_marks_per_megapixel(dusty), 2)
    yield _number(false_marks_per_megapixel(scores_of(results, name, Group.SPOTLESS)), 2)
    yield _percent(sum((score.lights for score in scores_of(results, name)), Tally()))
    yield _number(mean(score.after_db - score.before_db for score in dusty), 1)
    yield str(sum(score.worse for score in scores_of(results, name)))


def _strong_recall(scores: Sequence[BlindScore]) -> float:
    return summed(score.recall_by_strength for score in scores).get(STRENGTHS[-1], Tally()).share


def recall_table(results: Sequence[BlindResult]) -> Table:
    """Return the part of the visible pixels that is found, by strength and kind, over all dusty frames."""
    names = shown_names(results)
    table = Table(title="recall of visible pixels over the dusty frames, by strength at the core and by kind")
    table.add_column("")
    for name in ("pixels", *names):
        table.add_column(name, justify="right")
    by_name = {name: scores_of(results, name, *_DUSTY) for name in names}
    strengths = {name: summed(score.recall_by_strength for score in scores) for name, scores in by_name.items()}
    kinds = {name: summed(score.recall_by_kind for score in scores) for name, scores in by_name.items()}
    for row in STRENGTHS:
        _recall_row(table, row, strengths)
    table.add_section()
    for row in sorted(kinds[names[0]]):
        _recall_row(table, row, kinds)
    return table


def _recall_row(table: Table, row: str, tallies: dict[str, dict[str, Tally]]) -> None:
    found = [each.get(row, Tally()) for each in tallies.values()]
    table.add_row(row, str(found[0].of), *(_number(tally.share, 3) for tally in found))


def targets_table(results: Sequence[BlindResult]) -> Table:
    """Return what has to be shown, and whether it is."""
    return held_against(f"{_lead(results)}, held against", _targets(results))


def _targets(results: Sequence[BlindResult]) -> Iterator[Target]:
    lead = _lead(results)
    for group, least in ((Group.COLOUR, 0.80), (Group.SILVER, 0.75), (Group.KODACHROME, 0.90)):
        found = mean(score.f1 for score in scores_of(results, lead, group))
        yield f"F1, mean of {group}", _number(found, 3), f"{least:.2f}", found >= least
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
    yield "false marks per megapixel, spotless", _number(spotless, 2), "0.2", spotless < 0.2
    lights = sum((score.lights for score in scores_of(results, lead)), Tally())
    yield "stars and lamps touched", f"{_percent(lights)} %", "2 %", lights.share < 0.02
    worse = sum(score.worse for score in scores_of(results, lead))
    yield "frames left worse", str(worse), "0", worse == 0


def _percent(tally: Tally) -> str:
    return f"{100 * tally.share:.2f}" if tally.of else "-"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
