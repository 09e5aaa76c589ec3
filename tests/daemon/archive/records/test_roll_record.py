from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.roll_record import (
    RollRecord,
    recorded_rolls,
    verify_roll_record,
    write_roll_record,
)
from filmscand.daemon.core.errors import IntegrityError, SchemaTooNewError
from filmscand.daemon.core.frame_id import FrameId
from tests.support.untouched import FileState

FRAME = FrameId("meyer", "box-3", "r12", 1)
FIRST = Path(__file__).parent / "data" / "roll-1.json"


def test_the_first_frame_of_a_roll_writes_the_record_that_filmscand_0_1_wrote(tmp_path):
    write_roll_record(tmp_path / "metadata", FRAME)
    assert (tmp_path / "metadata" / "roll.json").read_bytes() == FIRST.read_bytes()


def test_a_record_that_is_there_is_left_alone(tmp_path):
    record = tmp_path / "roll.json"
    record.write_text(json.dumps({**json.loads(FIRST.read_bytes()), "shelf": 4}))
    before = FileState.of(record)
    write_roll_record(tmp_path, FRAME)
    assert FileState.of(record) == before


def test_an_unknown_field_is_read_and_written_again():
    plain = {**json.loads(FIRST.read_bytes()), "shelf": 4}
    assert json.loads(RollRecord.from_json(json.dumps(plain).encode(), "roll.json").to_json()) == plain


def test_a_roll_of_a_newer_filmscand_gets_no_frame_from_this_one(tmp_path):
    record = tmp_path / "roll.json"
    record.write_text(json.dumps({**json.loads(FIRST.read_bytes()), "schema_version": 2}))
    with pytest.raises(
        SchemaTooNewError, match=r"roll\.json: expected a roll record of schema 1 or older, found schema 2.*Update"
    ):
        write_roll_record(tmp_path, FRAME)


def test_a_file_that_is_no_record_is_told_by_its_name(tmp_path):
    (tmp_path / "roll.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"roll\.json: expected a roll record"):
        write_roll_record(tmp_path, FRAME)


def test_a_roll_keeps_the_name_of_its_folder_and_the_first_one_stays(tmp_path):
    assert write_roll_record(tmp_path / "r12" / "metadata", FRAME, "結婚式").original_name == "結婚式"
    assert write_roll_record(tmp_path / "r12" / "metadata", FRAME, "other").original_name == "結婚式"
    assert recorded_rolls(tmp_path) == {"r12": "結婚式"}


def test_a_record_of_an_earlier_version_gets_the_name_and_keeps_the_rest(tmp_path):
    record = tmp_path / "r12" / "metadata" / "roll.json"
    record.parent.mkdir(parents=True)
    plain = {**json.loads(FIRST.read_bytes()), "shelf": 4}
    record.write_text(json.dumps(plain))
    write_roll_record(record.parent, FRAME, "Roll 12")
    assert json.loads(record.read_text()) == {**plain, "original_name": "Roll 12"}


def test_a_record_that_cannot_be_read_names_no_roll(tmp_path):
    (tmp_path / "r12" / "metadata").mkdir(parents=True)
    (tmp_path / "r12" / "metadata" / "roll.json").write_text("{}")
    assert recorded_rolls(tmp_path) == {}


def test_the_record_of_another_roll_or_none_is_a_problem(tmp_path):
    roll = Path("meyer/box-3/r12")
    assert [str(one.kind) for one in verify_roll_record(tmp_path, roll)] == ["missing"]
    write_roll_record(tmp_path, FRAME)
    assert list(verify_roll_record(tmp_path, roll)) == []
    (problem,) = verify_roll_record(tmp_path, Path("meyer/box-3/r13"))
    assert problem.message == "expected the record of meyer/box-3/r13, found that of meyer/box-3/r12"
