"""Sidecars that filmscand 0.1 wrote (schema 1) are read, and nothing of them is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.records.sidecar_migrations import SCHEMA_VERSION, migrated
from filmscand.daemon.core.film_kind import FilmKind

DATA = Path(__file__).parent / "data"
FIRST = sorted(DATA.glob("sidecar-1-*.json"))


def read(name):
    return Sidecar.from_json((DATA / name).read_bytes(), name)


def without_additions(plain):
    """Return a sidecar's JSON without what schema 2 added."""
    capture = {name: value for name, value in plain["capture"].items() if name not in {"scanned", "orientation"}}
    added = {"engine_code_sha256", "engine_models_sha256"}
    revisions = [{name: value for name, value in one.items() if name not in added} for one in plain["revisions"]]
    return {**plain, "schema_version": 1, "capture": capture, "revisions": revisions}


def test_there_is_a_fixture_of_each_kind():
    assert [file.name for file in FIRST] == [
        "sidecar-1-scanned.json",
        "sidecar-1-two-revisions.json",
        "sidecar-1-watched.json",
    ]


@pytest.mark.parametrize("file", FIRST, ids=lambda file: file.stem)
def test_every_field_of_schema_1_is_there_with_its_value_after_it_was_written_again(file):
    before = json.loads(file.read_bytes())
    after = json.loads(Sidecar.from_json(file.read_bytes(), file.name).to_json())
    assert after["schema_version"] == SCHEMA_VERSION
    assert without_additions(after) == before


def test_a_frame_that_a_scanner_delivered_is_told_from_a_watched_file():
    assert read("sidecar-1-scanned.json").capture.scanned
    assert not read("sidecar-1-watched.json").capture.scanned


def test_the_engine_of_an_old_revision_is_not_known():
    for revision in read("sidecar-1-two-revisions.json").revisions:
        assert revision.engine_version == "1"
        assert (revision.engine_code_sha256, revision.engine_models_sha256) == (None, None)


def test_the_values_of_an_old_sidecar_are_read():
    sidecar = read("sidecar-1-two-revisions.json")
    assert (sidecar.film, [one.options.sensitivity for one in sidecar.revisions]) == (FilmKind.NEGATIVE, [0.5, 0.9])
    assert sidecar.latest.report.leakage.red is not None
    assert sidecar.latest.report.method == "infrared"


def test_an_unknown_field_of_an_old_sidecar_is_kept():
    plain = json.loads(FIRST[0].read_bytes())
    plain["revisions"][0]["surprise"] = 1
    assert migrated(plain, "x")["revisions"][0]["surprise"] == 1
