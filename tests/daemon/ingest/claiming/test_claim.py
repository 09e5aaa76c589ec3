"""Taking frames into the archive: each once, whatever comes twice, late, or in the middle of a kill."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.frames import unfinished_frames
from support.ingest_bench import RESULT, TODAY, WORKER, digest
from support.live_station import leftovers, write_infrared, write_inside, write_picture


def test_the_same_picture_dropped_again_is_archived_once(bench):
    source = write_inside(bench.drop / "a.tif", 1)
    twin = source.read_bytes()
    bench.run_until_queued(1)
    (bench.drop / "again.tif").write_bytes(twin)
    bench.run(lambda: (bench.drop / "_duplicates" / "again.tif").exists())
    (bench.drop / "again.tif").write_bytes(twin)
    bench.run(lambda: (bench.drop / "_duplicates" / "again-2.tif").exists())
    assert len(bench.queued()) == 1
    assert {row.job_id for row in bench.rows(CandidateState.DUPLICATE)} == {bench.queued()[0].job_id}


def test_a_source_that_is_left_is_not_taken_again_after_a_restart(make_bench):
    bench = make_bench(source_policy="leave")
    source = write_inside(bench.drop / "a.tif", 1)
    bench.run(lambda: bench.rows(CandidateState.RELEASED))
    bench.restart()
    bench.run_for(0.6)
    assert source.exists()
    assert len(bench.queued()) == 1
    write_inside(source, 2)
    bench.run_until_queued(2)


def test_a_source_may_be_deleted_once_the_archive_holds_it(make_bench):
    bench = make_bench(source_policy="delete")
    source = write_inside(bench.drop / "a.tif", 1)
    bench.run_until_queued(1)
    assert not source.exists()
    assert bench.raw(bench.queued()[0]).stat().st_size > 100_000


def test_an_infrared_that_comes_too_late_gives_the_frame_a_new_revision(bench):
    write_picture(bench.drop / "a.tif", 1)
    bench.run_until_queued(1)
    job = bench.queued()[0]
    assert job.request.flags == ("pair_timeout",)
    bench.queue.finish(bench.queue.take(WORKER, 60.0), RESULT)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run_until_queued(1)
    again = bench.queued()[0]
    assert again.frame == job.frame
    assert again.request.flags == ("late_infrared",)
    assert [file.role for file in again.request.originals] == ["raw", "infrared"]
    assert (bench.drop / "_done" / TODAY / "a_ir.tif").exists()


def test_a_late_infrared_waits_until_its_frame_is_out_of_work(bench):
    write_picture(bench.drop / "a.tif", 1)
    bench.run_until_queued(1)
    lease = bench.queue.take(WORKER, 60.0)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run(lambda: bench.rows(CandidateState.COMPLETE, CandidateState.WAIT_PAIR))
    bench.run_for(0.3)
    assert bench.queued() == []
    bench.queue.finish(lease, RESULT)
    bench.run_until_queued(1)


KILL_AT = """
import os
import sys
from contextlib import closing
from pathlib import Path
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.ingest.threads import IngestRounds, plan_ingest
from filmscand.daemon.core.timing import Timing

OURS = {"claim", "queue", "candidates", "frames", "connection", "tree", "frame_folder", "roll_record", "atomic_file"}
OURS |= {"source_file", "events", "put_away", "halves", "late", "rolls", "roll_names", "folders", "_root"}

def ingest_until_killed(config, kill_at):
    station = load_station(config)
    plan = plan_ingest(station, Timing(poll_s=0.02, retry_first_s=0.05))[0]
    lines = 0
    claiming = False
    def count(frame, event, argument):
        nonlocal lines, claiming
        name = Path(frame.f_code.co_filename).stem
        claiming = claiming or (name == "claim" and frame.f_code.co_name in ("claim", "release"))
        if name not in OURS or not claiming:
            return None
        lines += event == "line"
        if lines >= kill_at:
            os._exit(7)
        return count
    with closing(open_database(station.database)) as connection:
        rounds = IngestRounds(plan, connection, network=False, events=None)
        rounds.begin()
        sys.settrace(count)
        while not list(Path(station.watch[0].path).glob("_done/*/*/a_ir.tif")):
            rounds.round()
    os._exit(0)

for config, kill_at in zip(sys.argv[1::2], sys.argv[2::2]):
    child = os.fork()
    if child == 0:
        ingest_until_killed(Path(config), int(kill_at))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def test_a_kill_at_any_line_of_a_claim_neither_loses_nor_doubles_the_frame(make_bench):
    kills = [*range(3, 60, 19), *range(60, 900, int(os.environ.get("FILMSCAND_KILL_STEP", "60")))]
    benches, hashes = [make_bench() for _ in kills], {}
    for bench in benches:
        hashes[bench.root] = [
            digest(write_picture(bench.drop / "r" / "a.tif", 1)),
            digest(write_infrared(bench.drop / "r" / "a_ir.tif", 1)),
        ]
    arguments = [str(word) for bench, kill in zip(benches, kills, strict=True) for word in (bench.config, kill)]
    killed = subprocess.run([sys.executable, "-c", KILL_AT, *arguments], capture_output=True, text=True, timeout=120)
    assert killed.returncode == 0, killed.stderr
    ended = [int(code) for code in killed.stdout.split()]
    assert ended.count(7) >= len(kills) // 2
    assert set(ended) <= {0, 7}, killed.stderr
    for bench in benches:
        bench.restart()
        bench.run_until_queued(1)
        job = bench.queued()[0]
        assert len(unfinished_frames(bench.connection)) == 1
        assert job.frame.number == 1
        assert [file.sha256 for file in job.request.originals] == hashes[bench.root]
        assert digest(bench.raw(job)) == hashes[bench.root][0]
        assert len(list(bench.station.archive.rglob("*_raw.tif"))) == 1
        done = sorted(path.name for path in (bench.drop / "_done").rglob("*.tif"))
        assert done == ["a.tif", "a_ir.tif"]
        Archive(bench.station.archive).remove_leftovers()
        assert leftovers(bench.root) == []


def finish(bench, error=None):
    lease = bench.queue.take(WORKER, 60.0)
    if error is None:
        bench.queue.finish(lease, RESULT)
    else:
        bench.queue.fail(lease, error)
    return lease.job


def infrared_of(bench, job):
    return sorted(path.name for path in (bench.station.archive / job.frame.folder).glob("*_ir*"))


def test_a_picture_that_comes_again_with_its_infrared_gives_the_frame_the_infrared(make_bench):
    bench = make_bench(pair_timeout_s=0.2)
    twin = write_picture(bench.drop / "a.tif", 1).read_bytes()
    bench.run_until_queued(1)
    job = finish(bench)
    (bench.drop / "a.tif").write_bytes(twin)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run_until_queued(1)
    again = bench.queued()[0]
    assert again.frame == job.frame
    assert [file.original_name for file in again.request.originals] == ["a.tif", "a_ir.tif"]
    assert (bench.drop / "_duplicates" / "a.tif").exists()
    assert (bench.drop / "_done" / TODAY / "a_ir.tif").exists()


def test_both_halves_again_are_both_duplicates(bench):
    twins = [write_picture(bench.drop / "a.tif", 1), write_infrared(bench.drop / "a_ir.tif", 1)]
    twins = {path: path.read_bytes() for path in twins}
    bench.run_until_queued(1)
    finish(bench)
    for path, content in twins.items():
        path.write_bytes(content)
    bench.run(lambda: len(list((bench.drop / "_duplicates").glob("*"))) == 2)
    assert bench.queued() == []


def test_a_pair_that_comes_again_waits_until_its_frame_is_out_of_work(make_bench):
    bench = make_bench(pair_timeout_s=0.2)
    twin = write_picture(bench.drop / "a.tif", 1).read_bytes()
    bench.run_until_queued(1)
    (bench.drop / "a.tif").write_bytes(twin)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run(lambda: any("waits until" in (row.reason or "") for row in bench.rows()))
    assert (bench.drop / "a_ir.tif").exists()
    assert [file.role for file in bench.queued()[0].request.originals] == ["raw"]


def test_the_infrared_of_another_film_that_comes_with_a_known_picture_is_left_to_a_person(make_bench):
    bench = make_bench(pair_timeout_s=0.2)
    twin = write_picture(bench.drop / "a.tif", 1).read_bytes()
    bench.run_until_queued(1)
    job = finish(bench)
    (bench.drop / "a.tif").write_bytes(twin)
    write_infrared(bench.drop / "a_ir.tif", 2)
    bench.run(lambda: (bench.drop / "_duplicates" / "a.tif").exists())
    assert "does not belong" in bench.rows(CandidateState.AMBIGUOUS)[0].reason
    assert infrared_of(bench, job) == []


def test_a_picture_whose_frame_is_gone_from_the_archive_is_archived_anew(bench):
    twin = write_inside(bench.drop / "r" / "a.tif", 1).read_bytes()
    bench.run_until_queued(1)
    job = finish(bench)
    shutil.rmtree(bench.station.archive / job.frame.roll_folder)
    (bench.drop / "r" / "a.tif").write_bytes(twin)
    bench.run_until_queued(1)
    again = bench.queued()[0]
    assert again.request.flags == ("archived_again",)
    assert digest(bench.raw(again)) == again.request.originals[0].sha256
    assert again.frame.number == job.frame.number + 1


def test_the_folders_own_name_is_kept_in_the_roll_record_and_where_it_differs_with_the_frame(make_bench):
    bench = make_bench(pair="none")
    write_inside(bench.drop / "結婚式" / "a.tif", 1)
    bench.run_until_queued(1)
    record = bench.station.archive / bench.queued()[0].frame.roll_folder / "metadata" / "roll.json"
    assert json.loads(record.read_text())["original_name"] == "結婚式"
    assert bench.queued()[0].request.original_folder is None
    other = make_bench(pair="none", roll="wedding")
    write_inside(other.drop / "結婚式" / "a.tif", 1)
    other.run_until_queued(1)
    assert other.queued()[0].request.original_folder == "結婚式"


def test_a_number_whose_folder_another_station_has_just_made_is_passed_over(bench):
    taken = FrameId("unsorted", "unsorted", "r", 1)
    other = Archive(bench.station.archive)
    assert other.reserve(taken)
    write_inside(bench.drop / "r" / "a.tif", 1)
    bench.run_until_queued(1)
    assert bench.queued()[0].frame.number == 2
    assert list(other.frame_folder(taken).path.iterdir()) == []


def test_an_empty_folder_that_a_killed_claim_left_is_taken_up_by_it_again(bench):
    write_inside(bench.drop / "r" / "a.tif", 1)
    bench.run_until_queued(1)
    job = bench.queued()[0]
    # As after a kill between making the folder and copying the file.
    shutil.rmtree(bench.station.archive / job.frame.folder)
    Archive(bench.station.archive).reserve(job.frame)
    bench.connection.execute("UPDATE frames SET state = 'reserved'")
    bench.connection.execute("UPDATE candidates SET state = 'claimed', in_place = 1")
    done = next((bench.drop / "_done").rglob("a.tif"))
    done.rename(bench.drop / "r" / "a.tif")
    bench.restart()
    bench.run_until_queued(1)
    assert [one.frame for one in bench.queued()] == [job.frame]
    assert bench.raw(job).exists()
