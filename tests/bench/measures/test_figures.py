"""Files of figures tell when, what and how was measured."""

from __future__ import annotations

import datetime
import subprocess

import pytest
from pydantic import ValidationError

from bench.measures.figure_table import FigureTable, columns
from bench.measures.figures import UNKNOWN, commits_behind, current_commit, read_figures, save_figures

TABLE = FigureTable(title="", columns=columns("a"), rows=((1.5,),))


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one commit."""
    git(tmp_path, "init", "-q")
    commit(tmp_path, "first")
    return tmp_path


def git(folder, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


def commit(folder, text):
    (folder / "file").write_text(text)
    git(folder, "add", "file")
    git(folder, "commit", "-q", "-m", text)


def test_figures_are_saved_with_date_commit_and_command_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["bench/speed.py", "--kind", "a b"])
    path = save_figures("speed", [TABLE], tmp_path / "out")
    figures = read_figures(path)
    assert path.name == "speed.json"
    assert figures.command == "python -m bench.speed --kind 'a b'"
    assert abs(figures.date - datetime.datetime.now(datetime.UTC).date()) <= datetime.timedelta(days=1)
    assert figures.cores >= 1
    assert figures.tables == (TABLE,)


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "speed.json").write_text("[]")
    with pytest.raises(ValidationError):
        read_figures(tmp_path / "speed.json")


def test_a_checkout_with_changes_is_dirty_and_new_files_do_not_count(checkout):
    clean = current_commit(checkout)
    (checkout / "other").write_text("new")
    assert current_commit(checkout) == clean
    (checkout / "file").write_text("changed")
    assert current_commit(checkout) == f"{clean}-dirty"


def test_commits_since_are_counted(checkout):
    first = current_commit(checkout)
    assert commits_behind(first, checkout) == 0
    commit(checkout, "second")
    commit(checkout, "third")
    assert commits_behind(first, checkout) == 2


@pytest.mark.parametrize("other", [UNKNOWN, "0123456789ab", "0123456789ab-dirty"])
def test_a_commit_that_is_not_in_the_history_has_no_count(checkout, other):
    assert commits_behind(other, checkout) is None


def test_outside_of_a_checkout_the_commit_is_unknown(tmp_path):
    assert current_commit(tmp_path) == UNKNOWN
