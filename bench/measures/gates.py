"""The gates of the engine in one table: what the benches measured, what is wanted, and whether it is met.

Everything is read from the saved figures, so the table costs nothing and never disagrees with the tables below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bench.frames.suite import DYE_FILMS
from bench.measures.figure_table import Cell, FigureTable, columns
from bench.measures.figures import Figures
from bench.measures.metrics import mean

# Wanted of the F1, with 2 px of tolerance.
_DYE_F1, _WEAKEST_F1, _KODACHROME_F1, _SILVER_F1, _REAL_F1 = 0.96, 0.90, 0.85, 0.80, 0.65
_HARMED_PERCENT = 0.08
# Shares of the obvious defects. Blemishes were 267 to 2372 obvious defects when the gate was set; wanted is a quarter.
_MISSED_SHARE, _HALF_SHARE, _BLEMISHES_SHARE = 0.01, 0.01, 267 / 2372 / 4
_OURS, _OURS_IN_QUALITY = "filmscand", "ours"


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate: the bench that measures it, what it is, its value, what is wanted, and whether it is met.

    A value of None was not measured.
    """

    bench: str
    name: str
    value: float | None
    wanted: str
    met: bool = False
    digits: int = 3


def gates_table(figures: dict[str, Figures]) -> FigureTable:
    """Return the table of all gates.

    Parameters
    ----------
    figures : dict from str to Figures
        Saved figures by bench; the gates of a bench that is missing say that they were not measured.
    """
    return FigureTable(
        title="all gates",
        columns=columns("bench", "gate", "is", "wanted", "met"),
        rows=tuple(_row(gate) for gate in all_gates(figures)),
    )


def _row(gate: Gate) -> tuple[Cell, ...]:
    if gate.value is None:
        return gate.bench, gate.name, None, gate.wanted, "not measured"
    return gate.bench, gate.name, f"{gate.value:.{gate.digits}f}", gate.wanted, "yes" if gate.met else "no"


def all_gates(figures: dict[str, Figures]) -> Iterator[Gate]:
    """Yield every gate, bench by bench."""
    saved = {name: each.tables for name, each in figures.items()}
    yield from _quality(_table(saved.get("quality", ()), "outside", "kind"))
    yield from _second(_table(saved.get("second", ()), "infrared", "weakest F1"))
    third = saved.get("third", ())
    yield from _third_kinds(_table(third, "kind", "group"))
    yield from _third_sums(_table(third, "cleaner", "obvious"))
    yield _untouched("third", "spotless frames touched", _table(third, "kind", "touched"), "touched")
    real = saved.get("real", ())
    yield from _real_pairs(_table(real, "frame", "cleaner"))
    yield from _real_spotless(_table(real, "cleaner", "touched"))
    yield from _blind(_table(saved.get("blind", ()), "finder", "frames left worse"))


def _quality(table: FigureTable | None) -> Iterator[Gate]:
    dye = _cells(table, "F1", kind=DYE_FILMS)
    yield _at_least("quality", "F1 of dye film, mean", mean(dye) if dye else None, _DYE_F1)
    yield _at_least("quality", "F1 of dye film, weakest frame", min(dye, default=None), _WEAKEST_F1)
    for kind, wanted in (("kodachrome", _KODACHROME_F1), ("silver", _SILVER_F1)):
        yield _at_least("quality", f"F1 of {kind}", min(_cells(table, "F1", kind={kind}), default=None), wanted)
    harmed = _cells(table, "harmed %")
    yield _at_most("quality", "harmed, mean, %", mean(harmed) if harmed else None, _HARMED_PERCENT)
    worse = None if table is None else float(sum(cell == "worse" for cell in table.column("worse")))
    yield _none("quality", "frames left worse", worse)
    yield _none("quality", "pixels changed outside the mask", _sum(_cells(table, "outside")))
    yield _none("quality", "spotless, changed, %", _sum(_cells(table, "changed %", kind={"spotless"})), digits=4)


def _second(table: FigureTable | None) -> Iterator[Gate]:
    f1 = _cells(table, "F1")
    yield _at_least("second", "F1 of dye film, mean", mean(f1) if f1 else None, _DYE_F1)
    yield _at_least("second", "F1, weakest make of infrared", min(f1, default=None), _WEAKEST_F1)
    yield _none("second", "frames left worse", _sum(_cells(table, "frames left worse")))
    yield _none("second", "spotless, changed, %", _sum(_cells(table, "spotless: changed %")), digits=4)


def _third_kinds(table: FigureTable | None) -> Iterator[Gate]:
    dye = _cells(table, "F1", group={"dye"})
    yield _at_least("third", "F1 of dye film, mean", mean(dye) if dye else None, _DYE_F1)
    yield _at_least("third", "F1 of dye film, weakest kind", min(dye, default=None), _WEAKEST_F1)
    for group, wanted in (("Kodachrome", _KODACHROME_F1), ("silver", _SILVER_F1)):
        yield _at_least("third", f"F1 of {group}", min(_cells(table, "F1", group={group}), default=None), wanted)


def _third_sums(table: FigureTable | None) -> Iterator[Gate]:
    ours = {"cleaner": {_OURS}}
    harmed = _cells(table, "harmed %", **ours)
    yield _at_most("third", "harmed, mean, %", mean(harmed) if harmed else None, _HARMED_PERCENT)
    yield _none("third", "frames left worse", _sum(_cells(table, "frames left worse", **ours)))
    yield _none("third", "pixels changed outside the mask", _sum(_cells(table, "outside px", **ours)))
    obvious = _sum(_cells(table, "obvious", **ours))
    for name, wanted in (("missed", _MISSED_SHARE), ("half", _HALF_SHARE), ("blemishes", _BLEMISHES_SHARE)):
        count = _sum(_cells(table, name, **ours))
        share = 100 * count / obvious if count is not None and obvious else None
        yield _at_most("third", f"{name}, % of the obvious defects", share, 100 * wanted, digits=2)


def _untouched(bench: str, name: str, table: FigureTable | None, column: str) -> Gate:
    return _none(bench, name, _sum(_cells(table, column)))


def _real_pairs(table: FigureTable | None) -> Iterator[Gate]:
    f1 = _cells(table, "F1", cleaner={_OURS})
    yield _at_least("real", "F1 of real pairs, mean", mean(f1) if f1 else None, _REAL_F1)
    better = None if table is None else _where(table, "better", cleaner={_OURS})
    yield _none("real", "pairs not better than raw", None if better is None else float(sum(c != "yes" for c in better)))


def _real_spotless(table: FigureTable | None) -> Iterator[Gate]:
    yield _none("real", "spotless scans touched", _sum(_cells(table, "touched", cleaner={_OURS})))


def _blind(table: FigureTable | None) -> Iterator[Gate]:
    ours = {"finder": {_OURS, _OURS_IN_QUALITY}}
    yield _none("blind", "frames left worse", _sum(_cells(table, "frames left worse", **ours)))
    yield _none(
        "blind", "false regions for each megapixel, spotless", _sum(_cells(table, "false/MP spotless", **ours)), 2
    )


def _at_least(bench: str, name: str, value: float | None, wanted: float) -> Gate:
    return Gate(bench, name, value, f">= {wanted:.2f}", value is not None and value >= wanted)


def _at_most(bench: str, name: str, value: float | None, wanted: float, digits: int = 3) -> Gate:
    return Gate(bench, name, value, f"<= {wanted:.2f}", value is not None and value <= wanted, digits)


def _none(bench: str, name: str, value: float | None, digits: int = 0) -> Gate:
    return Gate(bench, name, value, "0", value == 0, digits)


def _table(tables: Iterable[FigureTable], *names: str) -> FigureTable | None:
    """Return the first table that has columns of these names."""
    return next((table for table in tables if {column.name for column in table.columns}.issuperset(names)), None)


def _where(table: FigureTable, column: str, **wanted: Iterable[str]) -> list[Cell]:
    """Return the cells of a column in the rows whose other columns hold a wanted text."""
    tests = [(table.column(name), frozenset(texts)) for name, texts in wanted.items()]
    cells = table.column(column)
    return [cell for number, cell in enumerate(cells) if all(texts[number] in allowed for texts, allowed in tests)]


def _cells(table: FigureTable | None, column: str, **wanted: Iterable[str]) -> list[float]:
    """Return the numbers of a column in the rows whose other columns hold a wanted text; nothing without a table."""
    cells = [] if table is None else _where(table, column, **wanted)
    return [float(cell) for cell in cells if isinstance(cell, int | float)]


def _sum(values: list[float]) -> float | None:
    return sum(values) if values else None
