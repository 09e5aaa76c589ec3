"""The report prints what was measured, and names what was not."""

from __future__ import annotations

import datetime

import pytest

from bench import report
from bench.measures.figure_table import FigureTable, columns
from bench.measures.figures import Figures, current_commit

NOW = current_commit()
TODAY = datetime.date(2026, 11, 28)


def figures(bench, commit=NOW):
    table = FigureTable(title="means", columns=columns("cleaner", ("F1", 3)), rows=(("ours", 0.98),))
    return Figures(
        bench=bench,
        date=datetime.date(2026, 11, 27),
        commit=commit,
        command=f"python -m bench.{bench} --quick",
        cores=2,
        tables=(table,),
    )


@pytest.fixture
def save(tmp_path):
    def write(bench, commit=NOW):
        (tmp_path / f"{bench}.json").write_text(figures(bench, commit).model_dump_json())
        return tmp_path

    return write


def test_a_section_has_what_is_measured_the_command_and_the_table():
    text = report.page({"second": figures("second")}, NOW, TODAY)
    section = text.split("## A second film and infrared")[1].split("\n## ")[0].replace("\n", " ")
    assert "neither the engine nor the network was made with" in section
    assert f"`python -m bench.second --quick`, on 2026-11-27, 2 cores, commit `{NOW}`:" in section
    assert "| ours | 0.980 |" in section


def test_the_page_has_its_date_and_commit_and_a_section_for_every_bench():
    text = report.page({}, NOW, TODAY)
    assert f"Printed on 2026-11-28 at commit `{NOW}`." in text
    assert text.count("\n## ") == len(report.SECTIONS) + 1
    assert text.count("Not measured yet: run `python -m bench.") == len(report.SECTIONS)
    assert max(len(line) for line in text.splitlines()) <= 120


def test_figures_that_are_missing_are_named_and_the_others_printed(save, capsys):
    folder = save("leakage")
    assert report.main(["--figures", str(folder)]) == 0
    printed = capsys.readouterr()
    assert "## Fit of the leakage" in printed.out
    assert "quality: no figures in" in printed.err
    assert "leakage" not in printed.err


def test_figures_of_another_commit_are_named_and_marked(save, capsys):
    folder = save("leakage", "0123456789ab")
    assert report.main(["--figures", str(folder)]) == 0
    printed = capsys.readouterr()
    assert "leakage: measured on 2026-11-27 at commit 0123456789ab (another commit)" in printed.err
    assert "commit `0123456789ab` (another commit):" in printed.out


def test_figures_of_an_older_commit_say_by_how_many(monkeypatch):
    monkeypatch.setattr(report, "commits_behind", lambda commit: 3)
    assert list(report.stale({"leakage": figures("leakage", "0123456789ab")}, NOW)) == [
        f"leakage: measured on 2026-11-27 at commit 0123456789ab (3 commits older); this is {NOW}"
    ]


def test_a_file_of_something_else_is_named(save, capsys):
    folder = save("leakage")
    (folder / "speed.json").write_text("{}")
    assert report.main(["--figures", str(folder)]) == 0
    assert "speed.json is no file of figures: Field required. Run python -m bench.speed" in capsys.readouterr().err


def test_without_any_figures_the_report_fails(tmp_path, capsys):
    assert report.main(["--figures", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no figures to report" in printed.err
