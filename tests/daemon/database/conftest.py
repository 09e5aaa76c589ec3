"""A database of its own for each test, and a queue whose clocks the test turns."""

from __future__ import annotations

from contextlib import closing

import pytest

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.queue import Queue
from support.queue_rows import Clock


@pytest.fixture
def connection(tmp_path):
    with closing(open_database(tmp_path / "station.db")) as opened:
        yield opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def monotonic_clock():
    return Clock()


@pytest.fixture
def queue(connection, clock, monotonic_clock):
    return Queue(connection, clock, monotonic_clock)
