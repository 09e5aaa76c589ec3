"""The API of the review: what to look at, decisions, tiles."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from filmscand.daemon.archive.records.events import read_events
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.database.frames import find_frame


def decide(page, frame, content, **headers):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return page.request("POST", f"/api/frames/{frame}/decisions", body, Content_Type="application/json", **headers)


def test_the_flagged_frames_are_listed_with_their_reasons(page, frames):
    listed = page.get("/api/review").json
    assert listed["undecided"] == 1
    (one,) = listed["frames"]
    assert (one["frame"], one["revision"], one["verdict"]) == (str(frames[1]), 1, None)
    assert [flag["code"] for flag in one["flags"]] == ["many_defects", "silver_film"]


def test_a_decision_is_recorded_and_shown_and_undone(page, connection, station, frames):
    answer = decide(page, frames[1], {"kind": "accept", "revision": 1})
    assert (answer.status, answer.json["verdict"], answer.json["is_queued"]) == (201, "accepted", False)
    assert page.get("/api/review").json["undecided"] == 0
    facts = page.get(f"/api/frames/{frames[1]}").json
    assert (facts["sheet"]["look"], facts["sheet"]["verdict"], facts["can_undo"]) == ("accepted", "accepted", True)
    assert [one["look"] for one in page.get(f"/api/rolls/{frames[1].roll_folder}").json["frames"]][1] == "accepted"
    assert decide(page, frames[1], {"kind": "undo"}).json["verdict"] is None
    assert page.get("/api/review").json["undecided"] == 1
    assert len(Archive(station.archive).read_sidecar(frames[1]).decisions) == 2


def test_a_frame_that_is_wanted_again_is_listed_for_the_scanner(page, frames):
    decide(page, frames[0], {"kind": "scan_again"})
    assert page.get("/api/review").json["scan_again"] == [str(frames[0])]


def test_areas_and_settings_queue_the_frame_and_wake_the_service(page, connection, frames):
    area = [[1, 1], [1, 20], [10, 20], [10, 1]]
    asked = {"kind": "clean_again", "sensitivity": 0.8, "film": "negative", "excluded": [area]}
    answer = decide(page, frames[0], asked)
    assert (answer.status, answer.json["is_queued"]) == (201, True)
    job = find_frame(connection, frames[0])
    assert (job.state, job.request.sensitivity, job.request.film) == ("queued", 0.8, "negative")
    assert page.get(f"/api/frames/{frames[0]}").json["areas"]["excluded"] == [area]
    assert len(page.rings) == 1
    assert decide(page, frames[0], {"kind": "accept"}).status == 409


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"{", 422, "JSON"),
        (b"[]", 422, ""),
        ({"kind": "burn"}, 422, "accept"),
        ({"kind": "accept", "who": 1}, 422, "Extra"),
        ({"kind": "accept", "revision": 2}, 409, "revision 1 counts now"),
        ({"kind": "undo"}, 409, "no decision to undo"),
        ({"kind": "clean_again"}, 409, "another sensitivity"),
        ({"kind": "clean_again", "sensitivity": 2}, 422, "less than"),
        ({"kind": "clean_again", "marked": [[[0, 0], [1, 1]]]}, 422, "3 items"),
        ({"kind": "clean_again", "marked": [[[0, 0], [0, 999], [5, 5]]]}, 409, "is outside 90 rows, 120 columns"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_recorded(page, station, frames, content, status, words):
    answer = decide(page, frames[0], content)
    assert (answer.status, words in answer.json["detail"]) == (status, True), answer.text
    assert Archive(station.archive).read_sidecar(frames[0]).decisions == ()


def test_a_frame_that_waits_or_does_not_exist_has_nothing_to_decide_about(page, frames):
    waiting = decide(page, frames[2], {"kind": "accept"})
    assert (waiting.status, "try again when it is done" in waiting.json["detail"]) == (409, True)
    assert decide(page, "museum/box-1/roll-b_0001", {"kind": "accept"}).status == 404
    assert decide(page, "museum/box-1/roll-b_0000", {"kind": "accept"}).status == 404


def test_a_decision_from_another_site_is_refused(page, station, frames):
    assert decide(page, frames[0], {"kind": "accept"}, Origin="http://elsewhere.example").status == 403
    assert Archive(station.archive).read_sidecar(frames[0]).decisions == ()


def test_a_decision_is_among_the_events_of_the_roll(page, station, frames):
    decide(page, frames[0], {"kind": "keep_raw"})
    events = list(read_events(station.archive / frames[0].roll_folder / "metadata" / "events.jsonl"))
    assert [one.detail.decision.kind for one in events if one.type == "appraisal"] == ["keep_raw"]


def test_the_tiles_of_a_frame_are_told_and_made(page, frames):
    layers = page.get(f"/api/frames/{frames[0]}/tiles/1").json
    assert layers == {
        "rows": 90,
        "cols": 120,
        "top_level": 7,
        "tile_px": 512,
        "revision": 1,
        "layers": ["raw", "clean", "mask"],
        "turned": "0",
    }
    for layer, form in (("raw", "jpg"), ("clean", "jpg"), ("mask", "png")):
        answer = page.get(f"/api/frames/{frames[0]}/tiles/1/{layer}/7/0_0.{form}?turned=0")
        assert (answer.status, "immutable" in answer.headers["cache-control"]) == (200, True)
        with Image.open(io.BytesIO(answer.body)) as image:
            assert image.size == (120, 90)


@pytest.mark.parametrize(
    ("tile", "status"),
    [
        ("1/clean/8/0_0.jpg", 404),
        ("1/clean/7/1_0.jpg", 404),
        ("2/clean/7/0_0.jpg", 404),
        ("1/infrared/7/0_0.jpg", 404),
        ("1/nothing/7/0_0.jpg", 422),
        ("1/clean/7/0_0.tif", 422),
        ("1/clean/7/..%2f0_0.jpg", 404),
        ("1/clean/-1/0_0.jpg", 422),
        ("0/clean/7/0_0.jpg", 422),
    ],
)
def test_what_is_no_tile_is_refused(page, frames, tile, status):
    assert page.get(f"/api/frames/{frames[0]}/tiles/{tile}").status == status
