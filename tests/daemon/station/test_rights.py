"""A member of the group drops what the service may not move: the command that opens it, typed as it is told."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import closing
from datetime import date
from functools import partial
from pathlib import PurePosixPath

import pytest

from filmscand.daemon.archive.files.source_file import hash_below
from filmscand.daemon.core.errors import SourceUnreadableError
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database, open_to_read
from filmscand.daemon.ingest.watching.put_away import PutAwayError, move_to_done
from filmscand.daemon.ingest.watching.watch import sweep
from filmscand.daemon.maintenance.doctor import examine
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.rights import NotYourStationError, require_changeable, way_out
from support.like_the_unit import forbid_setgid_bits
from support.two_users import (
    GROUP,
    MEMBER,
    SERVICE,
    STRANGER,
    as_member,
    as_service,
    function_as_member,
    make_shared_folder,
    make_watch_folder,
    needs_root,
)

pytestmark = needs_root


def put_away(root, *, like_the_unit=False):
    """Do what one sweep of the service does with every file, without a database."""
    if like_the_unit:
        forbid_setgid_bits()
    closed = []
    for path in sweep(root, lambda path, error: closed.append(path)):
        try:
            hash_below(root, path)
            move_to_done(root, path, date(2026, 11, 28))
        except SourceUnreadableError:
            closed.append(path)
        except PutAwayError as error:
            print(error)
    for path in closed:
        print(way_out(root, PurePosixPath(path), write=False))


SCANS = "mkdir -p ~scans/roll/sub; echo a > ~scans/roll/a.tif; echo b > ~scans/roll/sub/b.tif; echo c > ~scans/c.tif; "
DROPS = {
    "cp": "cp ~scans/c.tif drop/",
    "cp of a file for its owner only": "chmod 600 ~scans/c.tif; cp ~scans/c.tif drop/",
    "mv": "mv ~scans/c.tif drop/",
    "mv of a file for its owner only": "chmod 600 ~scans/c.tif; mv ~scans/c.tif drop/",
    "mkdir": "mkdir drop/roll; cp ~scans/c.tif drop/roll/",
    "mkdir with umask 077": "umask 077; mkdir drop/roll; cp ~scans/c.tif drop/roll/",
    "cp -r": "cp -r ~scans/roll drop/",
    "cp -r of a folder for its owner only": "chmod 700 ~scans/roll; cp -r ~scans/roll drop/",
    "cp -r with umask 077": "umask 077; cp -r ~scans/roll drop/",
    "cp -a": "cp -a ~scans/roll drop/",
    "mv of a folder": "mv ~scans/roll drop/",
    "mv of a folder for its owner only": "chmod -R go= ~scans/roll; mv ~scans/roll drop/",
    "mv of a folder into one that was made": "mkdir drop/made; mv ~scans/roll drop/made/",
    "mv of a file for its owner only into one that was made": "mkdir drop/made; chmod 600 ~scans/c.tif; "
    "mv ~scans/c.tif drop/made/",
    "tar": "tar -C ~scans -cf - roll | tar -C drop -xf -",
    "a name with blanks": 'mv ~scans/roll "drop/Anna\'s roll"',
    "_done made by the member": "mkdir -m 755 drop/_done; cp ~scans/c.tif drop/",
}


@pytest.fixture
def shared():
    folder = make_shared_folder()
    (folder / "scans").mkdir()
    os.chown(folder / "scans", MEMBER, MEMBER)
    yield folder
    shutil.rmtree(folder)


def drop(shared, deed):
    as_member((SCANS + deed).replace("~scans", "scans"), shared)


def commands_told(text):
    return list(dict.fromkeys(re.findall(r"lets the service in by: (.*)$", text, re.MULTILINE)))


def left(folder):
    """The files of a watch folder outside of `_done`."""
    return [file for file in folder.rglob("*.tif") if "_done" not in file.parts]


@pytest.mark.parametrize("acl", [True, False], ids=["with ACL", "without ACL"])
@pytest.mark.parametrize("deed", DROPS.values(), ids=DROPS)
def test_whatever_a_member_drops_goes_to_done_at_the_latest_after_the_command_that_is_told(shared, deed, acl):
    watch = make_watch_folder(shared, acl=acl)
    drop(shared, deed)
    told = as_service(put_away, watch)
    for command in commands_told(told):
        as_member(command, "/")
    if told:
        assert commands_told(told), told
        assert as_service(put_away, watch) == ""
    assert left(watch) == []
    assert list((watch / "_done").rglob("*.tif"))
    as_member("rm -r drop/_done/2026-11-28", shared)


def test_with_the_acl_of_the_unit_a_made_folder_needs_no_command(shared):
    watch = make_watch_folder(shared)
    drop(shared, DROPS["mkdir with umask 077"])
    assert as_service(put_away, watch) == ""
    assert left(watch) == []


def test_the_message_names_owner_file_and_the_shortest_command(shared):
    watch = make_watch_folder(shared)
    drop(shared, DROPS["cp -r"])
    told = as_service(put_away, watch).splitlines()
    roll = watch / "roll"
    assert told[0].startswith(
        f"{roll}/a.tif: cannot be moved to _done/2026-11-28: Permission denied for user {SERVICE}. {roll} belongs"
    )
    assert told[0].endswith(f"{roll} belongs to user {MEMBER}, who lets the service in by: chmod -R g+rwX {roll}")
    assert told[1].endswith(f"by: chmod -R g+rwX {roll}")


def test_a_watch_folder_of_a_group_without_the_service_is_opened_by_an_acl(shared):
    watch = make_watch_folder(shared, acl=False, group=STRANGER)
    watch.chmod(0o2777)
    as_member("mkdir -m 755 drop/roll; echo a > drop/roll/a.tif", shared)
    told = as_service(put_away, watch)
    assert commands_told(told) == [f"setfacl -R -m u:{SERVICE}:rwX {watch}/roll"]


@pytest.mark.parametrize("group", [GROUP, STRANGER], ids=["its own group", "another of its groups"])
def test_members_may_tidy_done_although_systemd_forbids_the_setgid_bit(shared, group):
    watch = make_watch_folder(shared, acl=False, group=group)
    (watch / "roll").mkdir()
    (watch / "roll" / "a.tif").write_text("counts")
    for folder in (watch, watch / "roll"):
        os.chown(folder, SERVICE, group)
        folder.chmod(0o2770)
    os.chown(watch / "roll" / "a.tif", SERVICE, group)
    assert as_service(partial(put_away, like_the_unit=True), watch, groups=(GROUP, STRANGER)) == ""
    for folder in ("_done", "_done/2026-11-28", "_done/2026-11-28/roll"):
        found = (watch / folder).stat()
        assert (found.st_mode & 0o770, found.st_gid) == (0o770, group)


def read_alarms(database):
    with closing(open_to_read(database)) as connection:
        print([alarm.key for alarm in Alarms(connection).standing()])


def change(root):
    try:
        require_changeable(Station(root=root))
        print("may")
    except NotYourStationError as error:
        print(error)


def look_after(root):
    for check in examine(Station(root=root)):
        print(f"{check.verdict}: {check.name}: {check.found}: {check.advice}")


def leave_database(database, end):
    connection = open_database(database)
    Alarms(connection).raise_alarm("key", "message")
    if end == "stopped":
        connection.close()


@pytest.fixture
def station(shared):
    root = shared / "station"
    for folder in (root, root / "archive"):
        folder.mkdir()
        os.chown(folder, SERVICE, GROUP)
        folder.chmod(0o750)
    return root


@pytest.mark.parametrize("end", ["stopped", "killed"])
def test_a_member_reads_the_database_while_no_service_runs(station, end):
    as_service(leave_database, station / "station.db", end)
    assert function_as_member(read_alarms, station / "station.db") == "['key']\n"


def test_a_member_may_not_change_the_station_and_is_told_who_may(station):
    as_service(leave_database, station / "station.db", "stopped")
    told = function_as_member(change, station)
    assert told.startswith(f"{station}/station.db: this user may not change the station: the station belongs to ")
    assert f"runuser -u {SERVICE} -- env FILMSCAND_STATION={station} filmscand ..." in told
    assert as_service(change, station) == "may\n"


def test_a_station_that_this_user_makes_may_be_changed(shared):
    assert as_service(change, shared / "scans" / "new") == "may\n"


def test_what_a_member_may_not_write_is_no_fault_of_the_station(station):
    as_service(leave_database, station / "station.db", "stopped")
    make_watch_folder(station)
    examine(Station(root=station))  # loads what the member may not
    found = function_as_member(look_after, station)
    assert "failed" not in re.findall(r"^(\w+): (?:archive|database|drop)", found, re.MULTILINE)
    assert re.search(r"^warning: archive: .*not known for the service: the station belongs to", found, re.MULTILINE)
