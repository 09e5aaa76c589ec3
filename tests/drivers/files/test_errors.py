"""Errors of a film file name the file, what was expected and what was found."""

from __future__ import annotations

import pickle

from filmscand.drivers.files.reader import (
    PlaneMismatchError,
)


def test_errors_survive_the_way_out_of_a_worker_process(tmp_path):
    error = PlaneMismatchError(tmp_path / "a.tif", expected="this", found="that")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.path) == (PlaneMismatchError, str(error), error.path)
