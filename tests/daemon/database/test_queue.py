"""The durable queue: what a frame may go through, and what a kill leaves of it."""

import multiprocessing
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.process_id import ProcessId, this_process
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.core.retry import MAX_BACKOFF_S, backoff_s
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import (
    NEXT_STATES,
    JobOutcome,
    JobState,
    SourceFile,
    count_frames,
    find_job,
    held_frames,
    last_finished,
    sources_of,
)
from filmscand.daemon.database.queue import (
    MAX_DEATHS,
    DuplicateSourceError,
    LeaseLostError,
    Queue,
    QueueError,
    WrongStateError,
)
from support.queue_rows import OTHER, RESULT, ROLL, WORKER, enqueue, picture, reserve


def test_numbers_follow_the_database_and_the_archive(queue):
    assert reserve(queue, "a").frame == FrameId("museum", "box-1", "roll-a", 1)
    assert reserve(queue, "b").frame.number == 2
    assert reserve(queue, "c", at_least=40).frame.number == 40
    assert reserve(queue, "d").frame.number == 41


def test_a_dropped_reservation_frees_its_number_and_its_picture(queue):
    queue.drop(reserve(queue, "a").job_id)
    assert reserve(queue, "a").frame.number == 1


def test_the_same_picture_is_never_taken_twice(queue):
    first = enqueue(queue, "a")
    with pytest.raises(DuplicateSourceError, match="roll-a_0001") as refused:
        reserve(queue, "a")
    assert refused.value.job_id == first.job_id


def test_two_frames_may_have_the_same_infrared(queue, connection):
    blank = SourceFile("infrared", "sha-of-blank", 500, "blank_ir.tif")
    for name in ("a", "b"):
        job = queue.reserve(ROLL, 1, [picture(name), blank], CleanRequest())
        assert sources_of(connection, job.job_id) == [picture(name), blank]


def test_a_frame_is_taken_cleaned_and_finished(queue, connection):
    job = enqueue(queue, "a")
    lease = queue.take(WORKER, 60.0)
    assert lease.job.job_id == job.job_id
    assert lease.job.request == CleanRequest(sensitivity=0.5)
    assert queue.take(OTHER, 60.0) is None
    done = queue.finish(lease, RESULT)
    assert (done.state, done.outcome, done.result) == (JobState.FINISHED, JobOutcome.ARCHIVED, RESULT)
    assert last_finished(connection, 5) == [done]
    assert count_frames(connection) == {(JobState.FINISHED, JobOutcome.ARCHIVED): 1}


def test_a_reserved_frame_is_not_taken_before_its_files_are_safe(queue):
    reserve(queue, "a")
    assert queue.take(WORKER, 60.0) is None


def test_a_frame_of_a_dead_worker_is_taken_up_again_after_the_others(queue):
    first, second = enqueue(queue, "a"), enqueue(queue, "b")
    assert queue.take(WORKER, 60.0).job.job_id == first.job_id
    assert queue.bury(WORKER, "killed by SIGKILL").deaths == 1
    assert queue.take(OTHER, 60.0).job.job_id == second.job_id
    assert queue.take(WORKER, 60.0).job.job_id == first.job_id


def test_a_frame_that_kills_three_workers_is_set_aside_with_the_cause(queue):
    enqueue(queue, "a")
    for _ in range(MAX_DEATHS):
        assert queue.take(WORKER, 60.0) is not None
        job = queue.bury(WORKER, "killed by SIGSEGV")
    assert (job.state, job.outcome, job.error) == (JobState.FINISHED, JobOutcome.SET_ASIDE, "killed by SIGSEGV")
    assert queue.take(WORKER, 60.0) is None


def test_power_cuts_are_never_held_against_a_frame(queue):
    enqueue(queue, "a")
    for _ in range(3 * MAX_DEATHS):
        assert queue.take(WORKER, 60.0) is not None
        assert queue.release(WORKER, interrupted=True).state is JobState.QUEUED


def test_burying_a_worker_that_held_nothing_changes_nothing(queue):
    enqueue(queue, "a")
    queue.take(WORKER, 60.0)
    assert queue.bury(OTHER, "killed") is None
    assert queue.bury(ProcessId(WORKER.pid, WORKER.born + 7), "a later process of the same number") is None


def test_a_worker_that_lost_its_lease_can_do_nothing_more(queue):
    enqueue(queue, "a")
    stale = queue.take(WORKER, 60.0)
    queue.bury(WORKER, "taken for dead")
    fresh = queue.take(OTHER, 60.0)
    for act in (
        lambda: queue.heartbeat(stale, 60.0),
        lambda: queue.finish(stale, RESULT),
        lambda: queue.fail(stale, "late"),
        lambda: queue.give_back(stale),
    ):
        with pytest.raises(LeaseLostError):
            act()
    assert queue.finish(fresh, RESULT).outcome is JobOutcome.ARCHIVED


def test_a_heartbeat_holds_the_lease(queue, connection):
    enqueue(queue, "a")
    lease = queue.take(WORKER, -1.0)
    assert held_frames(connection)[0].overdue_s > 0
    queue.heartbeat(lease, 60.0)
    held = held_frames(connection)[0]
    assert held.overdue_s < -50
    assert held.worker == WORKER


def test_a_frame_given_back_waits_and_comes_again_for_ever(queue, monotonic_clock):
    enqueue(queue, "a")
    for time in range(50):
        lease = queue.take(WORKER, 60.0)
        assert queue.give_back(lease, "no space left", 30.0).retries == time + 1
        assert queue.take(WORKER, 60.0) is None
        monotonic_clock.now += 31.0


def test_finished_frames_are_queued_again_together_with_the_changes(queue, connection):
    done, waiting = enqueue(queue, "a"), enqueue(queue, "b")
    queue.finish(queue.take(WORKER, 60.0), RESULT)
    assert queue.retry_all([done.job_id, waiting.job_id], {"sensitivity": 0.9}) == {done.job_id}
    changed = find_job(connection, done.job_id)
    assert (changed.state, changed.result, changed.request) == (JobState.QUEUED, None, CleanRequest(sensitivity=0.9))
    assert find_job(connection, waiting.job_id).request.sensitivity == 0.5


def test_a_command_holds_what_is_queued_as_long_as_it_lives(queue, connection):
    first, second, third = (enqueue(queue, name) for name in "abc")
    assert queue.take(WORKER, 60.0).job.job_id == first.job_id
    leases = queue.hold([first.job_id, second.job_id, third.job_id], this_process())
    assert [lease.job.job_id for lease in leases] == [second.job_id, third.job_id]
    assert [held.is_elsewhere for held in held_frames(connection)] == [False, True, True]
    assert queue.take(OTHER, 60.0) is None
    assert queue.release_of_dead_commands() == 0
    assert queue.finish(leases[0], RESULT).outcome is JobOutcome.ARCHIVED


def test_what_a_dead_command_held_is_queued_again(queue):
    jobs = {enqueue(queue, name).job_id for name in "ab"}
    (lease, _) = queue.hold(jobs, ProcessId(2**22 + 1, 1))
    assert queue.release_of_dead_commands() == 1
    assert {queue.take(WORKER, 60.0).job.job_id for _ in jobs} == jobs
    with pytest.raises(LeaseLostError):
        queue.finish(lease, RESULT)


@pytest.mark.parametrize("seconds", [-172_800.0, -200.0, 200.0, 172_800.0])
def test_setting_the_clock_makes_no_pause_of_a_frame_longer_or_shorter(queue, clock, monotonic_clock, seconds):
    enqueue(queue, "a")
    queue.give_back(queue.take(WORKER, 60.0), "no space left", 30.0)
    clock.now += seconds
    monotonic_clock.now += 29.0
    assert queue.take(WORKER, 60.0) is None
    monotonic_clock.now += 1.0
    assert queue.take(WORKER, 60.0) is not None


def test_a_pause_that_was_begun_before_the_machine_started_is_over(queue, monotonic_clock):
    enqueue(queue, "a")
    queue.give_back(queue.take(WORKER, 60.0), "no space left", 30.0)
    monotonic_clock.now -= 2 * MAX_BACKOFF_S
    assert queue.take(WORKER, 60.0) is not None


def test_a_failed_frame_can_be_tried_again_with_a_clean_slate(queue):
    job = enqueue(queue, "a")
    queue.fail(queue.take(WORKER, 60.0), "no picture in it")
    again = queue.retry(job.job_id, CleanRequest(sensitivity=0.9))
    assert (again.state, again.outcome, again.error, again.deaths) == (JobState.QUEUED, None, None, 0)
    assert queue.take(WORKER, 60.0).job.request == CleanRequest(sensitivity=0.9)


def test_what_a_state_does_not_allow_is_refused(queue):
    job = enqueue(queue, "a")
    for act in (
        lambda: queue.enqueue(job.job_id, CleanRequest()),
        lambda: queue.drop(job.job_id),
        lambda: queue.retry(job.job_id),
    ):
        with pytest.raises(WrongStateError):
            act()


def test_waiting_grows_and_stays_bounded():
    waits = [backoff_s(retries, 1.0, 60.0) for retries in range(2000)]
    assert waits[:4] == [1.0, 2.0, 4.0, 8.0]
    assert max(waits) == 60.0


def take_all(database, taken):
    with closing(open_database(database)) as connection:
        queue = Queue(connection)
        while (lease := queue.take(WORKER, 60.0)) is not None:
            taken.put(lease.job.frame.number)
            queue.finish(lease, RESULT)


def test_workers_that_race_for_frames_get_each_once(queue, tmp_path):
    for name in range(30):
        enqueue(queue, str(name))
    context = multiprocessing.get_context("spawn")
    taken = context.SimpleQueue()
    racers = [context.Process(target=take_all, args=(tmp_path / "station.db", taken)) for _ in range(2)]
    for racer in racers:
        racer.start()
    numbers = [taken.get() for _ in range(30)]
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
    assert sorted(numbers) == list(range(1, 31))
    assert taken.empty()


class AnyOrder(RuleBasedStateMachine):
    """Whatever is done in whatever order: rows only go along the table, and never contradict themselves."""

    jobs = Bundle("jobs")
    leases = Bundle("leases")
    workers = st.sampled_from([ProcessId(pid, 1) for pid in (1, 2, 3)])

    @initialize()
    def open(self):
        self.folder = tempfile.TemporaryDirectory()
        self.connection = open_database(Path(self.folder.name, "station.db"))
        self.connection.execute("PRAGMA synchronous = OFF")
        self.queue = Queue(self.connection)
        self.seen = {}
        self.dropped = set()

    def teardown(self):
        self.connection.close()
        self.folder.cleanup()

    @rule(target=jobs, name=st.integers(0, 5))
    def reserve(self, name):
        try:
            return reserve(self.queue, str(name)).job_id
        except DuplicateSourceError:
            return multiple()

    @rule(job=jobs)
    def enqueue(self, job):
        self.allowed(lambda: self.queue.enqueue(job, CleanRequest()))

    @rule(job=jobs)
    def drop(self, job):
        if self.allowed(lambda: self.queue.drop(job)):
            self.dropped.add(job)
            self.seen.pop(job, None)

    @rule(job=jobs)
    def retry(self, job):
        self.allowed(lambda: self.queue.retry(job))

    @rule(target=leases, worker=workers)
    def take(self, worker):
        lease = self.queue.take(worker, 60.0)
        return multiple() if lease is None else lease

    @rule(job=jobs)
    def retry_all(self, job):
        self.queue.retry_all([job], {"sensitivity": 0.9})

    @rule(target=leases, job=jobs, worker=workers)
    def hold(self, job, worker):
        return multiple(*self.queue.hold([job], worker))

    @rule(lease=leases, how=st.sampled_from(["finish", "fail", "give_back", "heartbeat"]))
    def use(self, lease, how):
        arguments = {"finish": (RESULT,), "fail": ("broken",), "give_back": ("full", 0.0), "heartbeat": (60.0,)}[how]
        self.allowed(lambda: getattr(self.queue, how)(lease, *arguments))

    @rule(worker=workers)
    def bury(self, worker):
        self.queue.bury(worker, "killed")

    @rule(worker=workers)
    def release(self, worker):
        self.queue.release(worker, interrupted=True)

    def allowed(self, act):
        try:
            act()
        except QueueError:
            return False
        return True

    @invariant()
    def rows_went_along_the_table(self):
        rows = self.connection.execute("SELECT job_id, state, outcome, deaths, lease_owner FROM frames").fetchall()
        for job, state, outcome, deaths, owner in rows:
            state = JobState(state)
            before = self.seen.get(job, JobState.RESERVED)
            assert state is before or state in NEXT_STATES[before]
            assert (outcome is not None) == (state is JobState.FINISHED)
            assert (owner is not None) == (state is JobState.PROCESSING)
            assert deaths <= MAX_DEATHS
            self.seen[job] = state
        assert {row[0] for row in rows} >= set(self.seen) - self.dropped


AnyOrder.TestCase.settings = settings(max_examples=20, stateful_step_count=25, deadline=None)
test_any_order = AnyOrder.TestCase


def test_a_reserved_frame_gets_another_number_and_keeps_everything_else(queue):
    first, second = reserve(queue, "a"), reserve(queue, "b")
    moved = queue.renumber(first, first.frame.number + 1)
    assert (moved.job_id, moved.frame.number) == (first.job_id, second.frame.number + 1)
    queue.enqueue(moved.job_id, moved.request)
    with pytest.raises(WrongStateError):
        queue.renumber(moved, 9)


def test_a_picture_whose_frame_is_gone_is_reserved_again_under_the_next_number(queue, connection):
    lost = reserve(queue, "a")
    again = queue.reserve(ROLL, 1, [picture("a")], CleanRequest(), instead_of=lost.job_id)
    assert again.frame.number == lost.frame.number + 1
    assert sources_of(connection, lost.job_id) == []
    with pytest.raises(DuplicateSourceError, match=str(again.frame)):
        reserve(queue, "a")
