from __future__ import annotations

import pytest

from filmscand.ir.stopwatch import StopWatch


def test_a_step_returns_its_result():
    assert StopWatch().time("noise", lambda: 7) == 7


def test_the_runs_of_one_step_are_added_up_and_those_of_others_are_not():
    watch = StopWatch({"noise": 100.0})
    watch.time("noise", lambda: None)
    watch.time("levels", lambda: None)
    assert watch.seconds["noise"] >= 100.0 > watch.seconds["levels"] >= 0.0


def test_a_step_that_fails_is_not_timed():
    watch = StopWatch()
    with pytest.raises(ZeroDivisionError):
        watch.time("noise", lambda: 1 / 0)
    assert watch.seconds == {}
