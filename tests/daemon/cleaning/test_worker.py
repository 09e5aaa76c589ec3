"""Worker processes: real ones, with real frames, killed, frozen and starved."""

import os
import shutil
import signal
import time
from contextlib import closing
from pathlib import Path

import pytest

import filmscand.ir
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.worker import Worker, WorkerPlan
from filmscand.daemon.cleaning.worker_pool import WorkerPool
from filmscand.daemon.core.process_id import ProcessId, identify, is_alive, this_process
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.frames import JobOutcome, JobState, Roll, SourceFile, find_job, held_frames
from filmscand.daemon.database.keeping.audits import Audits, Damage, Part
from filmscand.daemon.database.queue import MAX_DEATHS, Queue
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import Cleaning, LogLevel, Station
from support.live_station import leftovers, write_blank, write_inside, write_picture

pytestmark = pytest.mark.usefixtures("compiled_engine")
TIMING = Timing(worker_poll_s=0.1, retry_first_s=0.1, retry_cap_s=0.2)
LARGE = {"rows": 800, "cols": 1200}


class Line:
    """Frames in line, and the worker pool that works on them."""

    def __init__(self, root):
        self.root = root
        self.archive = Archive(root / "archive")
        self.connection = connect_station(Station(root=root))
        self.queue = Queue(self.connection)
        self.worker_pool = None
        self.losses = []

    def add(self, seed, *, write=write_inside, **size):
        source = write(self.root / f"{seed}.tif", seed, **size)
        request = CleanRequest(film="slide")
        files = [SourceFile("raw", f"sha-{seed}", source.stat().st_size, source.name)]
        job = self.queue.reserve(Roll("c", "b", "r"), 1, files, request)
        stored = self.archive.copy_original(job.frame, source, Role.RAW)
        return self.queue.enqueue(job.job_id, request.model_copy(update={"originals": (stored,)}))

    def start(self, timing=TIMING, memory_limit_mib=2048, count=1, cleaning=None):
        self.worker_pool = WorkerPool(self.plan(timing, memory_limit_mib, cleaning), count)

    def plan(self, timing=TIMING, memory_limit_mib=2048, cleaning=None):
        return WorkerPlan(
            database=self.root / "station.db",
            archive=self.archive.root,
            threads=1,
            memory_limit_bytes=memory_limit_mib << 20,
            supervisor_pid=os.getpid(),
            log_level=LogLevel.WARNING,
            timing=timing,
            cleaning=cleaning or Cleaning(),
        )

    def run(self, until, at_most_s=60.0):
        deadline_s = time.monotonic() + at_most_s
        while not until():
            assert time.monotonic() < deadline_s
            self.worker_pool.fill()
            self.losses += self.worker_pool.collect(self.queue)
            self.worker_pool.kill_overdue(held_frames(self.connection))
            time.sleep(0.005)

    def job(self, job):
        return find_job(self.connection, job.job_id)

    def finished(self, *jobs):
        return all(self.job(job).state is JobState.FINISHED for job in jobs)

    def worker_at(self, job):
        """Wait until a worker holds the frame; return the worker."""
        self.run(lambda: any(held.job.job_id == job.job_id for held in held_frames(self.connection)))
        return held_frames(self.connection)[0].worker


@pytest.fixture
def line(tmp_path):
    made = Line(tmp_path)
    with closing(made.connection):
        yield made
        if made.worker_pool is not None:
            made.worker_pool.stop(made.queue, 0.0)


def test_a_frame_in_line_is_cleaned_and_its_figures_are_kept(line):
    job = line.add(1)
    line.start()
    line.run(lambda: line.finished(job))
    done = line.job(job)
    assert done.outcome is JobOutcome.ARCHIVED
    assert line.archive.verify(done.frame) == ()
    assert done.result.revision == 1
    assert {"leakage", "threshold", "defects_found"} <= set(done.result.report.model_fields_set)
    assert done.result.seconds["total"] > 0


def test_a_frame_whose_roll_is_frozen_meanwhile_is_given_back_without_another_alarm(line):
    line.add(1)
    lease = line.queue.take(this_process(), 60.0)
    Audits(line.connection).note(Part("c", "b", "r", 9), [Damage("data/r_0009/r_0009_raw.tif", "missing", "gone")])
    Worker(line.plan(), line.connection, None)._clean(lease)
    job = line.job(lease.job)
    assert (job.state, "the roll is frozen" in job.error) == (JobState.QUEUED, True)
    assert Alarms(line.connection).standing() == []
    assert line.queue.take(this_process(), 60.0) is None


def test_a_frame_that_cannot_be_read_fails_alone(line):
    bad, good = line.add(1), line.add(2)
    raw = line.archive.frame_folder(bad.frame).original(Role.RAW)
    raw.unlink()
    raw.write_bytes(b"no picture at all, whatever is tried")
    line.start()
    line.run(lambda: line.finished(bad, good))
    assert line.job(bad).outcome is JobOutcome.FAILED
    assert str(raw) in line.job(bad).error
    assert line.job(good).outcome is JobOutcome.ARCHIVED
    assert line.losses == []


def test_a_frame_that_kills_its_worker_three_times_is_set_aside_and_the_rest_is_archived(line):
    killer, good = line.add(1, **LARGE), line.add(2)
    line.start()
    for _ in range(MAX_DEATHS):
        deaths = line.job(killer).deaths
        os.kill(line.worker_at(killer).pid, signal.SIGKILL)
        line.run(lambda deaths=deaths: line.job(killer).deaths > deaths)
    line.run(lambda: line.finished(good))
    assert line.job(killer).outcome is JobOutcome.SET_ASIDE
    assert line.job(killer).error == "its worker was killed by SIGKILL"
    assert line.job(good).outcome is JobOutcome.ARCHIVED
    line.archive.remove_leftovers([killer.frame])
    assert leftovers(line.root) == []


def test_a_frame_that_needs_more_memory_than_allowed_takes_nothing_else_along(line):
    glutton, modest = line.add(1, rows=2800, cols=4000), line.add(2)
    line.start(memory_limit_mib=1)
    line.run(lambda: line.finished(glutton, modest))
    assert line.job(glutton).outcome is JobOutcome.SET_ASIDE
    assert "workers.memory_limit_mib" in line.job(glutton).error
    assert line.job(modest).outcome is JobOutcome.ARCHIVED


def test_a_frozen_worker_is_killed_when_its_lease_runs_out_and_another_one_takes_over(line):
    job = line.add(1, **LARGE)
    line.start(timing=Timing(lease_s=3.0, worker_poll_s=0.1))
    frozen = line.worker_at(job)
    os.kill(frozen.pid, signal.SIGSTOP)
    line.run(lambda: line.finished(job))
    assert not is_alive(frozen)
    assert line.job(job).outcome is JobOutcome.ARCHIVED
    assert [loss.reason for loss in line.losses] == ["killed: no heartbeat"]


def test_a_frame_that_takes_too_long_is_stopped_and_counted(line):
    job = line.add(1, **LARGE)
    line.start(timing=Timing(frame_limit_s=0.02, worker_poll_s=0.1, retry_first_s=0.1))
    line.run(lambda: line.finished(job))
    assert line.job(job).outcome is JobOutcome.SET_ASIDE
    assert line.job(job).error == "killed: the frame took longer than 0.02 s"


def test_an_archive_that_cannot_be_written_sends_the_frame_back_with_an_alarm(line):
    job = line.add(1)
    folder = line.archive.frame_folder(job.frame).path
    blocked = folder / f"{job.frame.stem}_r01_clean.tif"
    blocked.mkdir()
    line.start()
    line.run(lambda: line.job(job).retries >= 2)
    assert [alarm.key for alarm in Alarms(line.connection).standing()] == ["archive"]
    blocked.rmdir()
    line.run(lambda: line.finished(job))
    assert line.job(job).outcome is JobOutcome.ARCHIVED
    assert Alarms(line.connection).standing() == []


def test_a_worker_pool_that_is_stopped_finishes_the_frame_at_hand(line):
    job = line.add(1, **LARGE)
    line.start()
    line.worker_at(job)
    assert line.worker_pool.stop(line.queue, 30.0) == []
    assert line.job(job).outcome is JobOutcome.ARCHIVED


def test_a_worker_pool_that_may_not_wait_gives_the_frame_back_unblamed(line):
    job = line.add(1, **LARGE)
    line.start()
    line.worker_at(job)
    assert [given.job_id for given in line.worker_pool.stop(line.queue, 0.0)] == [job.job_id]
    assert (line.job(job).state, line.job(job).deaths, line.job(job).interruptions) == (JobState.QUEUED, 0, 0)


def test_a_process_is_known_by_number_and_birth():
    me = this_process()
    assert is_alive(me)
    assert not is_alive(ProcessId(me.pid, me.born - 1))
    assert identify(2**22 + 1) is None


def test_while_a_model_is_gone_only_the_frames_that_need_it_wait_and_they_are_cleaned_when_it_is_back(line, tmp_path):
    model = tmp_path / "own.onnx"
    needy, plain = line.add(1, write=write_picture), line.add(2, write=write_blank)
    line.start(cleaning=Cleaning(detector_model=model))
    line.run(lambda: line.finished(plain) and line.job(needy).retries > 0)
    assert line.job(plain).outcome is JobOutcome.ARCHIVED
    assert not line.finished(needy)
    (alarm,) = Alarms(line.connection).standing()
    assert alarm.key == "model"
    assert str(model) in alarm.message
    assert "cleaning.detector_model" in alarm.message
    shutil.copy(Path(filmscand.ir.__file__).parent / "models" / "defects.onnx", model)
    line.run(lambda: line.finished(needy))
    assert line.job(needy).outcome is JobOutcome.ARCHIVED
    assert Alarms(line.connection).standing() == []


def test_a_model_that_is_gone_is_told_before_a_frame_needs_it_and_no_longer_when_it_is_back(line, tmp_path):
    model = tmp_path / "own.onnx"
    line.start(cleaning=Cleaning(detector_model=model))
    alarms = Alarms(line.connection)
    line.run(lambda: alarms.count() == 1)
    (alarm,) = alarms.standing()
    assert alarm.key == "model"
    assert f"{model}: expected a model" in alarm.message
    assert "cleaning.detector_model" in alarm.message
    model.write_bytes(b"looked into when a frame needs it")
    line.run(lambda: alarms.count() == 0)
