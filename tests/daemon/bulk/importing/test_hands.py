"""Threads with tools of their own: tasks in order, errors to whoever waits, and an end that leaves nothing running."""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest

from filmscand.daemon.bulk.importing.hands import Hands


def test_each_thread_makes_and_puts_away_its_own_tools():
    made, closed = [], []

    @contextmanager
    def tools():
        made.append(threading.current_thread())
        yield threading.current_thread()
        closed.append(threading.current_thread())

    meeting = threading.Barrier(2)

    def meet(own):
        meeting.wait(10.0)
        return own is threading.current_thread()

    with Hands(2, tools) as hands:
        waiting = [hands.give(meet), hands.give(meet)]
        assert [future.result(10.0) for future in waiting] == [True, True]
    assert set(made) == set(closed)
    assert len(made) == 2
    assert not any(thread.is_alive() for thread in made)


def test_the_error_of_a_task_reaches_whoever_waits_and_the_thread_goes_on():
    @contextmanager
    def tools():
        yield 7

    with Hands(1, tools) as hands:
        broken = hands.give(lambda seven: seven / 0)
        with pytest.raises(ZeroDivisionError):
            broken.result(10.0)
        assert hands.give(lambda seven: seven + 1).result(10.0) == 8


def test_tools_that_cannot_be_made_are_the_error_of_every_task():
    @contextmanager
    def tools():
        raise OSError("no database")
        yield

    with Hands(1, tools) as hands:
        for future in [hands.give(lambda tools: tools) for _ in range(2)]:
            with pytest.raises(OSError, match="no database"):
                future.result(10.0)


def test_tasks_that_have_not_begun_are_dropped_at_the_end():
    begun, may_end, done = threading.Event(), threading.Event(), []

    @contextmanager
    def tools():
        yield None

    def slow(_):
        begun.set()
        may_end.wait(10.0)
        done.append("slow")

    with Hands(1, tools) as hands:
        hands.give(slow)
        hands.give(lambda _: done.append("next"))
        begun.wait(10.0)
        threading.Timer(0.05, may_end.set).start()
    assert done == ["slow"]
