"""Tables of the third bench: kind by kind, spotless kinds, and filmscand beside its peers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.metrics import mean
from bench.measures.remnants import Remnants
from bench.third.recipe import Group
from bench.third.scores import DETECTOR, OURS, RAW, SANEI, FrameScore, Result


def make_tables(results: Sequence[Result]) -> list[FigureTable]:
    """Return the tables: cleaners, kinds with dirt, spotless kinds; without the last two where there are none."""
    dirty = [result for result in results if result.group is not Group.SPOTLESS]
    spotless = [result for result in results if result.group is Group.SPOTLESS]
    tables = [cleaners_table(results)]
    tables += [kinds_table(dirty)] if dirty else []
    return [*tables, *([spotless_table(spotless)] if spotless else [])]


def cleaners_table(results: Sequence[Result]) -> FigureTable:
    """Return a row for each cleaner: means over the frames of each group, and sums of what a person sees."""
    return FigureTable(
        title="means over the frames of each group; obvious defects are those of dye film and Kodachrome",
        columns=columns(
            "cleaner",
            ("F1 dye", 3),
            ("F1 Kodachrome", 3),
            ("F1 silver", 3),
            ("F1 colours only", 3),
            ("dB gained", 1),
            "frames left worse",
            ("harmed %", 3),
            "outside px",
            "obvious",
            "missed",
            "half",
            "blemishes",
            ("spotless: changed %", 4),
        ),
        rows=tuple((name, *_cleaner_row(name, results)) for name in (OURS, SANEI, DETECTOR, RAW) if _of(results, name)),
    )


def _cleaner_row(name: str, results: Sequence[Result]) -> tuple[Cell, ...]:
    own = _of(results, name)
    dirty = [each for group in Group if group is not Group.SPOTLESS for each in _of(results, name, group)]
    spotless = _of(results, name, Group.SPOTLESS)
    healed = name in (OURS, SANEI)
    found = [_f1(_of(results, name, group)) for group in (Group.DYE, Group.KODACHROME, Group.SILVER, Group.COLOURS)]
    seen = _seen(each for group in (Group.DYE, Group.KODACHROME) for each in _of(results, name, group))
    touched = [each.score.changed if healed else each.masked for each in spotless]
    return (
        *([None] * len(found) if name == RAW else found),
        mean(each.gained_db for each in dirty) if healed else None,
        sum(each.score.worse for each in own) if healed else None,
        100 * mean(each.score.harmed for each in own) if healed else None,
        sum(each.score.outside for each in own) if healed else None,
        *(seen if name != DETECTOR else (seen[0], None, None, None)),
        100 * mean(touched) if name != RAW else None,
    )


def kinds_table(results: Sequence[Result]) -> FigureTable:
    """Return a row for each kind with dirt: filmscand, and its peers' F1."""
    return FigureTable(
        title="filmscand on frames with dirt; means over the frames of a kind, sums of what a person sees",
        columns=columns(
            "kind",
            "group",
            ("F1", 3),
            ("precision", 3),
            ("recall", 3),
            ("F1 sanei", 3),
            ("F1 detector", 3),
            ("dB gained", 1),
            "worse",
            ("harmed %", 3),
            "obvious",
            "missed",
            "half",
            "blemishes",
            "warnings",
        ),
        rows=tuple(_kind_row([each for each in results if each.kind == kind]) for kind in _kinds(results)),
    )


def _kind_row(results: Sequence[Result]) -> tuple[Cell, ...]:
    ours = _of(results, OURS)
    return (
        results[0].kind,
        str(results[0].group),
        *(mean(getattr(each.score, name) for each in ours) for name in ("f1", "precision", "recall")),
        *(_f1(_of(results, peer)) for peer in (SANEI, DETECTOR)),
        mean(each.gained_db for each in ours),
        sum(each.score.worse for each in ours),
        100 * mean(each.score.harmed for each in ours),
        *_seen(ours),
        _warnings(ours),
    )


def spotless_table(results: Sequence[Result]) -> FigureTable:
    """Return a row for each spotless kind: how much of it filmscand and its peers changed, at most on a frame."""
    return FigureTable(
        title="spotless frames, which nothing may touch: pixels changed, the most on a frame",
        columns=columns(
            "kind",
            "frames",
            "touched",
            ("changed %", 4),
            "blemishes",
            ("sanei %", 4),
            ("detector masks %", 4),
            "warnings",
        ),
        rows=tuple(_spotless_row([each for each in results if each.kind == kind]) for kind in _kinds(results)),
    )


def _spotless_row(results: Sequence[Result]) -> tuple[Cell, ...]:
    ours = _of(results, OURS)
    return (
        results[0].kind,
        len(ours),
        sum(each.score.changed > 0 for each in ours),
        100 * max(each.score.changed for each in ours),
        _seen(ours)[-1],
        *(_most(_of(results, SANEI), "changed"), _most(_of(results, DETECTOR), "masked")),
        _warnings(ours),
    )


def _most(scores: Sequence[FrameScore], name: str) -> float | None:
    if not scores:
        return None
    return 100 * max(each.masked if name == "masked" else each.score.changed for each in scores)


def _kinds(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(result.kind for result in results))


def _of(results: Iterable[Result], cleaner: str, group: Group | None = None) -> list[FrameScore]:
    return [each.scored for each in results if each.cleaner == cleaner and group in (None, each.group)]


def _f1(scores: Sequence[FrameScore]) -> float | None:
    return mean(each.score.f1 for each in scores) if scores else None


def _seen(scores: Iterable[FrameScore]) -> tuple[int, int, int, int]:
    total = sum((each.remnants for each in scores), Remnants())
    return total.obvious, total.missed, total.half, total.blemishes


def _warnings(scores: Iterable[FrameScore]) -> str:
    return ", ".join(dict.fromkeys(warning for each in scores for warning in each.warnings))
