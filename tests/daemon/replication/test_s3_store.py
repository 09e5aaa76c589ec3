"""Copies in a bucket, behind a network that fails: a real server that speaks S3, and a proxy that makes faults."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from filmscand.daemon.core.timing import ReplicateTiming
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.keeping.replicas import target_statuses
from filmscand.daemon.replication.replicator import Replicator
from filmscand.daemon.replication.s3_store import S3Store
from filmscand.daemon.replication.store import TargetError
from filmscand.daemon.station.sections.replicas import Replica
from support.faulty_proxy import faulty_proxy
from support.sealed_rolls import ROLL, begin, content, is_bag, seal_again

PATIENT = ReplicateTiming(retry_first_s=0.0, retry_cap_s=0.0, request_s=20.0)
# The machine that runs the tests may be slow itself: what has to work must not hang on this.
IMPATIENT = replace(PATIENT, request_s=0.4)


@pytest.fixture
def proxy(s3_server):
    with faulty_proxy(s3_server) as proxy:
        yield proxy


@pytest.fixture
def cloud(s3, proxy, make_station):
    """The station with a bucket behind the proxy; its replicator and a connection."""
    station = make_station({"name": "cloud", "url": "s3://film/lab", "endpoint": proxy.address})
    with closing(open_database(station.database)) as connection:
        begin(connection, station)
        yield station, Replicator(station.replicate[0], station, PATIENT, threading.Event()), connection


def fetched(s3, folder):
    """Copy the objects below the prefix into a folder."""
    for one in s3.list_objects_v2(Bucket="film", Prefix="lab/").get("Contents", ()):
        path = folder / one["Key"].removeprefix("lab/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket="film", Key=one["Key"])["Body"].read())
    return folder


def looks(replicator, connection, times=1):
    for _ in range(times):
        while replicator.look(connection):
            pass


def test_a_roll_is_copied_to_a_bucket_and_verified_there(cloud, s3, tmp_path):
    station, replicator, connection = cloud
    looks(replicator, connection)
    assert [(one.verified, one.error) for one in target_statuses(connection)] == [(1, None)]
    copies = fetched(s3, tmp_path / "fetched")
    assert content(copies / ROLL) == content(station.archive / ROLL)
    assert is_bag(copies / ROLL)


def test_a_roll_that_was_sealed_again_replaces_only_what_is_new_and_keeps_what_was(cloud, s3, tmp_path):
    station, replicator, connection = cloud
    looks(replicator, connection)
    at = {one["Key"]: one["LastModified"] for one in s3.list_objects_v2(Bucket="film")["Contents"]}
    old = content(fetched(s3, tmp_path / "old") / ROLL)
    seal_again(station, lambda folder: (folder / "data/notes.txt").write_text("upside down"))
    looks(replicator, connection)
    copies = fetched(s3, tmp_path / "new")
    assert content(copies / ROLL) == content(station.archive / ROLL)
    assert is_bag(copies / ROLL)
    assert set(old.values()) <= set(content(copies).values())
    now = {one["Key"]: one["LastModified"] for one in s3.list_objects_v2(Bucket="film")["Contents"]}
    raw = [key for key in now if key.endswith("_clean.tif")]
    assert raw
    assert [at[key] for key in raw] == [now[key] for key in raw]


@pytest.mark.parametrize("fault", ["500", "cut", "silent"])
def test_a_network_that_fails_is_told_and_the_copy_is_continued(cloud, proxy, s3, tmp_path, fault):
    station, replicator, connection = cloud
    proxy.fault = fault
    looks(Replicator(station.replicate[0], station, IMPATIENT, threading.Event()), connection)
    (status,) = target_statuses(connection)
    assert (status.verified, status.tries) == (0, 1)
    assert status.failing_since is not None
    assert "s3://film/lab" in status.error
    proxy.fault = ""
    looks(replicator, connection)
    (status,) = target_statuses(connection)
    assert (status.verified, status.tries, status.failing_since) == (1, 0, None)
    assert is_bag(fetched(s3, tmp_path / "fetched") / ROLL)


def test_faults_in_the_middle_cost_a_try_and_no_file(cloud, proxy, s3, tmp_path):
    station, _, connection = cloud
    replicator = Replicator(station.replicate[0], station, IMPATIENT, threading.Event())
    tries = 0
    while target_statuses(connection)[0].verified == 0:
        # The largest file has 200 kB: from some try on, each gets on by a file or more.
        proxy.left_bytes, proxy.fault = 20_000 + 40_000 * tries, ("500", "cut", "silent")[tries % 3]
        looks(replicator, connection)
        copies = fetched(s3, tmp_path / f"fetched{tries}")
        assert not (copies / ROLL / "bagit.txt").exists() or is_bag(copies / ROLL)
        tries += 1
        assert tries < 40
    assert set(proxy.met) == {"", "500", "cut", "silent"}
    assert content(copies / ROLL) == content(station.archive / ROLL)
    assert not (copies / ".filmscand/damaged").exists()


def test_a_server_that_is_slow_and_goes_on_is_waited_for(cloud, proxy, s3, tmp_path):
    _, replicator, connection = cloud
    proxy.fault = "slow"
    looks(replicator, connection)
    assert [one.verified for one in target_statuses(connection)] == [1]


def test_what_is_wrong_is_told_without_a_secret(cloud, proxy, s3_server, monkeypatch, caplog, s3):
    caplog.set_level(logging.DEBUG)
    _, replicator, connection = cloud
    store = S3Store(Replica(name="x", url="s3://no-such-bucket/lab", endpoint=s3_server), 5.0)
    with store.opened(), pytest.raises(TargetError, match=r"s3://no-such-bucket/lab at http.*bucket does not exist"):
        store.is_empty()
    proxy.fault = "cut"
    looks(replicator, connection)
    assert not [record for record in caplog.records if "S3CRET" in record.getMessage()]
    # Signatures and tokens stand in headers, which the libraries would log at these levels.
    libraries = {record.name.partition(".")[0] for record in caplog.records if record.levelno < logging.WARNING}
    assert not libraries & {"botocore", "aiobotocore", "s3fs"}


def test_without_the_extra_the_message_says_what_to_install(tmp_path):
    script = (
        "import sys; sys.modules['s3fs'] = None\n"
        "from filmscand.daemon.replication.s3_store import S3Store\n"
        "from filmscand.daemon.station.sections.replicas import Replica\n"
        "with S3Store(Replica(name='x', url='s3://bucket'), 1.0).opened(): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "needs the package s3fs, which is missing" in done.stderr
    assert "the extra `s3` of filmscand" in done.stderr
