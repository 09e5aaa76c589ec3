"""Errors of a film file name the file, what was expected and what was found."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from filmscand.drivers.files.errors import AmbiguousLayoutError, FileTruncatedError, FilmFileError, NotAFilmScanError
from filmscand.drivers.files.reader import (
    PlaneMismatchError,
)


def test_errors_survive_the_way_out_of_a_worker_process(tmp_path):
    error = PlaneMismatchError(tmp_path / "a.tif", expected="this", found="that")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.path) == (PlaneMismatchError, str(error), error.path)


@pytest.mark.parametrize("kind", [FileTruncatedError, NotAFilmScanError, AmbiguousLayoutError, PlaneMismatchError])
def test_an_error_names_the_file_what_was_expected_and_what_was_found(kind):
    error = kind(Path("/drop/a.tif"), expected="one picture", found="none")
    assert isinstance(error, FilmFileError)
    assert str(error) == "/drop/a.tif: expected one picture, found none"
    assert (error.path, error.expected, error.found) == (Path("/drop/a.tif"), "one picture", "none")
