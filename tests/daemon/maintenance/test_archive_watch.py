"""The archive that goes and comes back while the service runs."""

from __future__ import annotations

from contextlib import closing

from filmscand.daemon.database.alarms import ARCHIVE_ALARM, Alarms
from filmscand.daemon.maintenance.archive_watch import ArchiveWatch
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.station.configuration import Station


def test_an_alarm_stands_while_the_archive_is_gone_and_others_are_left_alone(tmp_path, caplog):
    station = Station(root=tmp_path / "station")
    with closing(connect_station(station)) as connection:
        alarms = Alarms(connection)
        watch = ArchiveWatch(bound_archive(station, connection), station.database, 0.01)
        alarms.raise_alarm(ARCHIVE_ALARM, "no space left")
        watch.look()
        assert [alarm.message for alarm in alarms.standing()] == ["no space left"]
        away = station.archive.rename(tmp_path / "unmounted")
        for _ in range(3):
            watch.look()
        assert "Mount its disk" in alarms.standing()[0].message
        away.rename(station.archive)
        watch.look()
        assert alarms.standing() == []
        assert caplog.text.count("Nothing is taken") == 1


def test_the_thread_looks_until_it_is_stopped(tmp_path):
    station = Station(root=tmp_path / "station")
    with closing(connect_station(station)) as connection:
        watch = ArchiveWatch(bound_archive(station, connection), station.database, 0.01)
        station.archive.rename(tmp_path / "unmounted")
        watch.start()
        while not Alarms(connection).standing():
            pass
        watch.stop()
        watch._thread.join(10)
        assert not watch._thread.is_alive()
