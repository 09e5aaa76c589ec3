"""Commands that ask the running service: a member of its group does everything without a right to its files."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import io
import json
import os
import pkgutil
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass

import pytest

import filmscand.daemon
from filmscand.daemon.cli import main
from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.session_records import SessionState, Wish
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.desk import at_service
from filmscand.daemon.maintenance.desk.at_service import ServiceDesk, ServiceRefusedError, ServiceSilentError
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
from filmscand.daemon.maintenance.desk.desk import desk_of
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.maintenance.sessions.order import NoScannerError, SessionOrder
from filmscand.daemon.maintenance.status import station_status
from filmscand.daemon.station.configuration import Page, Station
from filmscand.daemon.station.rights import user_name
from filmscand.daemon.station.service_socket import listening_locally
from support.live_station import LiveStation, running
from support.page_site import served
from support.scanner_station import needs_sane, scanner
from support.two_users import GROUP, MEMBER, as_stranger, function_as_member, make_shared_folder, needs_root

# A group of operators that no file of this machine names; the kernel asks for its number only.
GROUP_EXISTS = f"import grp, types\ngrp.getgrnam = lambda name: types.SimpleNamespace(gr_gid={GROUP})\n"
ORDER = SessionOrder(roll="r", device="test:0")


@pytest.fixture
def station(tmp_path):
    found = Station(root=tmp_path / "station", page=Page(port=0))
    connect_station(found).close()
    return found


@pytest.fixture
def desk(station):
    """The desk of a service that runs."""
    with served(station):
        found = desk_of(station)
        assert isinstance(found, ServiceDesk)
        yield found


@pytest.fixture
def sessions(station):
    with closing(open_database(station.database)) as connection:
        yield Sessions(connection)


def test_without_a_service_a_command_does_the_work_itself(station):
    assert isinstance(desk_of(station), OwnDesk)


def test_a_session_is_ordered_and_told_by_the_name_of_the_user(desk, sessions):
    number = desk.order(ORDER)
    found = sessions.find(number)
    assert (found.plan.roll, found.plan.device, found.plan.operator) == ("r", "test:0", user_name())
    desk.tell(number, Wish.PAUSE)
    assert sessions.find(number).wish is Wish.PAUSE


def test_the_status_is_the_one_of_this_moment(desk, station, sessions):
    for number in (1, 2):
        desk.order(ORDER)
        assert [one.session for one in desk.status().sessions] == list(range(number, 0, -1))
    assert desk.status().sessions == station_status(station).sessions


def test_what_the_service_refuses_is_told_in_its_words(desk, sessions):
    with pytest.raises(ServiceRefusedError, match="there is no session 9"):
        desk.tell(9, Wish.PAUSE)
    with pytest.raises(ServiceRefusedError, match="waits at no slide"):
        desk.skip(desk.order(ORDER))
    with pytest.raises(ServiceRefusedError, match="a/b/c: the station has no frame of this name"):
        desk.reclean(["a/b/c"], Changes(0.5), failed=False)
    with pytest.raises(ServiceRefusedError, match="expected frames, found none"):
        desk.seal("a/b/c", {"Source-Organization": "City Archive"})


def test_errors_that_decide_the_exit_status_stay_what_they_are():
    for kind, error in (("integrity", IntegrityError), ("scanner", NoScannerError), ("odd", ServiceRefusedError)):
        found = at_service._refusal(json.dumps({"detail": "why", "kind": kind}).encode())
        assert (type(found), str(found)) == (error, "why")
    assert str(at_service._refusal(b"expected JSON\n")) == "expected JSON"
    assert str(at_service._refusal(b"")) == "the service refused without a reason"


def test_a_service_that_hangs_keeps_nobody_from_the_status(station, monkeypatch):
    monkeypatch.setattr(at_service, "_PATIENCE_S", 0.3)
    with listening_locally(station):
        desk = desk_of(station)
        assert isinstance(desk, ServiceDesk)
        assert desk.status().sessions == ()
        with pytest.raises(ServiceSilentError, match="did not answer"):
            desk.tell(1, Wish.PAUSE)


def test_a_service_that_went_away_meanwhile_is_told(station, sessions):
    with served(station):
        desk = desk_of(station)
    with pytest.raises(ServiceSilentError, match="the service has stopped"):
        desk.tell(1, Wish.PAUSE)


@pytest.fixture
def shared():
    folder = make_shared_folder()
    yield folder
    shutil.rmtree(folder)


class Household:
    """A station whose files belong to its service, and the commands of other users on it."""

    def __init__(self, folder, hosts=()):
        self.live = LiveStation(folder / "station", page={"port": 0}, scanners={"hosts": list(hosts)})
        self.live.program.write_text(GROUP_EXISTS + self.live.program.read_text())
        os.chown(self.live.root, 0, GROUP)
        self.live.root.chmod(0o2750)
        for file in self.live.root.iterdir():
            os.chown(file, 0, GROUP)

    def start(self):
        with self.live.log.open("ab") as log:
            self.live.service = subprocess.Popen(self.live.command, stdout=log, stderr=log, group=GROUP, umask=0o027)
        self.live.wait_for_page()
        return self.live

    def command(self, *arguments, caller=function_as_member):
        """Run a command as another user; return its exit status and what it printed."""
        return Done(**json.loads(caller(run_main, [*map(str, arguments), "--config", str(self.live.config)])))


@dataclass
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def run_main(arguments):
    """Run the program in this process, for the user of this process may not load it."""
    out, err = io.StringIO(), io.StringIO()
    os.environ["COLUMNS"] = "200"
    sys.argv = ["filmscand", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
            code = 0
        except SystemExit as left:
            code = left.code or 0
    print(json.dumps({"returncode": code, "stdout": out.getvalue(), "stderr": err.getvalue()}))


def load_everything():
    """Load what commands load when they need it: another user may not look where Python and its packages lie."""
    for found in pkgutil.walk_packages(filmscand.daemon.__path__, "filmscand.daemon."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    for arguments in (["status"], ["status", "--json"], ["reclean", "--failed"], ["devices", "--help"]):
        run_main([*arguments, "--config", "/nonexistent"])
    # What tables and HTTP load at the first use.
    show_table([Column("a", Kind.TEXT)], [("b",)])
    http.client.HTTPConnection("localhost")


@needs_root
@needs_sane
@pytest.mark.usefixtures("compiled_engine")
def test_a_user_who_is_only_in_the_group_scans_cleans_again_and_seals(shared):
    load_everything()
    with scanner(2) as virtual:
        house = Household(shared, [virtual.address])
        live = house.start()
        try:
            scanned = house.command("scan", "--roll", "r", "--json")
            assert (scanned.returncode, scanned.stderr) == (0, "")
            assert json.loads(scanned.stdout)["plan"]["operator"] == str(MEMBER)
            cleaned = house.command("reclean", "unsorted/unsorted/r", "--sensitivity", 0.9, "--json")
            assert [one["revision"] for one in json.loads(cleaned.stdout)["frames"]] == [2, 2]
            sealed = house.command("seal", "unsorted/unsorted/r", "--info", "Source-Organization: City Archive")
            assert (sealed.returncode, "2 frames" in sealed.stdout) == (0, True), sealed.stderr
            assert (live.station.archive / "unsorted/unsorted/r/bagit.txt").exists()
            again = house.command("scan", "--roll", "r")
            assert (again.returncode, "is sealed and takes nothing more" in again.stderr) == (1, True)
            status = house.command("status", "--json")
            assert (status.returncode, json.loads(status.stdout)["outcomes"]["archived"]) == (0, 2)
            stranger = house.command("scan", "--roll", "s", caller=as_stranger)
            assert (stranger.returncode, "Permission denied" in stranger.stderr) == (1, True)
        finally:
            live.service.send_signal(signal.SIGTERM)
            live.service.wait(30)
    alone = house.command("scan", "--roll", "s")
    assert (alone.returncode, "this user may not change the station" in alone.stderr) == (1, True)


@needs_sane
@pytest.mark.usefixtures("compiled_engine")
def test_a_jam_is_answered_from_another_command_through_the_service(tmp_path):
    with scanner(2, "jammed@start:1xall") as virtual:
        live = LiveStation(tmp_path, page={"port": 0})
        with running(live):
            live.wait_for_page()
            desk = desk_of(live.station)
            number = desk.order(SessionOrder(roll="r", device=virtual.device, frames=2))
            live.wait_for(lambda status: status.sessions[0].state == SessionState.ATTENTION)
            virtual.clear_faults()
            desk.tell(number, Wish.RESUME)
            live.wait_for_archived(2)
            assert live.stop() == 0
