"""The pages for people, as they come from the server."""

from __future__ import annotations

import html
import logging
import re
import time

import pytest

from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.archive_records import ArchiveRecord, write_records
from filmscand.daemon.database.keeping.replicas import Replicas, keep_replica_targets
from filmscand.daemon.database.session_records import ScanPlan, SessionState
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.station.sections.page import Page, User
from filmscand.daemon.web.doors.passwords import hash_password
from support.page_site import served


def words_of(answer):
    """Return what a person reads, and require a whole document with one heading and a language."""
    text = answer.text
    assert text.startswith("<!doctype html>") and text.rstrip().endswith("</html>")
    assert text.count("<h1>") == 1 and '<html lang="en">' in text
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", " ", text)))


def shown(page, text, limit_s=20.0):
    """Return the first page of the station that has this text: it may be two seconds old."""
    end_s = time.monotonic() + limit_s
    while text not in (answer := page.get("/")).text:
        assert time.monotonic() < end_s, answer.text
        time.sleep(0.05)
    return answer


def test_the_station_shows_queue_room_and_last_frames(page, frames):
    words = words_of(page.get("/"))
    for part in ("Frames waiting 1", "Room on the disk", "No scan session is under way", "look at it"):
        assert part in words
    assert "Over 8 % of the film was changed." in words


def test_the_station_is_made_anew_for_each_kind_of_visitor_and_each_status(station, connection):
    users = [User(name=role, password=hash_password("correct horse"), role=role) for role in ("viewer", "operator")]
    with served(station.model_copy(update={"page": Page(port=0, users=tuple(users))})) as site:
        login = {"password": "correct horse"}
        keys = [site.post("/api/login", {"name": one.name, **login}).headers["set-cookie"] for one in users]
        viewer, operator = (key.partition(";")[0] for key in keys)
        for _ in range(2):
            assert "New session" not in site.get("/", Cookie=viewer).text
            assert "New session" in site.get("/", Cookie=operator).text
        Alarms(connection).raise_alarm("archive", "read-only")
        end_s = time.monotonic() + 20
        while "Needs attention" not in site.get("/", Cookie=viewer).text:
            assert time.monotonic() < end_s


def test_an_alarm_is_at_the_top_with_what_to_do(page, connection):
    Alarms(connection).raise_alarm("watch:/drop", "/drop: cannot be read; mount the share")
    words = words_of(shown(page, "Needs attention"))
    assert "Watched folder /drop: cannot be read; mount the share" in words


def test_copies_are_told_on_the_station_and_on_the_roll(page, connection, frames):
    keep_replica_targets(connection, {"nas": "/mnt/nas", "cloud": "s3://film"})
    roll = "museum/box-1/roll-a"
    write_records(connection, [ArchiveRecord(f"{roll}/tagmanifest-sha512.txt", 1, "0" * 64)])
    nas, cloud = Replicas(connection, "nas"), Replicas(connection, "cloud")
    for one in (nas, cloud):
        one.enter()
    nas.verified(nas.due(1.0))
    cloud.copying(cloud.due(1.0), 181, 20_000_000_000)
    cloud.progress(cloud.due(1.0), 40, 3_200_000_000)
    words = words_of(shown(page, "Copies of sealed rolls"))
    assert "nas 1 of 1 rolls are copied and right" in words
    assert f"Copying {roll} : 40 of 181 files, 3.20 of 20.00 GB." in words
    words = words_of(page.get(f"/rolls/{roll}"))
    assert "Copy at nas: copied, read back and right since" in words
    assert "Copy at cloud: is being copied, 40 of 181 files, 3.20 of 20.00 GB." in words
    cloud.failed(cloud.due(1.0), "no route to host", 60.0)
    cloud.target_failed("no route to host", 60.0)
    words = words_of(page.get(f"/rolls/{roll}"))
    assert "Copy at cloud: waits to be copied. It failed (1 times): no route to host. It is tried again at" in words
    assert "It has failed since" in words_of(shown(page, "no route to host"))


def test_a_scanner_that_needs_a_person_is_told_in_words(page, connection):
    sessions = Sessions(connection)
    session = sessions.add(ScanPlan(roll="r1", device="coolscan3:usb", frames=50))
    sessions.move(session.session_id, SessionState.ATTENTION, "the feeder is jammed", "Open the feeder, take it out")
    words = words_of(shown(page, "coolscan3:usb"))
    assert "Needs attention" in words
    assert "needs a person Roll unsorted/unsorted/r1 : 0 of 50 slides the feeder is jammed" in words
    assert "1 alarm Scan session session 1 of roll r1: the feeder is jammed. Open the feeder, take it out" in words


def test_a_paused_session_waits_for_a_person_without_an_alarm(page, connection):
    sessions = Sessions(connection)
    session = sessions.add(ScanPlan(roll="r1", device="coolscan3:usb", frames=50))
    sessions.move(session.session_id, SessionState.WARMING)
    sessions.move(session.session_id, SessionState.PAUSED, "slide 1 is scanned", "Put in the next one")
    answer = shown(page, "Put in the next one")
    assert "Needs attention" in words_of(answer)
    assert 'class="alarm"' not in answer.text


def test_a_contact_sheet_has_every_frame_with_its_state_in_words(page, frames):
    answer = page.get("/rolls/museum/box-1/roll-a")
    words = words_of(answer)
    assert "3 frames: 2 done, 1 waiting, 0 failed" in words
    assert re.findall(r'data-look="(\w+)"', answer.text) == ["archived", "flagged", "queued"]
    assert "2 look at it Over 8 % of the film was changed." in words
    assert answer.text.count("/thumbnail?revision=1") == 2


def test_a_frame_shows_picture_numbers_reasons_and_neighbours(page, frames):
    answer = page.get(f"/frames/{frames[1]}")
    words = words_of(answer)
    assert "Why it was flagged Over 8 % of the film was changed. Look at the result, and clean the film." in words
    assert "Cleaned in 1.5 s" in words and "120 × 90 pixels" in words
    assert f'/api/frames/{frames[1]}/access?revision=1"' in answer.text
    assert f'href="/frames/{frames[0]}"' in answer.text and f'href="/frames/{frames[2]}"' in answer.text


def test_a_frame_that_waits_says_so(page, frames):
    assert "There is no picture yet" in words_of(page.get(f"/frames/{frames[2]}"))


def test_a_record_that_is_damaged_is_told_and_the_page_stays(page, station, frames):
    (station.archive / frames[0].folder / f"{frames[0].stem}.json").write_text("{")
    answer = page.get(f"/frames/{frames[0]}")
    assert (answer.status, "expected a sidecar" in words_of(answer)) == (200, True)


def test_folders_rolls_and_log_without_anything_say_what_to_do(page):
    assert "Scan a roll, or copy scans into a watched folder" in words_of(page.get("/rolls"))
    assert "the folder is not there" in words_of(page.get("/folders"))
    assert "Nothing was logged yet." in words_of(page.get("/log"))


def test_the_log_is_shown(page):
    logging.getLogger("filmscand.daemon").warning("the feeder is jammed")
    assert "warning the feeder is jammed" in words_of(page.get("/log"))


@pytest.mark.parametrize("path", ["/nothing", "/rolls/museum/box-1/roll-z", "/rolls/A/b/c", "/frames/a/b/c_0001"])
def test_an_address_at_which_there_is_nothing_is_told_on_a_page(page, path):
    answer = page.get(path)
    assert answer.status == 404
    assert "To the station" in words_of(answer)


def test_names_from_outside_are_shown_and_never_obeyed(page, connection, station, frames, tmp_path):
    evil = "<script>alert(1)</script>\u202e\x1b[2J.tif"
    Alarms(connection).raise_alarm("file:" + evil, evil)
    text = shown(page, "alert(1)").text
    assert "<script>alert" not in text and "\u202e" not in text and "\x1b" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\x1b[2J.tif" in text


def test_style_and_script_are_served_with_their_types(page):
    for name, kind in (("page.css", "text/css"), ("page.js", "text/javascript"), ("icon.svg", "image/svg+xml")):
        answer = page.get(f"/static/{name}")
        assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, kind)
