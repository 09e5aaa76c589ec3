"""What tests of the replication ask for by name: a station with a sealed roll, and a server that speaks S3."""

from __future__ import annotations

import shutil
from contextlib import closing

import boto3
import pytest
from moto.server import ThreadedMotoServer

from filmscand.daemon.database.connection import open_database
from filmscand.daemon.station.configuration import Station
from support.sealed_rolls import station_with_roll


@pytest.fixture(scope="package")
def made_station(tmp_path_factory):
    """A station with a sealed roll of one frame; it is copied for each test."""
    return station_with_roll(tmp_path_factory.mktemp("made") / "station").root


@pytest.fixture
def make_station(made_station, tmp_path):
    """Make a station of the sealed roll with these targets; its folder is `station`."""

    def make(*replicate):
        shutil.copytree(made_station, tmp_path / "station", dirs_exist_ok=True)
        return Station(root=tmp_path / "station", watch=(), replicate=replicate)

    return make


@pytest.fixture
def station(make_station, tmp_path):
    """The station with one target, the folder `copies`."""
    (tmp_path / "copies").mkdir()
    return make_station({"name": "nas", "folder": tmp_path / "copies"})


@pytest.fixture
def connection(station):
    with closing(open_database(station.database)) as opened:
        yield opened


@pytest.fixture(scope="package")
def s3_server():
    """A server that speaks S3; its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """An empty bucket `film` on the server, and the environment that gives access to it; a client."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "AKIA-OF-THE-LAB",
        "AWS_SECRET_ACCESS_KEY": "S3CRET-of-the-lab",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=s3_server)
    client.create_bucket(Bucket="film")
    yield client
    for one in client.list_objects_v2(Bucket="film").get("Contents", ()):
        client.delete_object(Bucket="film", Key=one["Key"])
    client.delete_bucket(Bucket="film")
    client.close()
