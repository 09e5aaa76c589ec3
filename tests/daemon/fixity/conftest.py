"""A station with an open and a sealed roll, made once for each module and copied for each test."""

from __future__ import annotations

import pytest

from support.kept_station import archive_in, copied, make_station, open_station


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    return make_station(tmp_path_factory.mktemp("kept") / "station")


@pytest.fixture
def live(template, tmp_path):
    return copied(template, tmp_path / "station")


@pytest.fixture
def connection(live):
    with open_station(live) as connection:
        yield connection


@pytest.fixture
def archive(live, connection):
    return archive_in(live, connection)
