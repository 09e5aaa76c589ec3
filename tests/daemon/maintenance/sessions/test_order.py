"""Ordering a session: where its numbers begin, what is refused, and what a session can be told."""

from __future__ import annotations

from contextlib import closing

import pytest
from pydantic import ValidationError

from filmscand.daemon.core.errors import RollSealedError
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.session_records import SessionState, Taken, Wish
from filmscand.daemon.database.sessions import NoSuchSessionError, SessionError, Sessions
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.sessions.order import (
    SessionOrder,
    next_frame,
    plan_session,
    queue_session,
    skip_slide,
    tell_session,
)
from filmscand.daemon.maintenance.sessions.report import report_of
from filmscand.daemon.station.configuration import Station

PLACE = Roll("museum", "box-1", "r")
ORDER = SessionOrder(collection="museum", box="box-1", roll="r", device="test:0")


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path / "station")


@pytest.fixture
def sessions(station):
    connect_station(station).close()
    with closing(open_database(station.database)) as connection:
        yield Sessions(connection)


def test_a_first_session_makes_the_station_and_begins_with_number_1(station):
    queue_session(station, ORDER)
    with closing(open_database(station.database)) as connection:
        assert Sessions(connection).find(1).plan.first_number == 1


def test_numbers_go_on_after_the_frames_that_lie_in_the_archive(station, sessions):
    (station.archive / "museum" / "box-1" / "r" / "data" / "r_0036").mkdir(parents=True)
    assert next_frame(station, PLACE).number == 37
    assert sessions.find(queue_session(station, ORDER)).plan.first_number == 37
    named = ORDER.model_copy(update={"first_number": 100})
    assert sessions.find(queue_session(station, named)).plan.first_number == 100


def test_positions_are_counted_and_cannot_be_named_beside_a_count(station, sessions):
    order = SessionOrder(roll="r", device="test:0", positions=(1, 3, 4))
    assert plan_session(station, order).frames == 3
    with pytest.raises(ValidationError, match="not both"):
        SessionOrder(roll="r", positions=(1, 3), frames=2)


def test_a_sealed_roll_is_refused_with_the_reason_and_nothing_is_queued(station, sessions):
    folder = station.archive / "museum" / "box-1" / "r"
    folder.mkdir(parents=True)
    (folder / "bagit.txt").touch()
    with pytest.raises(RollSealedError, match="is sealed"):
        queue_session(station, ORDER)
    assert "is sealed" in next_frame(station, PLACE).problem
    assert sessions.newest(1) == []


def test_a_session_is_told_what_it_can_do(station, sessions):
    number = queue_session(station, ORDER)
    assert tell_session(station, number, Wish.PAUSE).wish is Wish.PAUSE
    with pytest.raises(SessionError, match="waits at no slide"):
        skip_slide(station, number)
    with pytest.raises(NoSuchSessionError, match="there is no session 7"):
        tell_session(station, 7, Wish.PAUSE)


def test_where_no_database_is_there_is_no_session(station):
    for deed in (lambda: tell_session(station, 1, Wish.RESUME), lambda: skip_slide(station, 1)):
        with pytest.raises(NoSuchSessionError):
            deed()


def test_the_report_tells_the_next_number_until_the_session_is_over(station, sessions):
    from filmscand.daemon.core.request import CleanRequest
    from filmscand.daemon.database.session_records import FinishReason

    number = queue_session(station, ORDER.model_copy(update={"first_number": 5}))
    with closing(open_database(station.database)) as connection:
        session = sessions.find(number)
        assert report_of(connection, number).next_number == 5
        frame = sessions.reserve(session, lambda _: True, CleanRequest())
        assert (frame.taken, report_of(connection, number).next_number) == (Taken.RESERVED, 5)
        sessions.lose(number, frame, "jammed")
        assert report_of(connection, number).next_number == 6
        sessions.move(number, SessionState.WARMING)
        sessions.finish(number, FinishReason.CANCELLED)
        assert report_of(connection, number).next_number is None
