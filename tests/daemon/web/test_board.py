"""The board: one reading for everybody, and which frames moved."""

from __future__ import annotations

import threading
import time

import pytest

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.web import board as board_module
from filmscand.daemon.web.board import Board, StatusUnknownError
from support.page_frames import ROLL, finish, put


@pytest.fixture
def board(connection, station):
    board = Board(station)
    board.start()
    yield board
    board.close()


def wait_for(board, what, limit_s=20.0):
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        snapshot = board.newest()
        if snapshot is not None and what(snapshot):
            return snapshot
        time.sleep(0.02)
    raise AssertionError(board.newest())


def test_a_status_names_its_station_and_follows_the_database(board, connection, station):
    first = board.fresh()
    assert (first.status.station, first.status.alarms) == (str(station.root), ())
    Alarms(connection).raise_alarm("archive", "read-only")
    later = wait_for(board, lambda snapshot: snapshot.status.alarms)
    assert later.version > first.version


def test_everybody_gets_the_same_reading(board):
    found = []
    threads = [threading.Thread(target=lambda: found.append(board.fresh().version)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    assert len(set(found)) <= 2


def test_a_frame_that_comes_and_ends_between_two_readings_is_told_once(board, connection, station, tmp_path):
    before = board.fresh().version
    put(connection, "quick.tif")
    finish(connection, station, tmp_path)
    later = wait_for(board, lambda snapshot: snapshot.version > before and board.moves_since(before))
    told = [(move.frame, move.outcome) for move in board.moves_since(before) if move.state == "finished"]
    assert told == [(f"{ROLL.collection}/{ROLL.box}/{ROLL.roll}_0001", "archived")]
    wait_for(board, lambda snapshot: snapshot.read_s > later.read_s + 1.0)
    assert board.moves_since(later.version) == []


def test_frames_that_move_are_told_from_the_version_on_that_a_reader_has_seen(board, connection, frames):
    before = board.fresh().version
    wait_for(board, lambda snapshot: snapshot.status.states["queued"] == 1)
    queue = Queue(connection)
    lease = queue.take(ProcessId(1, 1), 60.0)
    wait_for(board, lambda snapshot: snapshot.status.in_work)
    queue.fail(lease, "too large")
    later = wait_for(board, lambda snapshot: snapshot.status.outcomes["failed"])
    moves = [(move.stem, move.state, move.outcome) for move in board.moves_since(before) or []]
    assert moves[-2:] == [("roll-a_0003", "processing", None), ("roll-a_0003", "finished", "failed")]
    assert board.moves_since(later.version) == []


def test_a_reservation_that_is_given_up_is_told_as_dropped(board, connection, frames):
    board.fresh()
    queue = Queue(connection)
    job = queue.reserve_number(FrameId("museum", "box-1", "roll-a", 9), "scanner", CleanRequest())
    version = wait_for(board, lambda snapshot: snapshot.status.states["reserved"]).version
    queue.drop(job.job_id)
    wait_for(board, lambda snapshot: not snapshot.status.states["reserved"])
    assert [(move.number, move.state) for move in board.moves_since(version)] == [(9, "dropped")]


def test_a_reader_who_is_far_behind_is_told_to_read_everything_again(board, connection, monkeypatch):
    version = board.fresh().version
    monkeypatch.setattr(board_module, "_MOVES_KEPT", 1)
    board._moves = board_module.deque([(version + 5, "move")], maxlen=1)
    assert board.moves_since(version) is None


def test_nothing_is_read_while_nobody_watches(board, monkeypatch):
    monkeypatch.setattr(board_module, "_WATCHED_S", 0.0)
    time.sleep(1.0)
    before = board._snapshot
    time.sleep(1.5)
    assert board._snapshot is before


def test_a_database_that_cannot_be_read_is_told_to_who_asks(station, monkeypatch):
    monkeypatch.setattr(board_module, "_PATIENCE_S", 0.1)
    station.database.parent.mkdir(parents=True)
    station.database.write_bytes(b"no database at all" * 100)
    board = Board(station)
    board.start()
    try:
        with pytest.raises(StatusUnknownError, match=r"cannot be read: .*expected the station's database"):
            board.fresh()
    finally:
        board.close()


def test_a_closed_board_keeps_nobody_waiting(station, monkeypatch):
    monkeypatch.setattr(board_module, "_PATIENCE_S", 600.0)
    board = Board(station)
    board.close()
    with pytest.raises(StatusUnknownError):
        board.fresh()
