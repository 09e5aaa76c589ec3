"""What is wrong with an archived file."""

from __future__ import annotations

import os

import pytest

from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.core.plain_file import read_plain


@pytest.mark.parametrize("kind", ProblemKind)
def test_only_a_file_that_filmscand_itself_may_have_left_is_no_damage(tmp_path, kind):
    assert Problem(tmp_path, kind, "found this one").is_damage == (kind is not ProblemKind.UNLISTED)


def test_a_problem_is_told_with_its_file(tmp_path):
    assert str(Problem(tmp_path / "x.tif", ProblemKind.MISSING, "found no file")) == f"{tmp_path}/x.tif: found no file"


def test_a_file_that_is_no_plain_one_is_named_by_its_kind(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError) as caught:
        read_plain(tmp_path / "pipe")
    problem = unreadable(tmp_path / "pipe", caught.value)
    assert (problem.kind, problem.message) == (ProblemKind.UNREADABLE, "expected a plain file, found a named pipe")


def test_a_disk_that_fails_is_told_in_the_words_of_the_system(tmp_path):
    assert unreadable(tmp_path, OSError(5, "Input/output error")).message == "cannot read: Input/output error"
