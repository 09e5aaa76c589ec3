"""The table of sessions: which state follows which, what a person may ask, and which numbers slides get."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.alarms import Told
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobState, SourceFile, find_job
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.database.session_records import NEXT_STATES, FinishReason, ScanPlan, SessionState, Taken, Wish
from filmscand.daemon.database.sessions import SessionError, Sessions, highest_number

PLAN = ScanPlan(roll="r", device="test:0", frames=3)


@pytest.fixture
def connection(tmp_path):
    connection = open_database(tmp_path / "station.db")
    yield connection
    connection.close()


@pytest.fixture
def sessions(connection):
    return Sessions(connection)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def taken_up(sessions, plan=PLAN):
    return sessions.move(sessions.add(plan).session_id, SessionState.WARMING)


def keep(sessions, session, frame):
    raw = SourceFile("raw", f"{session.session_id}-{frame.number:064d}", 10, "raw.tif")
    sessions.keep(session.session_id, frame, [raw], CleanRequest(flags=("same_slide",)))


def test_a_plan_comes_back_from_the_database_as_it_went_in(sessions):
    plan = ScanPlan(collection="c", box="b", roll="r", device="net:h:coolscan3:usb", operator="Ada", sensitivity=0.25)
    session = sessions.add(plan)
    assert sessions.find(session.session_id).plan == plan
    assert (session.state, session.reason, session.wish) == (SessionState.IDLE, None, None)


@pytest.mark.parametrize("mistake", [{"roll": "Bad Roll"}, {"frames": 0}, {"device": ""}, {"surprise": 1}])
def test_a_plan_that_cannot_be_is_refused(mistake):
    with pytest.raises(ValidationError):
        ScanPlan.model_validate({"roll": "r", "device": "d", **mistake})


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("after", [state for state in SessionState if state is not SessionState.FINISHED])
def test_only_the_table_says_which_state_follows(sessions, connection, state, after):
    session = sessions.add(PLAN)
    reason = "'complete'" if state is SessionState.FINISHED else "NULL"
    connection.execute(f"UPDATE sessions SET state = '{state}', reason = {reason}")
    if after in NEXT_STATES[state] or after is state:
        assert sessions.move(session.session_id, after, "why", "do this").state is after
    else:
        with pytest.raises(SessionError, match=f"is {state} and cannot become {after}"):
            sessions.move(session.session_id, after)


def test_a_wish_is_heard_once(sessions):
    session = sessions.add(PLAN)
    sessions.ask(session.session_id, Wish.PAUSE)
    assert [sessions.hear(session.session_id) for _ in range(2)] == [Wish.PAUSE, None]


def test_a_cancel_stands_until_the_session_is_over(sessions):
    session = sessions.add(PLAN)
    sessions.ask(session.session_id, Wish.CANCEL)
    assert [sessions.hear(session.session_id) for _ in range(2)] == [Wish.CANCEL, Wish.CANCEL]
    assert sessions.finish(session.session_id, FinishReason.CANCELLED).wish is None


def test_a_halted_session_that_hears_that_it_is_to_go_on_is_halted_no_more(sessions):
    session = taken_up(sessions)
    sessions.move(session.session_id, SessionState.ATTENTION, "a jam", "free it")
    assert sessions.hear_halted(session.session_id) is None
    sessions.ask(session.session_id, Wish.RESUME)
    assert sessions.hear_halted(session.session_id) is Wish.RESUME
    going_on = sessions.find(session.session_id)
    assert (going_on.state, going_on.message, going_on.advice, going_on.wish) == (SessionState.WARMING, "", "", None)


def test_a_session_that_is_over_can_be_asked_for_nothing(sessions):
    session = sessions.add(PLAN)
    sessions.finish(session.session_id, FinishReason.CANCELLED)
    assert sessions.unfinished() == []
    with pytest.raises(SessionError, match="over"):
        sessions.ask(session.session_id, Wish.RESUME)
    with pytest.raises(SessionError, match="over"):
        sessions.finish(session.session_id, FinishReason.COMPLETE)
    with pytest.raises(SessionError, match="no session 99"):
        sessions.ask(99, Wish.RESUME)


def test_the_same_slide_keeps_its_number_until_it_is_captured_or_lost(sessions, archive):
    session = taken_up(sessions)
    first = sessions.reserve(session, archive.is_free, CleanRequest())
    assert sessions.reserve(session, archive.is_free, CleanRequest()) == first
    keep(sessions, session, first)
    second = sessions.reserve(session, archive.is_free, CleanRequest())
    sessions.lose(session.session_id, second, "it went by")
    third = sessions.reserve(session, archive.is_free, CleanRequest())
    frames = sessions.frames(session.session_id)
    assert [(frame.position, frame.number, frame.taken) for frame in frames] == [
        (1, 1, Taken.CAPTURED),
        (2, 2, Taken.LOST),
        (3, 3, Taken.RESERVED),
    ]
    assert (frames[0].flags, frames[1].error, frames[1].job_id) == (("same_slide",), "it went by", None)
    assert third == frames[2]


def test_a_kept_frame_stands_in_line_with_its_files(sessions, archive, connection):
    session = taken_up(sessions)
    frame = sessions.reserve(session, archive.is_free, CleanRequest(film="slide"))
    assert find_job(connection, frame.job_id).state is JobState.RESERVED
    keep(sessions, session, frame)
    job = find_job(connection, frame.job_id)
    assert (job.frame, job.state) == (FrameId("unsorted", "unsorted", "r", 1), JobState.QUEUED)


def test_no_folder_is_made_for_a_number_that_a_watch_folder_has_just_reserved(sessions, archive, connection):
    session = taken_up(sessions)
    place = session.plan.place
    taken = Queue(connection).reserve(place, 1, [SourceFile("raw", "0" * 64, 1, "a.tif")], CleanRequest())
    frame = sessions.reserve(session, archive.reserve, CleanRequest())
    assert frame.number == taken.frame.number + 1
    assert archive.is_free(taken.frame)
    assert not archive.is_free(session.plan.frame(frame.number))


def test_numbers_that_others_took_are_passed_over(sessions, archive, connection):
    session = taken_up(sessions, PLAN.model_copy(update={"first_number": 5}))
    assert (
        Queue(connection).reserve_number(FrameId("unsorted", "unsorted", "r", 5), "a file", CleanRequest()) is not None
    )
    archive.frame_folder(FrameId("unsorted", "unsorted", "r", 6)).path.mkdir(parents=True)
    assert sessions.reserve(session, archive.is_free, CleanRequest()).number == 7
    assert highest_number(connection, PLAN.place) == 7


def test_a_roll_without_a_free_number_is_told(sessions, archive):
    session = taken_up(sessions, PLAN.model_copy(update={"first_number": 9999}))
    keep(sessions, session, sessions.reserve(session, archive.is_free, CleanRequest()))
    with pytest.raises(SessionError, match="9999 is free"):
        sessions.reserve(session, archive.is_free, CleanRequest())


def test_the_number_of_a_slide_that_does_not_come_is_free_again(sessions, archive, connection):
    session = taken_up(sessions)
    keep(sessions, session, sessions.reserve(session, archive.is_free, CleanRequest()))
    reserved = sessions.reserve(session, archive.is_free, CleanRequest())
    over = sessions.finish(session.session_id, FinishReason.MAGAZINE_EMPTY)
    assert (over.state, over.reason) == (SessionState.FINISHED, FinishReason.MAGAZINE_EMPTY)
    assert [frame.taken for frame in sessions.frames(session.session_id)] == [Taken.CAPTURED]
    assert find_job(connection, reserved.job_id) is None


def test_progress_is_noted_while_a_frame_is_scanned(sessions):
    session = taken_up(sessions)
    sessions.note_progress(session.session_id, 0.5)
    assert sessions.find(session.session_id).fraction == 0.0
    sessions.move(session.session_id, SessionState.SCANNING)
    sessions.note_progress(session.session_id, 0.5)
    assert sessions.find(session.session_id).fraction == 0.5


def test_only_a_session_that_waits_at_a_slide_can_skip_it(sessions, archive):
    session = sessions.add(PLAN)
    with pytest.raises(SessionError, match="nothing to skip"):
        sessions.ask_to_skip(session.session_id)
    sessions.move(session.session_id, SessionState.ATTENTION)
    with pytest.raises(SessionError, match="waits at no slide"):
        sessions.ask_to_skip(session.session_id)
    sessions.reserve(session, archive.is_free, CleanRequest())
    assert sessions.ask_to_skip(session.session_id).wish is Wish.RESUME
    assert [sessions.hear_skip(session.session_id) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("positions", [(), (0, 1), (2, 2), (3, 1)])
def test_positions_that_cannot_be_are_refused(positions):
    with pytest.raises(ValidationError, match="positions"):
        ScanPlan(roll="r", device="d", positions=positions, frames=len(positions) or None)


def test_a_target_is_told_of_each_session_that_ends_after_it_was_added_once(connection):
    def finished(at):
        sessions = Sessions(connection, lambda: at)
        session = sessions.add(PLAN)
        sessions.finish(session.session_id, FinishReason.COMPLETE)
        return session.session_id

    def untold():
        return [session.session_id for session in Sessions(connection).untold("mail")]

    finished(10.0)
    told = Told(connection, "mail", lambda: 20.0)
    told.begin()
    running = Sessions(connection, lambda: 30.0).add(PLAN).session_id
    later, sooner = finished(50.0), finished(40.0)
    assert untold() == [sooner, later]
    told.note([], [], [sooner, later])
    assert untold() == []
    Sessions(connection, lambda: 60.0).finish(running, FinishReason.CANCELLED)
    assert untold() == [running]
