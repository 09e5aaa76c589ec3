"""One name, one roll."""

from __future__ import annotations

import sqlite3

import pytest

from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.roll_names import name_of_roll, note_roll_name, pictures_of_roll, roll_named
from support.queue_rows import ROLL, reserve


def test_a_name_that_was_noted_is_found_in_any_case(connection):
    assert roll_named(connection, "museum", "box-1", "Übung") is None
    note_roll_name(connection, ROLL, "Übung")
    assert roll_named(connection, "museum", "box-1", "ÜBUNG") == ROLL
    assert roll_named(connection, "museum", "box-2", "Übung") is None
    assert name_of_roll(connection, ROLL) == "Übung"


def test_neither_a_name_nor_a_roll_is_noted_twice(connection):
    note_roll_name(connection, ROLL, "Roll A")
    for roll, name in ((Roll("museum", "box-1", "other"), "roll a"), (ROLL, "another")):
        with pytest.raises(sqlite3.IntegrityError):
            note_roll_name(connection, roll, name)


def test_the_pictures_of_a_roll_are_known(connection, queue):
    reserve(queue, "Roll A/1.tif")
    assert pictures_of_roll(connection, ROLL) == ["Roll A/1.tif"]
    assert name_of_roll(connection, ROLL) is None
