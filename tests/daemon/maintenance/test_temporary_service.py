"""The service that a command starts for itself."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.status import service_status
from filmscand.daemon.maintenance.temporary_service import ServiceDiedError, TemporaryService
from filmscand.daemon.station.configuration import load_station
from support.live_station import write_config


def keep_until(service, connection, condition):
    deadline_s = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < deadline_s, service.log.read_text()
        service.keep_running(connection)
        time.sleep(0.02)


def test_a_service_is_started_and_stopped_at_the_end(tmp_path):
    config = write_config(tmp_path)
    station = load_station(config)
    with closing(open_database(station.database)) as connection:
        with TemporaryService(station, config) as service:
            keep_until(service, connection, lambda: service_status(connection).running)
        assert not service_status(connection).running


def test_a_service_that_dies_each_time_is_given_up_with_its_last_words(tmp_path):
    station = load_station(write_config(tmp_path))
    broken = tmp_path / "broken.yaml"
    broken.write_text("surprise: 1\n")
    with (
        closing(open_database(station.database)) as connection,
        TemporaryService(station, broken) as service,
        pytest.raises(ServiceDiedError, match=rf"{tmp_path}/scan\.log\): .*broken\.yaml:1: surprise: unknown key"),
    ):
        keep_until(service, connection, lambda: False)
    assert service.log.read_text().count("unknown key") == 3
