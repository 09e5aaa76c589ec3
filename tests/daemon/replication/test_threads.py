"""The threads of the replication: beside each other, stopped, killed, and as a part of the service."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import closing

import pytest

from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import open_database, open_to_read
from filmscand.daemon.database.keeping.replicas import replicas_of_roll, target_statuses
from filmscand.daemon.replication.threads import Replication
from support.live_station import LiveStation, leftovers, running, write_blank
from support.sealed_rolls import ROLL, begin, content, is_bag

TIMING = ReplicateTiming(poll_s=0.05, retry_first_s=0.05, retry_cap_s=0.1, alarm_s=0.2)
# Copies in a process of its own for each line on stdin, and kills it after so many seconds.
KILLED = """
import os, signal, sys, threading, time
from contextlib import closing
from pathlib import Path
from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.replication.replicator import Replicator
from filmscand.daemon.station.configuration import Station
root, copies = map(Path, sys.argv[1:])
station = Station(root=root, watch=(), replicate=[{"name": "nas", "folder": copies}])
def copy():
    with closing(reopen_database(station.database)) as connection:
        replicator = Replicator(station.replicate[0], station, ReplicateTiming(), threading.Event())
        while True:
            replicator.look(connection) or time.sleep(0.01)
for line in sys.stdin:
    process = os.fork()
    if process == 0:
        copy()
    time.sleep(float(line))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    print("killed", flush=True)
"""


def wait_until(what, at_most_s=30.0):
    deadline_s = time.monotonic() + at_most_s
    while not what():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


@pytest.fixture
def started():
    """Start the replication of a station; it is stopped at the end."""
    begun = []

    def start(station):
        replication = Replication(station, TIMING)
        with closing(open_database(station.database)) as connection:
            replication.start(connection)
        begun.append(replication)
        return replication

    yield start
    for replication in begun:
        replication.ask_to_stop()
        assert replication.join(30.0)


def statuses(station):
    with closing(open_to_read(station.database)) as connection:
        return {one.target: one for one in target_statuses(connection)}


def test_a_target_that_fails_delays_no_other(make_station, tmp_path, started):
    (tmp_path / "good").mkdir()
    station = make_station({"name": "bad", "folder": tmp_path / "gone"}, {"name": "good", "folder": tmp_path / "good"})
    started(station)
    wait_until(lambda: statuses(station)["good"].verified == 1)
    assert is_bag(tmp_path / "good" / ROLL)
    with closing(open_to_read(station.database)) as connection:
        wait_until(lambda: [alarm.key for alarm in Alarms(connection).standing()] == ["replica:bad"])
    (tmp_path / "gone").mkdir()
    wait_until(lambda: statuses(station)["bad"].verified == 1)
    assert is_bag(tmp_path / "gone" / ROLL)


def test_a_target_that_is_no_longer_configured_is_forgotten_with_its_alarms(make_station, tmp_path, started):
    station = make_station({"name": "old", "folder": tmp_path / "gone"})
    first = started(station)
    with closing(open_to_read(station.database)) as connection:
        wait_until(lambda: Alarms(connection).standing())
        first.ask_to_stop()
        assert first.join(30.0)
        started(station.model_copy(update={"replicate": ()}))
        assert (target_statuses(connection), Alarms(connection).standing()) == ((), [])
        assert replicas_of_roll(connection, ROLL) == []


def test_the_threads_are_polite(make_station, tmp_path, started):
    (tmp_path / "copies").mkdir()
    station = make_station({"name": "nas", "folder": tmp_path / "copies"})
    thread = started(station)._threads[0]
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, thread.native_id) == 10)


def test_a_process_that_is_killed_at_any_moment_leaves_no_half_bag_and_is_continued(station, connection, tmp_path):
    copies, moments, inodes = tmp_path / "copies" / ROLL, random.Random(7), {}
    home = content(station.archive / ROLL)
    begin(connection, station)
    command = [sys.executable, "-c", KILLED, str(station.root), str(tmp_path / "copies")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(100):
            print(moments.uniform(0.01, 0.1), file=process.stdin, flush=True)
            assert process.stdout.readline() == "killed\n"
            assert not (copies / "bagit.txt").exists() or is_bag(copies)
            there = {name: (copies / name).stat().st_ino for name in content(copies) if not name.endswith(".part")}
            # What has its name is whole, and is never sent again.
            assert all(content(copies)[name] == home[name] for name in there)
            assert inodes.items() <= there.items()
            inodes = there
            if target_statuses(connection)[0].verified:
                break
        process.stdin.close()
    assert content(copies) == home
    assert leftovers(tmp_path / "copies") == []
    assert not (tmp_path / "copies/.filmscand/damaged").exists()


def test_a_source_stays_until_its_roll_was_sealed_and_copied_and_goes_then_also_after_a_restart(
    tmp_path, compiled_engine
):
    copies = tmp_path / "copies"
    watch = {"release_when": "replicated", "source_policy": "move"}
    live = LiveStation(tmp_path / "live", watch, replicate=[{"name": "nas", "folder": str(copies)}])
    source = write_blank(live.drop / "r" / "scan.tif", 1)
    with running(live):
        live.wait_for_archived(1)
        assert source.exists()
        seal = [
            sys.executable,
            "-m",
            "filmscand.daemon.cli",
            "seal",
            "unsorted/unsorted/r",
            "--config",
            str(live.config),
        ]
        done = subprocess.run(seal, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        # The disk of the copies is not mounted yet.
        live.wait_for(lambda status: status.replication[0].failing_since)
        assert source.exists()
        live.kill()
    copies.mkdir()
    with running(live):
        live.wait_for(lambda status: status.replication[0].verified == 1 and not status.replication[0].failing_since)
        wait_until(lambda: not source.exists())
        assert live.stop() == 0
    assert is_bag(copies / "unsorted/unsorted/r")
    (moved,) = [path for path in (live.drop / "_done").rglob("*") if path.is_file()]
    raw = next((copies / "unsorted/unsorted/r").rglob("*_raw.tif"))
    assert moved.read_bytes() == raw.read_bytes()
    shutil.rmtree(copies)
