"""The table of all gates."""

from __future__ import annotations

import datetime

from bench.measures.figure_table import FigureTable, columns
from bench.measures.figures import Figures
from bench.measures.gates import all_gates, gates_table


def figures(bench, *tables):
    return Figures(
        bench=bench, date=datetime.date(2026, 11, 28), commit="unknown", command=bench, cores=2, tables=tables
    )


def table(names, *rows):
    return FigureTable(title="", columns=columns(*names), rows=rows)


def third(f1=0.97, missed=0, half=0, blemishes=0, touched=0):
    return figures(
        "third",
        table(
            ("cleaner", "frames left worse", "harmed %", "outside px", "obvious", "missed", "half", "blemishes"),
            ("filmscand", 0, 0.02, 0, 1000, missed, half, blemishes),
            ("sanei_ir (C)", 9, 9.0, 9, 1000, 500, 90, 800),
        ),
        table(("kind", "group", "F1"), ("clear", "dye", f1), ("old", "Kodachrome", 0.86), ("grey", "silver", 0.5)),
        table(("kind", "touched"), ("road", touched), ("wires", 0)),
    )


def verdicts(*measured):
    rows = gates_table({each.bench: each for each in measured}).rows
    return {(bench, gate): (value, met) for bench, gate, value, _, met in rows}


def test_without_figures_every_gate_says_that_it_was_not_measured():
    assert {met for _, met in verdicts().values()} == {"not measured"}
    assert {gate.bench for gate in all_gates({})} == {"quality", "second", "third", "real", "blind"}


def test_gates_are_read_from_the_rows_of_filmscand_alone():
    met = verdicts(third())
    assert met["third", "F1 of dye film, mean"] == ("0.970", "yes")
    assert met["third", "F1 of Kodachrome"] == ("0.860", "yes")
    assert met["third", "F1 of silver"] == ("0.500", "no")
    assert met["third", "frames left worse"] == ("0", "yes")
    assert met["third", "missed, % of the obvious defects"] == ("0.00", "yes")


def test_gates_that_are_not_met_say_no():
    met = verdicts(third(f1=0.89, missed=11, half=10, blemishes=40, touched=1))
    assert met["third", "F1 of dye film, weakest kind"] == ("0.890", "no")
    assert met["third", "missed, % of the obvious defects"] == ("1.10", "no")
    assert met["third", "half, % of the obvious defects"] == ("1.00", "yes")
    assert met["third", "blemishes, % of the obvious defects"] == ("4.00", "no")
    assert met["third", "spotless frames touched"] == ("1", "no")


def test_gates_of_quality_take_dye_films_for_the_mean():
    quality = figures(
        "quality",
        table(
            ("kind", "F1", "harmed %", "outside", "worse", "changed %"),
            ("clear_slide", 0.98, 0.01, 0, "", 0.5),
            ("kodachrome", 0.84, 0.01, 0, "worse", 0.5),
            ("spotless", None, 0.01, 0, "", 0.0),
        ),
    )
    met = verdicts(quality)
    assert met["quality", "F1 of dye film, mean"] == ("0.980", "yes")
    assert met["quality", "F1 of kodachrome"] == ("0.840", "no")
    assert met["quality", "frames left worse"] == ("1", "no")
    assert met["quality", "spotless, changed, %"] == ("0.0000", "yes")
    assert met["quality", "F1 of silver"][1] == "not measured"


def test_gates_of_real_scans_ask_that_each_pair_is_better_than_raw():
    real = figures(
        "real",
        table(
            ("frame", "cleaner", "F1", "better"),
            ("one", "filmscand", 0.7, "yes"),
            ("two", "filmscand", 0.64, "no"),
            ("one", "median", 0.1, "no"),
        ),
        table(("cleaner", "touched"), ("filmscand", 0), ("median", 4)),
    )
    met = verdicts(real)
    assert met["real", "F1 of real pairs, mean"] == ("0.670", "yes")
    assert met["real", "pairs not better than raw"] == ("1", "no")
    assert met["real", "spotless scans touched"] == ("0", "yes")
