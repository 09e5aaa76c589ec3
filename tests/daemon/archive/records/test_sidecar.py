from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from filmscand.daemon.archive.records.sidecar import AccessRecord, FilmFrom, Revision, Sidecar, frame_record
from filmscand.daemon.core.errors import IntegrityError, SchemaTooNewError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanOutcome, Role, StoredFile
from filmscand.drivers.base import CaptureInfo, InfraredOrigin

RAW = StoredFile(role=Role.RAW, name="r_0001_raw.tif", size_bytes=3, sha256="a", sha512="b", original_name="Dia 1.tif")
CLEAN = StoredFile(role=Role.CLEAN, name="r_0001_r01_clean.tif", size_bytes=4, sha256="c", sha512="d")


def sidecar(**changes):
    info = CaptureInfo(
        rows=20,
        cols=30,
        layout="tiff_rgbi",
        captured_at=datetime(2026, 11, 20, 10, 30),
        infrared_origin=InfraredOrigin.FOURTH_SAMPLE,
        flags=("linear_assumed",),
    )
    revision = Revision(
        number=1,
        created_at=datetime(2026, 11, 20, 12, 0, tzinfo=timezone(timedelta(hours=1))),
        engine_version="1",
        options={"sensitivity": 0.5},
        inputs_sha256=("a",),
        outcome=CleanOutcome.CLEANED,
        report={"threshold": 0.12},
        warnings=("strong_leakage",),
        seconds={"clean": 2.1},
        files=(CLEAN,),
    )
    parts = {
        "frame": frame_record(FrameId("c", "b", "r", 1)),
        "film": FilmKind.SLIDE,
        "capture": info,
        "originals": (RAW,),
        "revisions": (revision,),
    }
    return Sidecar(**{**parts, **changes})


def test_a_sidecar_is_read_back_as_written():
    assert Sidecar.from_json(sidecar().to_json(), "x") == sidecar()


def test_a_sidecar_is_canonical_json_with_times_in_utc():
    text = sidecar().to_json().decode()
    plain = json.loads(text)
    assert text == json.dumps(plain, sort_keys=True, indent=2, ensure_ascii=False) + "\n"
    assert plain["revisions"][0]["created_at"] == "2026-11-20T11:00:00Z"
    assert plain["capture"]["captured_at"] == "2026-11-20T10:30:00"
    assert plain["capture"]["infrared_origin"] == "fourth_sample"
    assert (plain["capture"]["rows"], plain["capture"]["cols"]) == (20, 30)


def test_a_sidecar_names_every_file_and_its_frame():
    assert sidecar().files == (RAW, CLEAN)
    assert sidecar().frame_id == FrameId("c", "b", "r", 1)
    assert sidecar().latest.number == 1


def test_a_sidecar_without_a_revision_or_with_a_local_time_cannot_be_made():
    with pytest.raises(ValidationError):
        sidecar(revisions=())
    with pytest.raises(ValidationError):
        Revision.model_validate({**sidecar().latest.model_dump(), "created_at": datetime(2026, 11, 20)})


@pytest.mark.parametrize(
    "change", [{"schema_version": 0}, {"schema_version": "2"}, {"film": "glass"}, {"revisions": None}, {"capture": 1}]
)
def test_a_file_that_is_no_sidecar_is_refused_with_its_name(change):
    plain = {**json.loads(sidecar().to_json()), **change}
    with pytest.raises(IntegrityError, match=r"^r_0001\.json: expected a sidecar of schema 2 or older"):
        Sidecar.from_json(json.dumps(plain).encode(), "r_0001.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b"{}"])
def test_bytes_that_are_no_sidecar_are_refused_with_their_name(content):
    with pytest.raises(IntegrityError, match=r"^r_0001\.json: expected a sidecar"):
        Sidecar.from_json(content, "r_0001.json")


def test_a_sidecar_of_a_newer_filmscand_is_refused_and_the_message_says_what_to_do():
    plain = {**json.loads(sidecar().to_json()), "schema_version": 3}
    with pytest.raises(
        SchemaTooNewError, match=r"^r_0001\.json: expected a sidecar of schema 2 or older, found schema 3.*Upd"
    ):
        Sidecar.from_json(json.dumps(plain).encode(), "r_0001.json")


@pytest.mark.parametrize(
    "path", ["", "capture", "originals.0", "revisions.0", "revisions.0.report", "revisions.0.options"]
)
def test_an_unknown_field_is_read_and_written_again(path):
    plain = json.loads(sidecar().to_json())
    part = plain
    for name in filter(None, path.split(".")):
        part = part[int(name) if name.isdigit() else name]
    part["surprise"] = {"deep": [1, None, "x"]}
    assert json.loads(Sidecar.from_json(json.dumps(plain).encode(), "x").to_json()) == plain


def test_a_report_has_only_the_values_that_its_engine_told():
    assert json.loads(sidecar().to_json())["revisions"][0]["report"] == {"leakage": {}, "shift": {}, "threshold": 0.12}


def test_how_the_film_was_shown_is_read_back():
    shown = sidecar().latest.model_copy(update={"access": AccessRecord(inverted=True, film_from=FilmFrom.FILE)})
    capture = sidecar().capture.model_copy(update={"negative": True})
    written = sidecar(revisions=(shown,), capture=capture)
    plain = json.loads(written.to_json())
    assert plain["revisions"][0]["access"] == {"inverted": True, "film_from": "file"}
    assert plain["capture"]["negative"] is True
    assert Sidecar.from_json(written.to_json(), "x") == written


def test_a_sidecar_of_an_earlier_version_gains_no_empty_fields():
    plain = json.loads(sidecar().to_json())
    assert "access" not in plain["revisions"][0]
    assert "negative" not in plain["capture"]
