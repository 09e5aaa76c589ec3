"""Sessions through the API: ordered with the checks of `filmscand scan`, followed, and told what to do."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import connect_station
from support.command_station import ProgramStation
from support.scanner_station import needs_sane, scanner

ORDER = {"roll": "roll-1", "collection": "museum", "box": "box-1", "device": "test:0", "frames": 4}


@pytest.fixture
def connection(station):
    """The database of a station that has run before: it and the archive know each other."""
    connect_station(station).close()
    with closing(open_database(station.database)) as opened:
        yield opened


@pytest.fixture
def sessions(connection):
    return Sessions(connection)


@pytest.fixture
def running(sessions):
    """A session that scans."""
    number = sessions.add(ScanPlan(roll="r", device="test:0")).session_id
    sessions.move(number, SessionState.WARMING)
    sessions.move(number, SessionState.SCANNING)
    return number


def test_an_order_becomes_the_session_that_the_command_would_make(page, sessions, station):
    more = {"film": "slide", "operator": "Ada", "scanner": {"resolution_dpi": 2400, "infrared": False}}
    answer = page.post("/api/sessions", {**ORDER, **more})
    assert answer.status == 201
    plan = sessions.find(answer.json["session"]).plan
    assert (plan.roll, plan.frames, plan.film, plan.operator) == ("roll-1", 4, "slide", "Ada")
    assert (plan.scanner.resolution_dpi, plan.scanner.infrared, plan.sensitivity) == (2400, False, 0.5)
    assert answer.json["next_number"] == plan.first_number == 1


def test_a_roll_that_has_frames_goes_on_after_them(page, sessions, frames):
    place = {"roll": "roll-a", "collection": "museum", "box": "box-1"}
    assert page.get("/api/rolls/museum/box-1/roll-a/next").json == {"number": 4, "problem": None}
    assert page.post("/api/sessions", {**ORDER, **place}).json["next_number"] == 4
    assert page.get("/api/rolls/museum/box-1/new/next").json == {"number": 1, "problem": None}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"roll": "Roll 1"}, "roll: expected 1 to 64 of a-z, 0-9, _ and -, found 'Roll 1'"),
        ({"roll": "../../etc"}, "roll: expected 1 to 64"),
        ({"frames": 0}, "frames: Input should be greater than or equal to 1"),
        ({"positions": [2, 1], "frames": None}, "positions: expected positions from 1 on, ascending"),
        ({"positions": [1]}, "name frames or positions, not both"),
        ({"film": "wallpaper"}, "film: Input should be 'unknown', 'slide'"),
        ({"speed": 9}, "speed: Extra inputs are not permitted"),
        ({"scanner": {"depth_bits": 12}}, "depth_bits: Input should be 8 or 16"),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_name_and_queues_nothing(page, sessions, change, told):
    answer = page.post("/api/sessions", {**ORDER, **change})
    assert answer.status == 422
    assert told in answer.json["detail"]
    assert sessions.newest(1) == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"roll": "\xff"}', b"[" * 5000])
def test_a_body_that_is_no_order_is_refused(page, sessions, body):
    answer = page.request("POST", "/api/sessions", body, Content_Type="application/json")
    # 400: it is no JSON at all.
    assert answer.status in (400, 422)
    assert set(answer.json) == {"detail"}
    assert sessions.newest(1) == []


def test_a_sealed_roll_takes_no_session_and_says_so_before_it_is_tried(page, sessions, station):
    folder = station.archive / "museum" / "box-1" / "roll-1"
    folder.mkdir(parents=True)
    (folder / "bagit.txt").write_text("BagIt-Version: 1.0\n")
    answer = page.post("/api/sessions", ORDER)
    assert answer.status == 409
    assert "is sealed and takes nothing more" in answer.json["detail"]
    assert "is sealed" in page.get("/api/rolls/museum/box-1/roll-1/next").json["problem"]
    assert sessions.newest(1) == []


@needs_sane
def test_the_only_scanner_need_not_be_named_and_two_have_to_be(connection, station, sessions):
    from filmscand.daemon.station.configuration import Scanners
    from support.page_site import served

    order = {**ORDER, "device": None}
    with scanner(1) as one, scanner(1) as other:
        hosts = [Scanners(hosts=(one.address,)), Scanners(hosts=(one.address, other.address))]
        answers = []
        for scanners in hosts:
            with served(station.model_copy(update={"scanners": scanners})) as page:
                listed = page.get("/api/scanners").json
                answers.append((sorted(each["device"] for each in listed), page.post("/api/sessions", order)))
        (alone, taken), (both, refused) = answers
        assert (alone, taken.status, sessions.newest(1)[0].plan.device) == ([one.device], 201, one.device)
        assert (both, refused.status, refused.json["kind"]) == (sorted([one.device, other.device]), 409, "scanner")
    assert "expected one scanner, found" in refused.json["detail"]


def test_a_scanner_that_another_program_drives_is_listed_too(connection, station, tmp_path):
    from filmscand.daemon.station.configuration import Scanners
    from support.page_site import served

    name = ProgramStation(tmp_path / "program", 1).install(tmp_path / "recipes")
    with served(station.model_copy(update={"scanners": Scanners(programs=tmp_path / "recipes")})) as page:
        listed = page.get("/api/scanners").json
    assert [(each["device"], each["model"]) for each in listed] == [(name, "Virtual Feeder")]


@pytest.mark.parametrize(
    ("deed", "wish", "told"),
    [
        ("pause", Wish.PAUSE, "pauses after the current slide"),
        ("resume", Wish.RESUME, "goes on"),
        ("cancel", Wish.CANCEL, "ends after the current slide"),
    ],
)
def test_a_running_session_is_told_what_to_do(page, sessions, running, deed, wish, told):
    answer = page.post(f"/api/sessions/{running}/{deed}")
    assert answer.status == 200
    assert told in answer.json["told"]
    assert answer.json["session"]["session"] == running
    assert sessions.find(running).wish is wish


def test_a_session_that_waits_at_no_slide_has_none_to_leave_out(page, sessions, running):
    answer = page.post(f"/api/sessions/{running}/skip")
    assert (answer.status, answer.json["detail"]) == (
        409,
        f"session {running} is scanning and waits at no slide: nothing to skip",
    )


def test_a_session_that_is_over_hears_nothing_more(page, sessions, running):
    sessions.finish(running, FinishReason.COMPLETE)
    answer = page.post(f"/api/sessions/{running}/pause")
    assert (answer.status, answer.json["detail"]) == (409, f"session {running} is over (complete): nothing to pause")


@pytest.mark.parametrize("number", ["7", "999999999999999999"])
def test_a_session_that_does_not_exist_is_told(page, connection, number):
    for answer in (page.get(f"/api/sessions/{number}"), page.post(f"/api/sessions/{number}/pause")):
        assert (answer.status, answer.json) == (404, {"detail": f"there is no session {number}"})
    assert page.get(f"/sessions/{number}").status == 404


@pytest.mark.parametrize("path", ["/api/sessions/0", "/api/sessions/x", "/api/sessions/99999999999999999999"])
def test_what_is_no_number_of_a_session_is_refused(page, path):
    assert page.get(path).status == 422
    assert page.post(f"{path}/pause").status == 422


def test_a_deed_that_is_none_is_refused(page, running):
    assert page.post(f"/api/sessions/{running}/explode").status == 422


def test_sessions_are_listed_and_shown_with_what_to_do(page, sessions, running):
    sessions.move(running, SessionState.ATTENTION, "a slide is stuck", "Free the slide, then go on.")
    (listed,) = page.get("/api/sessions").json
    assert (listed["state"], listed["advice"]) == ("attention", "Free the slide, then go on.")
    for path in ("/", f"/sessions/{running}"):
        text = page.get(path).text
        assert "Free the slide, then go on." in text, path
        assert f'data-post="/api/sessions/{running}/resume"' in text, path
    sessions.finish(running, FinishReason.CANCELLED)
    assert "data-post" not in page.get(f"/sessions/{running}").text
