"""The API of descriptions: one frame, many at once, and pictures that are shown the way up that is written."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from filmscand.daemon.archive.records.events import read_events
from filmscand.daemon.archive.records.sidecar import AccessRecord
from filmscand.daemon.archive.tree import Archive


def describe(page, frame, content, **headers):
    return page.post(f"/api/frames/{frame}/description", content, **headers)


def describe_roll(page, frame, content, **headers):
    return page.post(f"/api/rolls/{frame.roll_folder}/descriptions", content, **headers)


def picture(page, address):
    answer = page.get(address)
    assert answer.status == 200, answer.text
    with Image.open(io.BytesIO(answer.body)) as image:
        # Of a mask only its alpha tells anything.
        return np.asarray(image.getchannel("A") if image.mode == "RGBA" else image.convert("L")).astype(float)


def alike(one, other):
    """The frames are noise, of which a JPEG that was turned keeps most: no other orientation is alike at all."""
    return one.shape == other.shape and np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.8


def test_what_is_written_about_a_frame_is_told_with_it(page, station, frames):
    answer = describe(page, frames[0], {"caption": "Ada", "date": "1968-07", "mount_number": "12A", "turn": 90})
    written = {"caption": "Ada", "date": "1968-07", "mount_number": "12A", "turn": 90}
    assert (answer.status, answer.json) == (
        200,
        {"frame": str(frames[0]), "description": written, "is_new": True},
    )
    facts = page.get(f"/api/frames/{frames[0]}").json
    assert (facts["sheet"]["description"], facts["sheet"]["turned"]) == (written, "90")
    assert facts["sidecar"]["description"] == written
    listed = page.get(f"/api/rolls/{frames[0].roll_folder}").json["frames"]
    assert [one["description"] for one in listed] == [written, {}, {}]
    assert [one["turned"] for one in listed] == ["90", "0", "0"]


def test_what_is_left_out_stays_and_what_is_emptied_is_cleared(page, frames):
    describe(page, frames[0], {"caption": "Ada", "date": "1968", "mirrored": True})
    answer = describe(page, frames[0], {"date": "", "mirrored": None})
    assert answer.json["description"] == {"caption": "Ada"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"date": "14.7.1968"}, "date: expected a date like 1968"),
        ({"turn": 45}, "turn: Input should be 0, 90, 180 or 270"),
        ({"caption": "one\ntwo"}, "one line"),
        ({"title": "x"}, "Extra"),
        ([], ""),
    ],
)
def test_what_does_not_fit_is_refused(page, station, frames, content, words):
    answer = describe(page, frames[0], content)
    assert (answer.status, words in answer.json["detail"]) == (422, True), answer.text
    assert Archive(station.archive).read_sidecar(frames[0]).description is None


def test_a_frame_that_waits_or_does_not_exist_is_not_described(page, frames):
    assert describe(page, frames[2], {"caption": "Ada"}).status == 409
    assert describe(page, "museum/box-1/roll-b_0001", {"caption": "Ada"}).status == 404


def test_a_description_from_another_site_or_a_form_is_refused(page, station, frames):
    assert describe(page, frames[0], {"caption": "x"}, Origin="http://elsewhere.example").status == 403
    csv = {"Content_Type": "text/csv"}
    address = f"/api/rolls/{frames[0].roll_folder}/descriptions"
    assert page.request("POST", address, b"frame,caption\n1,x\n", **csv).status == 415
    assert Archive(station.archive).read_sidecar(frames[0]).description is None


def test_many_frames_are_described_by_a_list_or_by_a_csv_text(page, station, frames):
    answer = describe_roll(page, frames[0], {"frames": [{"number": 1, "caption": "Ada"}, {"number": 2, "turn": 180}]})
    assert (answer.status, answer.json) == (200, {"roll": "museum/box-1/roll-a", "frames": 2, "unchanged": 0})
    answer = describe_roll(page, frames[0], {"csv": "frame;caption;mount\n1;Ada;7\n2;;8\n"})
    assert answer.json["frames"] == 2
    archive = Archive(station.archive)
    written = [archive.read_sidecar(frame).description.model_dump() for frame in frames[:2]]
    assert written == [{"caption": "Ada", "mount_number": "7"}, {"mount_number": "8", "turn": 180}]


def test_a_list_is_taken_whole_or_not_at_all(page, station, frames):
    answer = describe_roll(page, frames[0], {"csv": "frame,caption,date\n1,Ada,1968\n2,Bob,68\n9,Cy,\n"})
    assert (answer.status, len(answer.json["problems"])) == (422, 1)
    assert answer.json["problems"][0].startswith("line 3: date: expected a date")
    answer = describe_roll(page, frames[0], {"csv": "frame,caption\n1,Ada\n3,Bob\n9,Cy\n"})
    assert answer.status == 422
    assert [one.partition(":")[0] for one in answer.json["problems"]] == ["line 3", "line 4"]
    answer = describe_roll(page, frames[0], {"frames": [{"number": 1, "date": "1968"}, {"number": 2, "date": "68"}]})
    assert (answer.status, answer.json["detail"].startswith("frames 2, date: expected a date")) == (422, True)
    answer = describe_roll(page, frames[0], {"frames": [{"number": 1, "date": "1968"}, {"number": 1, "date": "1969"}]})
    assert answer.json["problems"] == ["entry 2: frame 1 was named before, in entry 1"]
    assert Archive(station.archive).read_sidecar(frames[0]).description is None
    events = read_events(station.archive / frames[0].roll_folder / "metadata" / "events.jsonl")
    assert [one for one in events if one.detail.description is not None] == []


@pytest.mark.parametrize("content", [{}, {"csv": "x", "frames": []}, {"csv": None}])
def test_a_list_is_either_frames_or_csv(page, frames, content):
    answer = describe_roll(page, frames[0], content)
    assert (answer.status, "expected either frames or csv" in answer.json["detail"]) == (422, True)


def test_an_empty_list_describes_nothing(page, frames):
    assert describe_roll(page, frames[0], {"frames": []}).json["frames"] == 0


@pytest.mark.parametrize(
    ("written", "word", "as_shown"),
    [
        ({"turn": 90}, "90", lambda upright: np.rot90(upright, -1)),
        ({"mirrored": True}, "0m", lambda upright: upright[:, ::-1]),
        ({"turn": 270, "mirrored": True}, "270m", lambda upright: np.rot90(upright[:, ::-1], 1)),
    ],
)
def test_every_picture_is_shown_the_way_up_that_is_written(page, frames, written, word, as_shown):
    api = f"/api/frames/{frames[0]}"
    addresses = [
        f"{api}/thumbnail",
        f"{api}/overlay",
        f"{api}/tiles/1/clean/7/0_0.jpg",
        f"{api}/tiles/1/mask/7/0_0.png",
    ]
    upright = [picture(page, address) for address in addresses]
    access = picture(page, f"{api}/access")
    describe(page, frames[0], written)
    for address, before in zip(addresses, upright, strict=True):
        assert alike(picture(page, address), as_shown(before)), address
        # An address that names the orientation means the same whatever is written.
        assert alike(picture(page, f"{address}?turned=0"), before)
        assert alike(picture(page, f"{address}?turned={word}"), as_shown(before))
    assert np.array_equal(picture(page, f"{api}/access"), access)
    assert alike(picture(page, f"{api}/access?turned={word}"), as_shown(access))
    layers = page.get(f"{api}/tiles/1").json
    assert (layers["rows"], layers["cols"]) == as_shown(access).shape[:2]
    assert layers["turned"] == word


def test_an_access_image_that_was_turned_when_it_was_made_is_not_turned_twice(page, station, frames):
    archive, api = Archive(station.archive), f"/api/frames/{frames[0]}"
    upright = picture(page, f"{api}/thumbnail?turned=0")
    sidecar = archive.read_sidecar(frames[0])
    # As if the picture in the archive had been made while the frame was turned to the left.
    made = sidecar.latest.model_copy(update={"access": AccessRecord(inverted=False, turn=270)})
    archive.write_sidecar(frames[0], sidecar.model_copy(update={"revisions": (made,)}))
    assert alike(picture(page, f"{api}/thumbnail?turned=270"), upright)
    assert alike(picture(page, f"{api}/thumbnail"), np.rot90(upright, -1))
    describe(page, frames[0], {"turn": 270})
    assert alike(picture(page, f"{api}/thumbnail"), upright)


def test_only_an_address_that_names_revision_and_orientation_may_be_kept(page, frames):
    api = f"/api/frames/{frames[0]}/thumbnail"
    fixed = page.get(f"{api}?revision=1&turned=90")
    assert "immutable" in fixed.headers["cache-control"]
    before = page.get(f"{api}?revision=1")
    assert "no-cache" in before.headers["cache-control"]
    tag = before.headers["etag"]
    assert page.get(f"{api}?revision=1", If_None_Match=tag).status == 304
    describe(page, frames[0], {"turn": 90})
    after = page.get(f"{api}?revision=1", If_None_Match=tag)
    assert (after.status, after.headers["etag"]) == (200, fixed.headers["etag"])


@pytest.mark.parametrize("word", ["45", "90x", "m", "", "90%0A"])
def test_an_orientation_that_is_none_is_refused(page, frames, word):
    assert page.get(f"/api/frames/{frames[0]}/thumbnail?turned={word}").status == 422
