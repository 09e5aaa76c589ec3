"""Threads for targets go on after errors, end with the service, and leave a replaced database alone."""

from __future__ import annotations

import logging
import sqlite3
import threading

import pytest

from filmscand.daemon.core.errors import TransientError
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.maintenance.database_threads import join_all, keep_working


@pytest.fixture
def database(tmp_path):
    open_database(tmp_path / "station.db").close()
    return tmp_path / "station.db"


def worked(database, *outcomes, stop=None):
    """Return how often the work was done that ends like this, one outcome after the other; None: it returns."""
    left = list(outcomes)

    def work(connection):
        assert connection.execute("SELECT 1").fetchone()[0] == 1
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome

    keep_working(database, work, stop or threading.Event(), 0.0, "letters")
    return len(outcomes) - len(left)


def test_work_that_fails_is_done_anew_with_another_connection_until_it_returns(database, caplog):
    with caplog.at_level(logging.WARNING):
        assert worked(database, sqlite3.OperationalError("locked"), TransientError("no network"), None, None) == 3
    assert caplog.messages == ["the database does not answer: locked", "letters wait: no network"]


def test_a_fault_of_the_program_is_told_with_its_trace(database, caplog):
    assert worked(database, ZeroDivisionError(), None) == 2
    (record,) = caplog.records
    assert (record.message, record.exc_info is not None) == ("unexpected error of the letters", True)


def test_a_database_that_was_replaced_ends_the_work(database):
    assert worked(database, DatabaseReplacedError("another one"), None) == 1


def test_after_an_error_nothing_is_tried_again_once_the_service_stops(database):
    stop = threading.Event()
    stop.set()
    assert worked(database, TransientError("no network"), None, stop=stop) == 1


def test_threads_are_waited_for_only_so_long_and_only_if_they_were_started():
    go = threading.Event()
    quick, slow, idle = (threading.Thread(target=run, daemon=True) for run in (lambda: None, go.wait, lambda: None))
    quick.start()
    slow.start()
    assert not join_all([quick, slow, idle], 0.05)
    go.set()
    assert join_all([quick, slow, idle], 10.0)
