from __future__ import annotations

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Taken, Wish
from filmscand.daemon.database.sessions import Sessions

PLAN = ScanPlan(collection="c", box="b", roll="r", device="test:0")


def test_a_plan_names_its_frames_and_their_place():
    assert PLAN.place == Roll("c", "b", "r")
    assert PLAN.frame(7) == FrameId("c", "b", "r", 7)


def test_a_row_that_is_over_or_asked_for_something_is_read_with_reason_and_wish(connection):
    sessions = Sessions(connection)
    number = sessions.add(PLAN).session_id
    assert sessions.ask(number, Wish.CANCEL).wish is Wish.CANCEL
    over = sessions.finish(number, FinishReason.CANCELLED)
    assert (over.state, over.reason, over.wish) == (SessionState.FINISHED, FinishReason.CANCELLED, None)


def test_flags_of_a_frame_are_read_as_separate_codes(connection):
    sessions = Sessions(connection)
    number = sessions.add(PLAN).session_id
    connection.execute(
        "INSERT INTO session_frames VALUES (?, 1, 1, 'lost', NULL, 'blank_clear slide_unchanged', 'x')", (number,)
    )
    (frame,) = sessions.frames(number)
    assert (frame.taken, frame.flags, frame.error) == (Taken.LOST, ("blank_clear", "slide_unchanged"), "x")
