from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from filmscand.daemon.archive.sidecar import CaptureRecord, Outcome, Revision, Role, Sidecar, StoredFile, frame_record
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.drivers.base import CaptureInfo, InfraredOrigin

RAW = StoredFile(role=Role.RAW, name="r_0001_raw.tif", size_bytes=3, sha256="a", sha512="b", original_name="Dia 1.tif")
CLEAN = StoredFile(role=Role.CLEAN, name="r_0001_r01_clean.tif", size_bytes=4, sha256="c", sha512="d")


def sidecar(**changes):
    info = CaptureInfo(
        "tiff_rgbi",
        sources=(Path("/drop/a.tif"),),
        icc_profile=b"x",
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
        outcome=Outcome.CLEANED,
        report={"threshold": 0.12},
        warnings=("strong_leakage",),
        seconds={"clean": 2.1},
        files=(CLEAN,),
    )
    parts = {
        "frame": frame_record(FrameId("c", "b", "r", 1)),
        "film": FilmKind.SLIDE,
        "capture": CaptureRecord.of(info, np.zeros((20, 30, 3), np.uint16)),
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


@pytest.mark.parametrize("change", [{"schema_version": 2}, {"surprise": 1}, {"film": "glass"}])
def test_a_sidecar_of_another_making_is_refused_with_its_name(change):
    plain = {**json.loads(sidecar().to_json()), **change}
    with pytest.raises(IntegrityError, match=r"^r_0001\.json: expected a sidecar of schema 1"):
        Sidecar.from_json(json.dumps(plain).encode(), "r_0001.json")
