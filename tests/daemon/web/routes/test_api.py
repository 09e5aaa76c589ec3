"""The API: the same facts as the command line and the page, and pictures by frame."""

from __future__ import annotations

import io
import json
import logging
import subprocess

import pytest
from PIL import Image

from support.program import PROGRAM


def test_the_status_is_the_record_that_the_command_prints(page, station, frames, tmp_path):
    config = tmp_path / "station.yaml"
    config.write_text(f"root: {station.root}\n")
    done = subprocess.run([*PROGRAM, "status", "--json", "--config", str(config)], capture_output=True, timeout=120)
    told, printed = page.get("/api/status").json, json.loads(done.stdout)
    for free in ("free_bytes", "free_frames"):
        told.pop(free), printed.pop(free)
    assert told == printed


def test_rolls_and_their_frames_are_listed(page, frames):
    (roll,) = page.get("/api/rolls").json
    assert (roll["roll"], roll["frames"]) == ("museum/box-1/roll-a", 3)
    details = page.get(f"/api/rolls/{roll['roll']}").json
    assert details["summary"] == page.get(f"/api/rolls/{roll['roll']}/summary").json == roll
    assert page.get("/api/rolls/museum/box-1/roll-b/summary").status == 404
    assert [frame["look"] for frame in details["frames"]] == ["archived", "flagged", "queued"]


def test_a_frame_is_told_with_its_sidecar(page, station, frames):
    facts = page.get(f"/api/frames/{frames[1]}").json
    assert [reason["code"] for reason in facts["sheet"]["reasons"]] == ["many_defects", "silver_film"]
    path = station.archive / frames[1].folder / f"{frames[1].stem}.json"
    sidecar = json.loads(path.read_text())
    assert facts["sidecar"]["originals"] == sidecar["originals"]
    assert facts["sidecar"]["revisions"][0]["files"] == sidecar["revisions"][0]["files"]


def test_the_access_image_and_the_mask_come_to_the_last_byte(page, station, frames):
    folder = station.archive / frames[0].folder
    access, mask = page.get(f"/api/frames/{frames[0]}/access"), page.get(f"/api/frames/{frames[0]}/mask")
    assert (access.headers["content-type"], mask.headers["content-type"]) == ("image/jpeg", "image/png")
    assert access.body == (folder / "roll-a_0001_r01_access.jpg").read_bytes()
    assert mask.body == (folder / "roll-a_0001_r01_mask.png").read_bytes()


def test_small_pictures_are_made(page, frames):
    for kind, form in (("thumbnail", "JPEG"), ("overlay", "PNG")):
        for _ in range(2):
            answer = page.get(f"/api/frames/{frames[0]}/{kind}?revision=1")
            with Image.open(io.BytesIO(answer.body)) as image:
                assert (image.format, image.size) == (form, (120, 90))


def test_a_revision_never_changes_and_the_newest_may(page, frames):
    newest, first = page.get(f"/api/frames/{frames[0]}/access"), page.get(f"/api/frames/{frames[0]}/access?revision=1")
    assert newest.headers["cache-control"] == "private, no-cache"
    assert first.headers["cache-control"] == "private, max-age=86400, immutable"
    for kind in ("access", "thumbnail"):
        before = page.get(f"/api/frames/{frames[0]}/{kind}")
        again = page.get(f"/api/frames/{frames[0]}/{kind}", If_None_Match=before.headers["etag"])
        assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("kind", ["access", "mask", "thumbnail", "overlay"])
def test_a_frame_or_revision_that_is_not_there_is_missing(page, frames, kind):
    for path in (f"{frames[2]}/{kind}", f"{frames[0]}/{kind}?revision=2", f"museum/box-1/roll-b_0001/{kind}"):
        answer = page.get(f"/api/frames/{path}")
        assert (answer.status, list(answer.json)) == (404, ["detail"]), path


@pytest.mark.parametrize(
    "path",
    [
        "/api/frames/../../../../etc/passwd",
        "/api/frames/%2e%2e/%2e%2e/passwd_0001/access",
        "/api/frames/..%2f..%2f..%2fetc/box/passwd_0001/access",
        "/api/frames/museum/box-1/roll-a_0001%00/access",
        "/api/frames/museum/box-1/..%2froll-a_0001/access",
        "/api/frames/museum/box-1/roll-a_0001/access%2f..%2fmask",
        "/api/frames/museum/box-1/roll-a_0001/../../../../station.db",
        "/api/frames/museum/box-1/ROLL-A_0001/access",
        "/api/frames/museum/box-1/roll-a_0000/access",
        "/api/frames/museum/box-1/roll-a_00001/access",
        "/api/frames/museum/box-1/roll-a_0001/access?revision=../1",
        "/api/frames/museum/box-1/roll-a_0001/access?revision=0",
        "/api/rolls/%2e%2e/%2e%2e/etc",
        "/api/rolls/museum/box-1/" + "a" * 65,
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2fapp.py",
        "/static//etc/passwd",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
    ],
)
def test_no_path_leads_out_of_the_archive(page, frames, path):
    answer = page.get(path)
    assert answer.status in (404, 422), path
    assert b"root:" not in answer.body and b"SQLite" not in answer.body and b"import" not in answer.body


def test_the_folders_and_the_log_are_told(page, station):
    assert [folder["path"] for folder in page.get("/api/folders").json] == [str(station.watch[0].path)]
    logging.getLogger("filmscand.daemon").warning("the feeder is jammed")
    (line,) = page.get("/api/log").json
    assert (line["level"], line["module"], line["message"]) == ("warning", "filmscand.daemon", "the feeder is jammed")


def test_a_picture_that_was_changed_is_not_shown(page, station, frames):
    picture = station.archive / frames[0].folder / "roll-a_0001_r01_access.jpg"
    picture.unlink()
    picture.write_bytes(b"other")
    answer = page.get(f"/api/frames/{frames[0]}/access")
    assert (answer.status, "filmscand verify" in answer.json["detail"]) == (503, True)


def test_the_openapi_document_describes_every_route(page):
    document = page.get("/api/openapi.json").json
    assert {method for path in document["paths"].values() for method in path} <= {"get", "post", "put", "delete"}
    assert set(document["paths"]) >= {
        "/healthz",
        "/metrics",
        "/api/status",
        "/api/events",
        "/api/rolls",
        "/api/rolls/{collection}/{box}/{roll}",
        "/api/frames/{collection}/{box}/{stem}",
        "/api/frames/{collection}/{box}/{stem}/access",
        "/iiif/{collection}/{box}/{stem}/{region}/{size}/{rotation}/{quality}",
    }
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            good = [answer for code, answer in described["responses"].items() if code.startswith(("2", "303"))]
            assert len(good) == 1, (method, path)
            # 204: there is nothing to tell; 303: another address tells it.
            silent = {"204", "303"} & described["responses"].keys()
            assert good[0].get("content") or silent, (method, path)
    assert "free_frames" in document["components"]["schemas"]["NamedStatus"]["properties"]


def test_the_answers_are_what_the_document_says(page, frames):
    from pydantic import TypeAdapter

    from filmscand.daemon.web.board import NamedStatus
    from filmscand.daemon.web.frames import FrameFacts, RollDetails, RollSummary

    for path, record in (
        ("/api/status", NamedStatus),
        ("/api/rolls/museum/box-1/roll-a", RollDetails),
        ("/api/rolls/museum/box-1/roll-a/summary", RollSummary),
        (f"/api/frames/{frames[1]}", FrameFacts),
    ):
        TypeAdapter(record).validate_json(page.get(path).body)
