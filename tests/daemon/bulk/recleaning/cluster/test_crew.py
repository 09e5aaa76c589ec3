"""Which workers of a cluster may clean; the client of a cluster that exists only here answers for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.daemon.bulk.recleaning.cluster.crew import PATIENCE_S, Crew, NoWorkersError, Wanted
from filmscand.daemon.bulk.recleaning.cluster.task import Introduction
from filmscand.daemon.station.marker import Identity

WANTED = Wanted(Path("/archive"), Identity.new(), "0.1 abc")
GOOD = Introduction("one", "0.1 abc", None)


class Client:
    """A scheduler with these workers, by address, and what each answers."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []

    def scheduler_info(self, n_workers):
        assert n_workers == -1
        return {"workers": {address: {"name": f"name-of-{address}", "nthreads": 1} for address in self.answers}}

    def run(self, _function, *_arguments, workers, on_error):
        assert on_error == "return"
        self.asked += workers
        return {address: self.answers[address] for address in workers}


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def look(crew, clock):
    clock.now += 2.0
    crew.look()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Introduction("two", "0.2 def", None), "expected engine 0.1 abc, found 0.2 def on two"),
        (Introduction("two", "0.1 abc", "/archive: no marker"), "on two: /archive: no marker"),
        (ModuleNotFoundError("No module named 'filmscand'"), "cannot load filmscand"),
    ],
)
def test_a_worker_that_does_not_fit_is_refused_by_name_and_the_others_clean(clock, caplog, answer, told):
    crew = Crew(Client(good=GOOD, odd=answer), WANTED, clock)
    look(crew, clock)
    assert crew.workers == {"good"}
    (record,) = caplog.records
    assert "refused worker name-of-odd at odd" in record.getMessage()
    assert told in record.getMessage()


def test_where_every_worker_is_refused_the_run_ends_with_the_reasons(clock):
    crew = Crew(Client(odd=Introduction("two", "0.2 def", None)), WANTED, clock)
    with pytest.raises(NoWorkersError, match="name-of-odd at odd: expected engine"):
        look(crew, clock)


def test_workers_that_come_later_are_asked_once_and_those_that_go_are_forgotten(clock):
    client = Client(one=GOOD)
    crew = Crew(client, WANTED, clock)
    look(crew, clock)
    client.answers = {"two": GOOD, "going": OSError("closed")}
    look(crew, clock)
    look(crew, clock)
    assert crew.workers == {"two"}
    assert client.asked == ["one", "two", "going", "going"]


def test_a_run_without_workers_waits_for_them_only_so_long(clock):
    client = Client(one=GOOD)
    crew = Crew(client, WANTED, clock)
    look(crew, clock)
    client.answers = {}
    look(crew, clock)
    clock.now += PATIENCE_S
    with pytest.raises(NoWorkersError, match="no worker has come"):
        look(crew, clock)
