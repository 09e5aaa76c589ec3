"""A roll is cleaned again on a Dask cluster of real processes, of which one is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

import filmscand
from bench.measures.dask_cluster import ONE_THREAD, DaskCluster
from filmscand.daemon.bulk.recleaning.cluster import run
from filmscand.daemon.bulk.recleaning.cluster.run import (
    Cluster,
    ClusterMissingError,
    SchedulerSilentError,
    clean_on_cluster,
    task_key,
)
from filmscand.daemon.bulk.recleaning.cluster.task import Order
from filmscand.daemon.bulk.recleaning.plan import Plan
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState, count_frames
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.station.configuration import Cleaning
from filmscand.daemon.station.marker import Identity
from filmscand.ir import engine_identity
from support.cleaned_station import CleanedStation
from support.live_station import LiveStation, leftovers
from support.many_frames import frame, revisions, station_with, write_blank

FRAMES = 30
ENVIRONMENT = {**os.environ, **ONE_THREAD}


def another_engine(folder):
    """Return the environment of a process that has another engine than this one."""
    package = folder / "copy" / "filmscand"
    shutil.copytree(Path(filmscand.__file__).parent, package, ignore=shutil.ignore_patterns("*.nbi", "*.nbc"))
    (package / "ir" / "models" / "another.json").write_text("{}")
    return {"PYTHONPATH": str(package.parent)}


def reclean(live, cluster):
    command = [sys.executable, "-m", "filmscand.daemon.cli", "reclean", "unsorted", "--sensitivity", "0.9", "--json"]
    options = ["--scheduler", cluster.address, "--config", str(live.config)]
    return subprocess.Popen(
        [*command, *options], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.usefixtures("compiled_engine")
def test_each_frame_gets_one_revision_although_a_worker_is_killed_and_one_has_another_engine(tmp_path):
    live = station_with(tmp_path / "station", FRAMES, write_blank)
    with DaskCluster(tmp_path) as cluster:
        killed = cluster.add_worker("one")
        cluster.add_worker("two")
        cluster.add_worker("odd", another_engine(tmp_path))
        process = reclean(live, cluster)
        while len(list(live.station.archive.rglob("*_r02_access.jpg"))) < FRAMES // 2:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        out, errors = process.communicate(timeout=120)
        assert (process.returncode, "Traceback" in errors) == (0, False), errors
        again, _ = reclean(live, cluster).communicate(timeout=60)
    report = json.loads(out)
    assert sorted(one["frame"] for one in report["frames"]) == [str(frame(number)) for number in range(1, FRAMES + 1)]
    assert {(one["outcome"], one["revision"]) for one in report["frames"]} == {("archived", 2)}
    for name in map(frame, range(1, FRAMES + 1)):
        assert revisions(live, name) == [(1, 0.5), (2, 0.9)]
        assert live.archive.read_sidecar(name).latest.engine == engine_identity().label
    assert CleanedStation(live.root).problems() == ()
    assert leftovers(live.station.archive) == []
    with closing(open_database(live.station.database)) as connection:
        assert count_frames(connection) == {(JobState.FINISHED, JobOutcome.ARCHIVED): FRAMES}
    assert "refused worker odd at tcp://127.0.0.1:" in errors
    assert f"expected engine {engine_identity().label}, found" in errors
    assert json.loads(again)["done"] == FRAMES


def test_tasks_are_named_by_frame_originals_settings_and_engine():
    order = Order(Path("/archive"), Identity("a", "s"), "0.1 abc", frame(1), CleanRequest(), Cleaning())

    def key(**changes):
        return task_key(Order(**{**{name: getattr(order, name) for name in Order.__slots__}, **changes}))

    others = [
        key(frame=frame(2)),
        key(request=CleanRequest(sensitivity=0.9)),
        key(cleaning=Cleaning(detector="off")),
        key(engine="0.2 def"),
    ]
    assert len({key(), *others}) == 5
    assert key(request=CleanRequest(flags=("pair_timeout",))) == key()


def test_without_the_extra_the_command_names_it(monkeypatch):
    monkeypatch.setattr(run, "find_spec", lambda _: None)
    with pytest.raises(ClusterMissingError, match=r"pip install 'distributed>=2025.3' \(the extra `cluster`"):
        run.require_cluster()


def test_an_address_where_no_scheduler_answers_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "_CONNECT_S", 0.2)
    station = LiveStation(tmp_path).station
    with closing(connect_station(station)) as connection:
        cluster = Cluster("tcp://127.0.0.1:1", station, connection, Changes())
        with pytest.raises(SchedulerSilentError, match=r"tcp://127\.0\.0\.1:1: no Dask scheduler answers"):
            list(clean_on_cluster(Plan(), cluster))
