"""The ids in the database."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.identity import (
    change_identity,
    choose_identity,
    every_frame,
    find_identity,
    frames_in_archive,
    identity_of,
    settle_identity,
)
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.station.marker import Identity
from support.queue_rows import enqueue, reserve

IDS, OTHER = Identity("archive-1", "station-1"), Identity("archive-2", "station-2")


def test_a_new_database_has_no_ids_and_is_not_taken_for_a_stations(connection):
    assert find_identity(connection) is None
    with pytest.raises(DatabaseReplacedError, match="rebuild --replace"):
        identity_of(connection)


def test_ids_are_chosen_once_and_count_when_they_are_settled(connection):
    first = choose_identity(connection, IDS, "now")
    assert choose_identity(connection, OTHER, "later") == first
    with pytest.raises(DatabaseReplacedError):
        identity_of(connection)
    settle_identity(connection)
    assert identity_of(connection) == IDS
    assert find_identity(connection).made_at == "now"


def test_other_ids_replace_the_first_and_remember_what_the_marker_has_until_then(connection):
    choose_identity(connection, IDS, "now")
    settle_identity(connection)
    change_identity(connection, OTHER, IDS.station_id, "later")
    stored = find_identity(connection)
    assert (stored.identity, stored.replaces, stored.settled) == (OTHER, IDS.station_id, False)
    settle_identity(connection)
    assert (find_identity(connection).replaces, find_identity(connection).settled) == (None, True)


def test_a_reader_of_a_database_without_the_table_finds_no_ids(connection, tmp_path):
    connection.execute("DROP TABLE identity")
    with closing(open_to_read(tmp_path / "station.db")) as reader:
        assert find_identity(reader) is None


def test_frames_whose_files_are_still_to_come_are_not_looked_for_in_the_archive(connection, queue):
    stored, coming = enqueue(queue, "a").frame, reserve(queue, "b").frame
    assert frames_in_archive(connection) == [stored]
    assert every_frame(connection) == {stored, coming}
    assert isinstance(stored, FrameId)
