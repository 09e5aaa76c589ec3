"""A late infrared becomes a frame's only if it belongs to it, whatever its name says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.errors import SourceChangedError
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.frames import SourceFile, find_job
from filmscand.daemon.ingest.claiming.late import LATE_AT_MOST_S
from support.ingest_bench import RESULT, TODAY, WORKER, digest
from support.live_station import write_infrared, write_picture


@pytest.fixture
def bench(make_bench):
    return make_bench(pair_timeout_s=0.2)


def take_up(bench, seed, name="a", infrared=None):
    write_picture(bench.drop / f"{name}.tif", seed)
    if infrared is not None:
        write_infrared(bench.drop / f"{name}_ir.tif", infrared, **({} if infrared == seed else {"rows": 60}))
    bench.run_until_queued(1)
    return bench.queued()[0]


def finish(bench, error=None):
    lease = bench.queue.take(WORKER, 60.0)
    bench.queue.finish(lease, RESULT) if error is None else bench.queue.fail(lease, error)


def folder(bench, job):
    return bench.station.archive / job.frame.folder


def reason(bench):
    bench.run(lambda: bench.rows(CandidateState.AMBIGUOUS))
    return bench.rows(CandidateState.AMBIGUOUS)[0].reason


def test_the_infrared_of_the_next_roll_under_a_used_name_waits_for_its_own_picture(bench):
    first = take_up(bench, 1)
    finish(bench)
    write_infrared(bench.drop / "a_ir.tif", 2)
    assert "does not belong to unsorted" in reason(bench)
    write_picture(bench.drop / "a.tif", 2)
    bench.run_until_queued(1)
    second = bench.queued()[0]
    assert second.frame != first.frame
    assert [file.role for file in second.request.originals] == ["raw", "infrared"]
    assert not list(folder(bench, first).glob("*_ir*"))


def test_its_picture_goes_first_where_it_comes_within_the_time_of_a_pair(make_bench):
    bench = make_bench(pair_timeout_s=1.5)
    first = take_up(bench, 1)
    finish(bench)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run(lambda: bench.rows(CandidateState.WAIT_PAIR))
    write_picture(bench.drop / "a.tif", 2)
    bench.run_until_queued(1)
    assert bench.queued()[0].frame != first.frame


def test_after_a_week_a_person_is_asked(bench):
    take_up(bench, 1)
    finish(bench)
    bench.connection.execute("UPDATE frames SET created_at = created_at - ?", (LATE_AT_MOST_S + 1,))
    write_infrared(bench.drop / "a_ir.tif", 1)
    assert "taken up 7 days ago" in reason(bench)


def test_a_frame_that_has_its_infrared_gets_no_other_by_its_name(bench):
    job = take_up(bench, 1, infrared=1)
    finish(bench)
    write_infrared(bench.drop / "a_ir.tif", 2)
    assert "waits for no infrared" in reason(bench)
    assert len(list(folder(bench, job).glob("*_ir*"))) == 1


def test_the_same_infrared_again_is_a_duplicate(bench):
    take_up(bench, 1, infrared=1)
    finish(bench)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run(lambda: (bench.drop / "_duplicates" / "a_ir.tif").exists())
    assert bench.queued() == []


def test_the_right_infrared_takes_the_place_of_a_wrong_one_that_is_kept(bench):
    job = take_up(bench, 1, infrared=2)
    wrong = digest(folder(bench, job) / "DATE_0001_ir.tif".replace("DATE", TODAY))
    finish(bench, "PlaneMismatchError: ...")
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run_until_queued(1)
    request = bench.queued()[0].request
    assert [(file.sha256, file.original_name) for file in request.replaced_originals] == [(wrong, "a_ir.tif")]
    assert digest(folder(bench, job) / request.replaced_originals[0].name) == wrong
    archive = Archive(bench.station.archive)
    clean_into_archive(archive, job.frame, request)
    assert archive.read_sidecar(job.frame).replaced_originals == request.replaced_originals
    assert archive.verify(job.frame) == ()


def test_a_complete_frame_stays_whole_while_its_infrared_is_replaced(bench):
    job = take_up(bench, 1, infrared=1)
    archive = Archive(bench.station.archive)
    first = clean_into_archive(archive, job.frame, job.request)
    finish(bench)
    twin = bench.raw(job).read_bytes()
    (bench.drop / "a.tif").write_bytes(twin)
    better = write_infrared(bench.drop / "a_ir.tif", 1)
    with better.open("ab") as file:
        file.write(b"rescanned")
    bench.run_until_queued(1)
    assert archive.verify(job.frame) == ()
    second = clean_into_archive(archive, job.frame, bench.queued()[0].request)
    assert (first.revision, second.revision) == (1, 2)
    sidecar = archive.read_sidecar(job.frame)
    assert isinstance(sidecar, Sidecar)
    assert sidecar.replaced_originals[0].sha256 == sidecar.revisions[0].inputs_sha256[1]
    assert archive.verify(job.frame) == ()


def test_a_late_infrared_that_goes_while_it_is_copied_leaves_the_frame_as_it_was(bench):
    job = take_up(bench, 1, infrared=1)
    finish(bench)
    before = digest(next(folder(bench, job).glob("*_ir.tif")))
    bench.queue.add_source(job.job_id, SourceFile(Role.INFRARED, "0" * 64, 1, "gone_ir.tif"))
    with pytest.raises(SourceChangedError):
        bench.rounds._late.store(find_job(bench.connection, job.job_id))
    assert [digest(path) for path in folder(bench, job).glob("*_ir*")] == [before]


KILL_AT = """
import os
import sys
from contextlib import closing
from pathlib import Path
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import find_job
from filmscand.daemon.ingest.threads import IngestRounds, plan_ingest
from filmscand.daemon.station.configuration import load_station

OURS = {"late", "halves", "replaced", "queue", "candidates", "tree", "atomic_file", "sidecar", "events"}

def store_until_killed(config, kill_at):
    station = load_station(config)
    plan = plan_ingest(station, Timing(poll_s=0.02, retry_first_s=0.05))[0]
    lines = 0
    def count(frame, event, argument):
        nonlocal lines
        if Path(frame.f_code.co_filename).stem not in OURS:
            return None
        lines += event == "line"
        if lines >= kill_at:
            os._exit(7)
        return count
    with closing(open_database(station.database)) as connection:
        rounds = IngestRounds(plan, connection, network=False, events=None)
        sys.settrace(count)
        rounds._late.store(find_job(connection, 1))
    os._exit(0)

for config, kill_at in zip(sys.argv[1::2], sys.argv[2::2]):
    child = os.fork()
    if child == 0:
        store_until_killed(Path(config), int(kill_at))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def claim_right_infrared(bench):
    """Bring a frame with a wrong infrared to where its right one is claimed and not yet in the archive."""
    job = take_up(bench, 1, infrared=2)
    finish(bench, "PlaneMismatchError: ...")
    path = write_infrared(bench.drop / "a_ir.tif", 1)
    row = bench.candidates.see("a_ir.tif", path.stat().st_size, path.stat().st_mtime_ns)
    for state in (CandidateState.SETTLING, CandidateState.COMPLETE):
        row = bench.candidates.move(row, state)
    bench.queue.add_source(job.job_id, SourceFile(Role.INFRARED, digest(path), path.stat().st_size, "a_ir.tif"))
    bench.candidates.move(row, CandidateState.CLAIMED, job_id=job.job_id)
    return job, digest(next(folder(bench, job).glob("*_ir.tif"))), digest(path)


def test_a_kill_at_any_line_of_a_replacement_loses_neither_infrared(make_bench):
    kills = range(5, 400, int(os.environ.get("FILMSCAND_KILL_STEP", "60")))
    benches = [make_bench(pair_timeout_s=0.2) for _ in kills]
    claimed = [claim_right_infrared(bench) for bench in benches]
    arguments = [str(word) for bench, kill in zip(benches, kills, strict=True) for word in (bench.config, kill)]
    killed = subprocess.run([sys.executable, "-c", KILL_AT, *arguments], capture_output=True, text=True, timeout=120)
    assert killed.returncode == 0, killed.stderr
    assert set(killed.stdout.split()) <= {"0", "7"}, killed.stderr
    assert killed.stdout.split().count("7") >= len(kills) // 2
    for bench, (job, wrong, right) in zip(benches, claimed, strict=True):
        bench.restart()
        bench.run_until_queued(1)
        again = bench.queued()[0]
        assert again.frame == job.frame
        assert again.request.originals[1].sha256 == right
        assert [file.sha256 for file in again.request.replaced_originals] == [wrong]
        assert sorted(digest(path) for path in folder(bench, job).glob("*_ir*.tif")) == sorted([wrong, right])
