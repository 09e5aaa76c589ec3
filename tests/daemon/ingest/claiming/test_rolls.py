"""Each folder name is a roll of its own, and stays it for ever."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.roll_record import write_roll_record
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, SourceFile
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.claiming.rolls import roll_for
from filmscand.daemon.station.configuration import Watch

DAY = date(2026, 11, 28)


class Rolls:
    """The rolls of one watch folder, an archive and a database."""

    def __init__(self, root):
        self.archive = root / "archive"
        self.database = open_database(root / "station.db")

    def of(self, folder, **watch):
        return roll_for(self.database, self.archive, Watch(**watch), Path(folder, "0001.tif"), DAY).roll

    def record(self, roll, name=None):
        frame = FrameId("unsorted", "unsorted", roll, 1)
        write_roll_record(self.archive / frame.roll_folder / "metadata", frame, name)

    def take_up(self, roll, path):
        sources = [SourceFile("raw", f"sha-of-{path}", 1, path)]
        Queue(self.database).reserve(Roll("unsorted", "unsorted", roll), 1, sources, CleanRequest())


@pytest.fixture
def rolls(tmp_path):
    made = Rolls(tmp_path)
    with closing(made.database):
        yield made


def test_folders_in_any_script_become_rolls_of_their_own(rolls):
    folders = ["отпуск", "свадьба", "結婚式", "日本", "中国", "😀", "🎞", "f" * 70 + "1", "f" * 70 + "2", "a/b", "a-b"]
    assert len({rolls.of(folder) for folder in folders}) == len(folders)
    assert rolls.of("日本") == "riben"


def test_of_two_names_with_one_slug_the_later_one_gets_a_suffix_and_keeps_it(rolls):
    first, second = rolls.of("Roll #1"), rolls.of("Roll 1")
    assert first == "roll-1"
    assert second.startswith("roll-1-")
    assert (rolls.of("Roll #1"), rolls.of("Roll 1")) == (first, second)


def test_one_name_in_another_case_or_form_is_one_roll(rolls):
    names = [unicodedata.normalize(form, name) for form in ("NFC", "NFD") for name in ("Übung 1", "übung 1")]
    assert {rolls.of(name) for name in names} == {"ubung-1"}


def test_a_rule_that_puts_all_folders_into_one_roll_still_does(rolls):
    assert {rolls.of(folder, roll="wedding") for folder in ("日本", "中国", "a")} == {"wedding"}


def test_after_the_database_is_rebuilt_the_roll_records_tell_the_rolls(rolls):
    rolls.record("roll-1", "Roll #1")
    rolls.record("somewhere-else", "日本")
    assert rolls.of("日本") == "somewhere-else"
    assert rolls.of("Roll 1").startswith("roll-1-")
    assert rolls.of("Roll #1") == "roll-1"


def test_a_roll_of_an_earlier_version_goes_on_under_its_name(rolls):
    rolls.record("roll-1")
    rolls.take_up("roll-1", "Roll 1/0001.tif")
    assert rolls.of("Roll #1").startswith("roll-1-")
    assert rolls.of("Roll 1") == "roll-1"


def test_a_roll_whose_folders_nobody_knows_goes_on_under_its_name(rolls):
    rolls.record("roll-1")
    rolls.take_up("roll-1", "0001.tif")
    assert rolls.of("Roll 1") == "roll-1"
