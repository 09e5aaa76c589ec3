"""One service for each station."""

import os
import subprocess
import sys

import pytest

from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import StationBusyError, sole_import, sole_process

HOLD = """
import sys
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import sole_process
with sole_process(Station(root=sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def station(tmp_path):
    return Station(root=tmp_path)


def test_a_second_service_is_refused_with_the_number_of_the_first(station, tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        refused = rf"^{tmp_path}: another service \(process {first.pid}\) runs this station"
        with pytest.raises(StationBusyError, match=refused), sole_process(station):
            pass
        first.kill()
        first.wait()
        # The kernel has released the lock of the killed process.
        with sole_process(station):
            assert (tmp_path / "station.db.lock").read_text() == f"{os.getpid()}\n"


def test_the_lock_is_free_again_after_use(station):
    for _ in range(2):
        with sole_process(station):
            pass


def test_one_import_works_beside_the_service_and_a_second_one_is_refused(station, tmp_path):
    with sole_process(station), sole_import(station):
        refused = rf"^{tmp_path}: another import \(process {os.getpid()}\) runs"
        with pytest.raises(StationBusyError, match=refused), sole_import(station):
            pass
