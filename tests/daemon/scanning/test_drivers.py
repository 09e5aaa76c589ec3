"""A station's own scanner, driven by another program: a session archives its frames like those of any scanner."""

from __future__ import annotations

import time
from contextlib import closing

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.request import Role
from filmscand.daemon.core.timing import ScanTiming
from filmscand.daemon.database.session_records import FinishReason, ScanPlan, SessionState, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.sessions.order import only_scanner
from filmscand.daemon.scanning.drivers import drivers_of
from filmscand.daemon.scanning.run import SessionTools
from filmscand.daemon.scanning.threads import SessionThreads
from filmscand.daemon.station.configuration import Scanners, Station
from filmscand.drivers.files.reader import read_capture
from support.command_station import ProgramStation
from support.scanner_station import MODEL, slide_numbers

QUICK = ScanTiming(busy_first_s=0.02, busy_cap_s=0.1, retry_first_s=0.02, retry_cap_s=0.1, poll_s=0.02)


def test_a_session_archives_what_a_program_scans_and_waits_for_a_person_where_it_jams(tmp_path):
    program = ProgramStation(tmp_path / "program", 3)
    program.will_fail("exit4@start:2")
    device = program.install(tmp_path / "recipes")
    station = Station(root=tmp_path, scanners=Scanners(programs=tmp_path / "recipes"))
    tools = SessionTools(station.database, station.archive, QUICK, lambda: None, drivers_of(station).open)
    threads = SessionThreads(tools)
    with closing(connect_station(station)) as connection:
        sessions = Sessions(connection)
        number = sessions.add(ScanPlan(roll="r", device=device)).session_id
        jammed = follow(threads, connection, number, SessionState.ATTENTION)
        assert "exit code 4 (jammed)" in jammed.message
        assert jammed.advice.startswith("Free the slide")
        sessions.ask(number, Wish.RESUME)
        session = follow(threads, connection, number, SessionState.FINISHED)
        assert session.reason is FinishReason.MAGAZINE_EMPTY
        archive = Archive(station.archive)
        folders = [archive.frame_folder(session.plan.frame(frame.number)) for frame in sessions.frames(number)[:3]]
        captures = [read_capture(folder.raw(), folder.original(Role.INFRARED)) for folder in folders]
    assert slide_numbers(captures, 3, MODEL) == [1, 2, 3]
    assert threads.join(10.0)


def test_the_only_scanner_of_a_station_may_be_a_program(tmp_path):
    device = ProgramStation(tmp_path / "program", 1).install(tmp_path / "recipes")
    assert only_scanner(Station(root=tmp_path, scanners=Scanners(programs=tmp_path / "recipes"))) == device


def follow(threads, connection, number, state):
    """Look after the sessions until this one is in a state; return it."""
    deadline_s = time.monotonic() + 60
    while (session := Sessions(connection).find(number)).state is not state:
        assert time.monotonic() < deadline_s, session
        threads.update(connection)
        time.sleep(0.01)
    return session
