"""Frames that are out on a cluster, in the station's database and beside its service."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing

import pytest

from filmscand.daemon.bulk.recleaning.cluster.holdings import Holdings
from filmscand.daemon.bulk.recleaning.cluster.task import Answer
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.errors import Fault
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobOutcome, JobState, find_frame, held_frames
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import Changes
from support.cleaned_station import CleanedStation
from support.live_station import running
from support.many_frames import frame, revisions, station_with, write_blank

pytestmark = pytest.mark.usefixtures("compiled_engine")
HOLD = """
import sys, time
from contextlib import closing
from pathlib import Path
from filmscand.daemon.bulk.recleaning.cluster.holdings import Holdings
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.identity import bound_archive
from filmscand.daemon.maintenance.reclean import Changes
from filmscand.daemon.station.configuration import load_station
station = load_station(Path(sys.argv[1]))
with closing(open_database(station.database)) as connection:
    Holdings(connection, bound_archive(station, connection), Changes(sensitivity=0.9)).take([1])
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def live(tmp_path):
    return station_with(tmp_path, 2, write_blank)


def test_what_comes_back_is_entered_as_a_worker_of_the_station_does_it(live):
    with closing(open_database(live.station.database)) as connection:
        archive = bound_archive(live.station, connection)
        holdings = Holdings(connection, archive, Changes(sensitivity=0.9))
        one, two = holdings.take([1, 2])
        result = clean_into_archive(archive, one.job.frame, one.job.request)
        holdings.enter([(one, Answer(result)), (two, Answer(None, "ValueError: broken", Fault.FRAME))])
        jobs = [find_frame(connection, frame(number)) for number in (1, 2)]
        assert [job.outcome for job in jobs] == [JobOutcome.ARCHIVED, JobOutcome.FAILED]
        assert (jobs[0].result.revision, jobs[1].error) == (2, "ValueError: broken")
    assert CleanedStation(live.root).problems() == ()


def test_what_a_share_kept_from_being_cleaned_and_what_is_still_out_is_queued_again(live):
    with closing(open_database(live.station.database)) as connection:
        holdings = Holdings(connection, bound_archive(live.station, connection), Changes(sensitivity=0.9))
        one, _ = holdings.take([1, 2])
        holdings.enter([(one, Answer(None, "ArchiveMissingError: away", Fault.WORLD))])
        holdings.let_go()
        jobs = [find_frame(connection, frame(number)) for number in (1, 2)]
        assert [(job.state, job.request.sensitivity) for job in jobs] == [(JobState.QUEUED, 0.9)] * 2


def test_the_service_leaves_a_frame_to_a_living_command_and_takes_it_when_the_command_died(live):
    command = [sys.executable, "-c", HOLD, str(live.config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "holds\n"
        with running(live):
            live.wait_for(lambda status: status.service.running)
            live.stop()
            live.start()
            live.wait_for(lambda status: status.service.running and status.service.pid == live.service.pid)
            assert holder.poll() is None
            with closing(open_database(live.station.database)) as connection:
                (held,) = held_frames(connection)
            assert (held.worker.pid, held.is_elsewhere) == (holder.pid, True)
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait()
            live.wait_for_archived(2)
    assert revisions(live, frame(1)) == [(1, 0.5), (2, 0.9)]
