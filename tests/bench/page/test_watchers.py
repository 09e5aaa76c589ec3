"""The browsers of the bench, on a page that is really served."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from bench.page.watchers import StatusClock, fetch, watched
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.station.configuration import Page, Station
from support.page_site import served


@pytest.fixture
def station(tmp_path):
    (tmp_path / "station").mkdir()
    return Station(root=tmp_path / "station", page=Page(port=0))


def wait_until(is_so):
    end_s = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_each_browser_follows_the_stream_and_reads_the_page_again_after_a_change(station):
    with served(station) as page, closing(open_database(station.database)) as connection:
        with watched(page.port, 3) as watchers:
            wait_until(lambda: all(one.readings for one in watchers))
            seen = [one.events for one in watchers]
            Alarms(connection).raise_alarm("archive", "read-only")
            wait_until(lambda: all(one.events > before for one, before in zip(watchers, seen, strict=True)))
        assert not any(one.is_alive() for one in watchers)


def test_a_stream_that_cannot_be_opened_is_an_error(station):
    with served(station) as page:
        port = page.port
    with pytest.raises(SystemExit, match="an event stream broke"), watched(port, 1) as watchers:
        wait_until(lambda: not watchers[0].is_alive())


def test_the_clock_times_the_answers_of_the_status(station):
    with served(station) as page:
        clock = StatusClock(page.port)
        clock.start()
        wait_until(lambda: len(clock.seconds) >= 3)
        clock.stop()
    assert min(clock.seconds) > 0


def test_an_answer_that_is_none_is_an_error(station):
    with served(station) as page, pytest.raises(SystemExit, match="/nowhere: expected 200, found 404"):
        fetch(page.port, "/nowhere")
