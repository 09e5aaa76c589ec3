"""Tasks in a child process: answers and errors come back, and no death of the child harms the caller."""

from __future__ import annotations

import os
import signal
import time

import numpy as np
import pytest

from filmscand.daemon.core.limited_process import LimitedProcess, TaskLostError

LIMIT_BYTES = 64 << 20


def task(question):
    kind, value = question
    if kind == "take":
        return int(np.ones(value, np.uint8).sum())
    if kind == "raise":
        raise KeyError(value)
    if kind == "die":
        os.kill(os.getpid(), value)
    if kind == "sleep":
        time.sleep(value)
    return os.getpid()


@pytest.fixture
def child():
    child = LimitedProcess(task, LIMIT_BYTES, 30.0)
    yield child
    child.close()


def test_one_child_does_one_task_after_another(child):
    assert child.ask(("pid", 0)) == child.ask(("pid", 0)) != os.getpid()


def test_an_error_of_the_task_is_raised_as_it_is(child):
    with pytest.raises(KeyError, match="what"):
        child.ask(("raise", "what"))


def test_a_task_over_the_limit_is_lost_and_the_next_one_is_done(child):
    with pytest.raises(TaskLostError, match=r"the limit of 64 MiB \(workers.memory_limit_mib\)"):
        child.ask(("take", 2 << 30))
    assert child.ask(("take", 10)) == 10


def test_a_child_that_crashes_is_replaced(child):
    with pytest.raises(TaskLostError, match="SIGSEGV"):
        child.ask(("die", signal.SIGSEGV))
    assert child.ask(("take", 10)) == 10


def test_a_task_that_takes_too_long_is_killed():
    child = LimitedProcess(task, LIMIT_BYTES, 0.1)
    with pytest.raises(TaskLostError, match="longer than"):
        child.ask(("sleep", 60))
