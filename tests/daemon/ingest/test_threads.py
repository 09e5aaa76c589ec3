"""From a watch folder into the archive: real files, a real database, a real archive; only the cleaning is left out."""

import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import date

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import Candidates, CandidateState
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import JobState, unfinished_frames
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.ingest.threads import IngestRounds, plan_ingest
from filmscand.daemon.station.configuration import load_station
from support.live_station import leftovers, write_config, write_infrared, write_inside, write_picture

TIMING = Timing(poll_s=0.02, retry_first_s=0.05, retry_cap_s=0.1, max_settle_s=60.0)
TODAY = date.today().isoformat()
WORKER = ProcessId(1, 1)


class Bench:
    """One watch folder and its ingest, run round by round."""

    def __init__(self, root, timing=TIMING, **watch):
        self.root = root
        self.config = write_config(root, {"mode": "poll", "settle_s": 0.1, **watch})
        self.station = load_station(self.config)
        self.station.database.parent.mkdir(parents=True, exist_ok=True)
        self.drop = self.station.watch[0].path
        self.drop.mkdir(exist_ok=True)
        self.connection = open_database(self.station.database)
        self.queue = Queue(self.connection)
        self.candidates = Candidates(self.connection, str(self.drop))
        self.timing = timing
        self.restart()

    def restart(self):
        plan = plan_ingest(self.station, self.timing)[0]
        self.rounds = IngestRounds(plan, self.connection, network=False, events=None)
        self.rounds.begin()

    def run(self, until=lambda: False, at_most_s=10.0):
        deadline_s = time.monotonic() + at_most_s
        while not until():
            assert time.monotonic() < deadline_s, self.rows()
            self.rounds.round()
            time.sleep(0.01)

    def run_for(self, seconds):
        deadline_s = time.monotonic() + seconds
        self.run(lambda: time.monotonic() > deadline_s)

    def run_until_queued(self, count):
        self.run(lambda: len(self.queued()) >= count and not self.rows(CandidateState.STORED))

    def queued(self):
        return [job for job in unfinished_frames(self.connection) if job.state is JobState.QUEUED]

    def rows(self, *states):
        return self.candidates.in_state(states or tuple(CandidateState))

    def raw(self, job):
        frame = self.station.archive / job.frame.folder
        return next(frame.glob("*_raw.*"))

    def alarms(self):
        return {alarm.key for alarm in Alarms(self.connection).standing()}


@pytest.fixture
def bench(tmp_path):
    made = Bench(tmp_path / "station")
    with closing(made.connection):
        yield made


@pytest.fixture
def make_bench(tmp_path):
    made = []

    def make(timing=TIMING, **watch):
        made.append(Bench(tmp_path / f"station-{len(made)}", timing, **watch))
        return made[-1]

    yield make
    for one in made:
        one.connection.close()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_scan_comes_into_the_archive_byte_for_byte_and_is_moved_out_of_the_way(bench):
    source = write_inside(bench.drop / "Roll 7" / "scan.tif", 1)
    before = digest(source)
    bench.run_until_queued(1)
    job = bench.queued()[0]
    assert str(job.frame) == "unsorted/unsorted/roll-7_0001"
    assert digest(bench.raw(job)) == before
    assert [file["sha256"] for file in job.request["originals"]] == [before]
    assert not source.exists()
    assert digest(bench.drop / "_done" / TODAY / "Roll 7" / "scan.tif") == before


def test_files_at_the_top_belong_to_the_roll_of_the_day(bench):
    write_inside(bench.drop / "scan.tif", 1)
    bench.run_until_queued(1)
    assert bench.queued()[0].frame.roll == TODAY


def test_frames_are_numbered_as_a_person_would_count_the_files(bench):
    for name in ("s10.tif", "s9.tif", "s1.tif"):
        write_inside(bench.drop / "r" / name, int(name[1:-4]))
    bench.run_until_queued(3)
    assert [(job.source, job.frame.number) for job in bench.queued()] == [
        ("r/s1.tif", 1),
        ("r/s9.tif", 2),
        ("r/s10.tif", 3),
    ]


def test_numbers_go_on_after_what_the_archive_holds_already(bench):
    (bench.station.archive / "unsorted/unsorted/r/data/r_0041").mkdir(parents=True)
    write_inside(bench.drop / "r" / "a.tif", 1)
    bench.run_until_queued(1)
    assert bench.queued()[0].frame.number == 42


def test_a_file_that_grows_slowly_is_waited_for(make_bench):
    bench = make_bench(settle_s=0.4)
    whole = write_inside(bench.root / "whole.tif", 1).read_bytes()
    growing = bench.drop / "slow.tif"
    for end in range(20_000, len(whole) + 40_000, 40_000):
        growing.write_bytes(whole[:end])
        bench.run_for(0.15)
        assert bench.queued() == [] or end >= len(whole)
    bench.run_until_queued(1)
    assert bench.raw(bench.queued()[0]).read_bytes() == whole


def test_a_scan_that_rests_half_written_is_waited_for_and_never_taken_as_it_is(bench):
    whole = write_inside(bench.root / "whole.tif", 1).read_bytes()
    (bench.drop / "half.tif").write_bytes(whole[: len(whole) // 2])
    bench.run(lambda: any(row.retries for row in bench.rows(CandidateState.SETTLING)))
    assert bench.queued() == []
    (bench.drop / "half.tif").write_bytes(whole)
    bench.run_until_queued(1)
    assert bench.raw(bench.queued()[0]).read_bytes() == whole


def test_a_scan_that_stays_half_written_is_set_aside_at_last(make_bench):
    bench = make_bench(timing=Timing(poll_s=0.02, retry_first_s=0.05, retry_cap_s=0.1, max_settle_s=0.5))
    whole = write_inside(bench.root / "whole.tif", 1).read_bytes()
    (bench.drop / "half.tif").write_bytes(whole[: len(whole) // 2])
    bench.run(lambda: (bench.drop / "_failed" / TODAY / "half.tif").exists())
    assert "FileTruncatedError" in (bench.drop / "_failed" / TODAY / "half.tif.error.json").read_text()


def test_a_file_that_a_program_still_has_open_is_waited_for(bench):
    path = write_inside(bench.drop / "open.tif", 1)
    hold = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        bench.run(lambda: any(row.reason == "still open for writing" for row in bench.rows()))
        assert bench.queued() == []
        writer.communicate()
    bench.run_until_queued(1)


def test_what_is_no_film_scan_is_set_aside_with_the_reason_beside_it(bench):
    (bench.drop / "r").mkdir()
    (bench.drop / "r" / "letter.tif").write_text("Dear archivist, " * 50)
    failed = bench.drop / "_failed" / TODAY / "r" / "letter.tif"
    bench.run(failed.exists)
    reason = json.loads(failed.with_name("letter.tif.error.json").read_text())
    assert (reason["file"], reason["error"]) == ("r/letter.tif", "NotAFilmScanError")
    assert reason["found"]
    assert [row.state for row in bench.rows()] == [CandidateState.QUARANTINED]


def test_a_file_of_another_kind_is_left_where_it_is_and_named(bench):
    (bench.drop / "notes.txt").write_text("box 3")
    bench.run(lambda: bench.rows(CandidateState.QUARANTINED))
    assert ".tif" in bench.rows()[0].reason
    assert (bench.drop / "notes.txt").exists()


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


@pytest.mark.parametrize("first", ["picture", "infrared"])
def test_two_halves_become_one_frame_whichever_comes_first(make_bench, first):
    bench = make_bench(pair_timeout_s=30.0)
    halves = {"picture": (write_picture, "a.tif"), "infrared": (write_infrared, "a_ir.tif")}
    write, name = halves.pop(first)
    write(bench.drop / name, 1)
    bench.run(lambda: bench.rows(CandidateState.WAIT_PAIR))
    write, name = halves.popitem()[1]
    write(bench.drop / name, 1)
    bench.run_until_queued(1)
    job = bench.queued()[0]
    assert [file["role"] for file in job.request["originals"]] == ["raw", "infrared"]
    assert (bench.drop / "_done" / TODAY / "a_ir.tif").exists()


def test_an_infrared_that_comes_too_late_gives_the_frame_a_new_revision(bench):
    write_picture(bench.drop / "a.tif", 1)
    bench.run_until_queued(1)
    job = bench.queued()[0]
    assert job.request["flags"] == ["pair_timeout"]
    bench.queue.finish(bench.queue.take(WORKER, 60.0), {})
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run_until_queued(1)
    again = bench.queued()[0]
    assert again.frame == job.frame
    assert again.request["flags"] == ["late_infrared"]
    assert [file["role"] for file in again.request["originals"]] == ["raw", "infrared"]
    assert (bench.drop / "_done" / TODAY / "a_ir.tif").exists()


def test_a_late_infrared_waits_until_its_frame_is_out_of_work(bench):
    write_picture(bench.drop / "a.tif", 1)
    bench.run_until_queued(1)
    lease = bench.queue.take(WORKER, 60.0)
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run(lambda: bench.rows(CandidateState.COMPLETE, CandidateState.WAIT_PAIR))
    bench.run_for(0.3)
    assert bench.queued() == []
    bench.queue.finish(lease, {})
    bench.run_until_queued(1)


def test_where_infrared_is_required_a_picture_alone_is_left_to_a_person_until_it_comes(make_bench):
    bench = make_bench(pair="required", pair_timeout_s=0.1)
    write_picture(bench.drop / "a.tif", 1)
    bench.run(lambda: bench.rows(CandidateState.AMBIGUOUS))
    assert "no infrared came" in bench.rows()[0].reason
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run_until_queued(1)
    assert [file["role"] for file in bench.queued()[0].request["originals"]] == ["raw", "infrared"]


def test_an_archive_that_cannot_be_written_is_waited_out_with_an_alarm(bench):
    bench.station.archive.write_text("a file where the archive should be")
    source = write_inside(bench.drop / "a.tif", 1)
    bench.run(lambda: "archive" in bench.alarms())
    bench.run_for(0.3)
    assert source.exists()
    assert [row.state for row in bench.rows()] == [CandidateState.CLAIMED]
    bench.station.archive.unlink()
    bench.run_until_queued(1)
    assert bench.alarms() == set()
    assert not source.exists()
    assert bench.queued()[0].frame.number == 1


def test_a_watch_folder_that_went_away_raises_an_alarm_until_it_is_back(bench):
    away = bench.drop.rename(bench.root / "unmounted")
    bench.run(lambda: bench.alarms() == {f"watch:{bench.drop}"})
    away.rename(bench.drop)
    bench.run(lambda: not bench.alarms())


def test_a_source_that_goes_before_it_is_whole_is_forgotten(bench):
    source = write_picture(bench.drop / "a.tif", 1)
    bench.run(lambda: bench.rows())
    source.unlink()
    bench.run(lambda: not bench.rows())
    assert leftovers(bench.root) == []


KILL_AT = """
import os
import sys
from contextlib import closing
from pathlib import Path
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.ingest.threads import IngestRounds, plan_ingest
from filmscand.daemon.core.timing import Timing

OURS = {"claim", "queue", "candidates", "connection", "tree", "atomic_file", "source_file", "events", "put_away"}

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
        assert [file["sha256"] for file in job.request["originals"]] == hashes[bench.root]
        assert digest(bench.raw(job)) == hashes[bench.root][0]
        assert len(list(bench.station.archive.rglob("*_raw.tif"))) == 1
        done = sorted(path.name for path in (bench.drop / "_done").rglob("*.tif"))
        assert done == ["a.tif", "a_ir.tif"]
        Archive(bench.station.archive).remove_leftovers()
        assert leftovers(bench.root) == []
