"""One alarm for all files of a folder that have the same trouble."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest

from filmscand.daemon.core.errors import SourceChangedError, SourceUnreadableError
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.ingest.plan import IngestPlan
from filmscand.daemon.ingest.troubles import Troubles, WatchedRights, is_text, shown, tell_of_restart


@pytest.fixture
def alarms(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as connection:
        yield Alarms(connection)


@pytest.fixture
def troubles(alarms):
    return Troubles(alarms, "file:/drop", "{} files cannot be taken".format)


def fail(error):
    def action():
        raise error

    return action


def messages(alarms):
    return {alarm.key: alarm.message for alarm in alarms.standing()}


def test_a_name_that_is_no_utf8_is_shown_with_its_bytes():
    assert shown("r/caf\udce9.tif") == "r/caf\\xe9.tif"
    assert shown("r/café.tif") == "r/café.tif"
    assert (is_text("caf\udce9.tif"), is_text("café.tif")) == (False, True)


def test_an_alarm_lasts_until_the_last_file_works(alarms, troubles):
    troubles.note("a.tif", "a.tif: no")
    troubles.note("b.tif", "b.tif: no")
    assert messages(alarms) == {"file:/drop": "2 files cannot be taken; the first: a.tif: no"}
    troubles.end("a.tif")
    assert messages(alarms) != {}
    troubles.end("b.tif")
    assert messages(alarms) == {}


def test_files_that_are_gone_have_no_trouble_and_an_alarm_of_an_earlier_run_ends(alarms, troubles):
    troubles.note("a.tif", "a.tif: no")
    Troubles(alarms, "file:/drop", str).keep(set())
    assert messages(alarms) == {}


@pytest.mark.parametrize(
    "error",
    [
        ValueError("odd"),
        OverflowError("too large"),
        UnicodeEncodeError("utf-8", "\udce9", 0, 1, "surrogates not allowed"),
        RecursionError(),
        SourceUnreadableError("r/a.tif: cannot read: Permission denied"),
        sqlite3.ProgrammingError("type not supported"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_error_of_one_file_is_an_alarm_that_names_it_and_nothing_more(alarms, troubles, error):
    assert not troubles.safely("r/a.tif", fail(error))
    assert "r/a.tif" in messages(alarms)["file:/drop"]
    assert troubles.safely("r/a.tif", lambda: None)
    assert messages(alarms) == {}


def test_a_database_that_does_not_work_is_no_trouble_of_a_file(troubles):
    with pytest.raises(sqlite3.OperationalError):
        troubles.safely("a.tif", fail(sqlite3.OperationalError("disk I/O error")))


def test_a_file_that_is_being_replaced_is_no_trouble(alarms, troubles):
    assert not troubles.safely("a.tif", fail(SourceChangedError("a.tif: gone")))
    assert messages(alarms) == {}


def test_an_ingest_that_begins_again_and_again_is_an_alarm(tmp_path, alarms):
    watch = SimpleNamespace(path="/drop")
    tell_of_restart(IngestPlan(watch, tmp_path, tmp_path / "station.db", None, None, 1 << 30), ValueError("odd"))
    assert messages(alarms) == {"ingest:/drop": "/drop: nothing is taken: unexpected ValueError: odd"}


def test_an_alarm_about_several_files_names_each_command_once(alarms, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("becoming another user needs root")
    watch = tmp_path / "drop"
    for roll in ("a", "b"):
        (watch / roll).mkdir(parents=True)
        for name in ("1.tif", "2.tif"):
            (watch / roll / name).write_bytes(b"counts")
        (watch / roll).chmod(0o700)
    watch.chmod(0o777)
    for folder in (watch, *watch.parents):
        if folder.is_relative_to(tmp_path.parent.parent.parent):
            folder.chmod(folder.stat().st_mode | 0o011)
    troubles = Troubles(
        alarms, "put_away:/drop", "{} files cannot be put away".format, WatchedRights(watch, write=True)
    )
    os.seteuid(65534)
    try:
        for path in ("a/1.tif", "a/2.tif", "b/1.tif", "b/2.tif"):
            troubles.note(path, f"{watch / path}: cannot be moved")
    finally:
        os.seteuid(0)
    commands = [f"chmod -R g+rwX {watch / roll}" for roll in ("a", "b")]
    told = messages(alarms)["put_away:/drop"]
    assert told.startswith(
        f"4 files cannot be put away; the first: {watch}/a/1.tif: cannot be moved. {watch}/a belongs"
    )
    assert [told.count(command) for command in commands] == [1, 1]
