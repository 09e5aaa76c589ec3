"""From a watch folder into the archive: real files, a real database, a real archive; only the cleaning is left out."""

import errno
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.candidates import CandidateState
from filmscand.daemon.database.trouble import DatabaseReplacedError
from filmscand.daemon.ingest.watching.arrivals import Arrivals
from support.ingest_bench import TIMING, TODAY, digest
from support.live_station import leftovers, write_infrared, write_inside, write_picture


def test_a_scan_comes_into_the_archive_byte_for_byte_and_is_moved_out_of_the_way(bench):
    source = write_inside(bench.drop / "Roll 7" / "scan.tif", 1)
    before = digest(source)
    bench.run_until_queued(1)
    job = bench.queued()[0]
    assert str(job.frame) == "unsorted/unsorted/roll-7_0001"
    assert digest(bench.raw(job)) == before
    assert [file.sha256 for file in job.request.originals] == [before]
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
    assert [file.role for file in job.request.originals] == ["raw", "infrared"]
    assert (bench.drop / "_done" / TODAY / "a_ir.tif").exists()


def test_where_infrared_is_required_a_picture_alone_is_left_to_a_person_until_it_comes(make_bench):
    bench = make_bench(pair="required", pair_timeout_s=0.1)
    write_picture(bench.drop / "a.tif", 1)
    bench.run(lambda: bench.rows(CandidateState.AMBIGUOUS))
    assert "no infrared came" in bench.rows()[0].reason
    write_infrared(bench.drop / "a_ir.tif", 1)
    bench.run_until_queued(1)
    assert [file.role for file in bench.queued()[0].request.originals] == ["raw", "infrared"]


def test_an_archive_that_cannot_be_written_is_waited_out_with_an_alarm(bench):
    away = bench.station.archive.rename(bench.root / "unmounted")
    bench.station.archive.write_text("a file where the archive should be")
    source = write_inside(bench.drop / "a.tif", 1)
    bench.run(lambda: "archive" in bench.alarms())
    bench.run_for(0.3)
    assert source.exists()
    assert [row.job_id for row in bench.rows()] == [None]
    bench.station.archive.unlink()
    away.rename(bench.station.archive)
    bench.run_until_queued(1)
    assert bench.alarms() == set()
    assert not source.exists()
    assert bench.queued()[0].frame.number == 1


def test_an_archive_that_is_not_mounted_is_never_made_anew_and_no_source_is_touched(bench):
    first = write_inside(bench.drop / "a.tif", 1)
    bench.run_until_queued(1)
    away = bench.station.archive.rename(bench.root / "unmounted")
    bench.station.archive.mkdir()
    sources = [write_inside(bench.drop / "b.tif", 2), write_inside(first, 1)]
    (bench.drop / "letter.tif").write_text("Dear archivist, " * 100)
    bench.run(lambda: "archive" in bench.alarms())
    bench.run_for(0.3)
    assert list(bench.station.archive.iterdir()) == []
    assert all(source.exists() for source in (*sources, bench.drop / "letter.tif"))
    assert len(bench.queued()) == 1
    bench.station.archive.rmdir()
    away.rename(bench.station.archive)
    bench.run_until_queued(2)
    bench.run(lambda: not any(source.exists() for source in sources))
    assert bench.alarms() == set()


def test_a_database_that_was_replaced_takes_nothing_more(bench):
    source = write_inside(bench.drop / "a.tif", 1)
    bench.station.database.unlink()
    with pytest.raises(DatabaseReplacedError, match="removed or replaced while it was in use"):
        bench.run_until_queued(1)
    assert source.exists()
    assert list(Archive(bench.station.archive).frames()) == []


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


def test_a_file_that_breaks_a_rule_of_ours_is_an_alarm_and_the_others_go_on(bench, monkeypatch):
    inspect = Arrivals._inspect

    def fail_for_one(arrivals, row):
        if row.path == "bad.tif":
            raise ZeroDivisionError("unforeseen")
        inspect(arrivals, row)

    monkeypatch.setattr(Arrivals, "_inspect", fail_for_one)
    write_inside(bench.drop / "bad.tif", 1)
    write_inside(bench.drop / "good.tif", 2)
    bench.run_until_queued(1)
    assert bench.queued()[0].source == "good.tif"
    bench.run(lambda: bench.alarms() == {f"file:{bench.drop}"})
    (bench.drop / "bad.tif").unlink()
    bench.run(lambda: not bench.alarms())


def test_a_source_that_cannot_be_moved_is_an_alarm_until_it_can_and_its_frame_is_archived_once(bench):
    (bench.root / "elsewhere").mkdir()
    (bench.drop / "_done").symlink_to(bench.root / "elsewhere")
    source = write_inside(bench.drop / "r" / "a.tif", 1)
    bench.run(lambda: f"put_away:{bench.drop}" in bench.alarms())
    bench.restart()
    bench.run_for(0.3)
    assert source.exists()
    assert f"put_away:{bench.drop}" in bench.alarms()
    assert len(bench.queued()) == 1
    (bench.drop / "_done").unlink()
    bench.run(lambda: not bench.alarms())
    assert (bench.drop / "_done" / TODAY / "r" / "a.tif").exists()
    assert len(bench.queued()) == 1
    assert list((bench.root / "elsewhere").iterdir()) == []


def test_a_duplicate_that_cannot_be_moved_is_tried_again(bench):
    twin = write_inside(bench.drop / "a.tif", 1).read_bytes()
    bench.run_until_queued(1)
    (bench.drop / "_duplicates").symlink_to(bench.root)
    (bench.drop / "b.tif").write_bytes(twin)
    bench.run(lambda: f"put_away:{bench.drop}" in bench.alarms())
    (bench.drop / "_duplicates").unlink()
    bench.run(lambda: (bench.drop / "_duplicates" / "b.tif").exists())
    assert bench.alarms() == set()


def test_a_source_that_changed_unnoticed_after_it_was_archived_is_archived_again(bench):
    (bench.drop / "_done").symlink_to(bench.root)
    source = write_inside(bench.drop / "a.tif", 1)
    bench.run(lambda: f"put_away:{bench.drop}" in bench.alarms())
    when = source.stat().st_mtime_ns
    other = bytearray(source.read_bytes())
    other[60_000:60_010] = bytes(range(10))
    source.write_bytes(other)
    os.utime(source, ns=(when, when))
    (bench.drop / "_done").unlink()
    bench.restart()
    bench.run_until_queued(2)
    assert bench.raw(bench.queued()[1]).read_bytes() == other


def test_where_the_kernel_gives_no_events_an_alarm_says_so(bench):
    bench.rounds.tell_of_events("/drop: cannot get events, the folder is polled instead: the limit is reached")
    assert bench.alarms() == {f"events:{bench.drop}"}
    bench.rounds.tell_of_events("")
    assert bench.alarms() == set()


def test_a_subfolder_that_cannot_be_read_is_an_alarm_and_the_others_go_on(bench):
    deep = bench.drop.joinpath(*["d"] * 66)
    write_inside(deep / "a.tif", 1)
    write_inside(bench.drop / "b.tif", 2)
    bench.run_until_queued(1)
    assert bench.alarms() == {f"unread:{bench.drop}"}


def test_a_picture_in_colours_that_is_named_like_an_infrared_becomes_a_frame_of_its_own(bench):
    pictures = [write_picture(bench.drop / "r" / name, seed) for seed, name in enumerate(("a.tif", "a_ir.tif"))]
    hashes = {digest(path) for path in pictures}
    bench.run_until_queued(2)
    assert {digest(bench.raw(job)) for job in bench.queued()} == hashes
    assert [[file.role for file in job.request.originals] for job in bench.queued()] == [["raw"], ["raw"]]


def test_a_picture_with_its_infrared_inside_is_taken_at_once_whatever_its_name(make_bench):
    bench = make_bench(pair_timeout_s=60.0)
    write_inside(bench.drop / "r" / "a_ir.tif", 1)
    bench.run_until_queued(1)
    assert bench.queued()[0].request.flags == ()


def test_a_file_dated_in_the_future_is_archived_with_a_flag(bench):
    source = write_inside(bench.drop / "a.tif", 1)
    os.utime(source, (10_413_792_000, 10_413_792_000))
    bench.run_until_queued(1)
    assert bench.queued()[0].request.flags == ("time_in_future",)


def test_links_pipes_and_empty_files_are_named_and_left(make_bench):
    bench = make_bench(replace(TIMING, max_settle_s=0.2))
    (bench.drop / "link.tif").symlink_to("/etc/passwd")
    (bench.drop / "folder").symlink_to("/etc")
    os.mkfifo(bench.drop / "pipe.tif")
    (bench.drop / "empty.tif").touch()
    bench.run(lambda: len(bench.rows(CandidateState.QUARANTINED)) == 4)
    reasons = {row.path: row.reason for row in bench.rows()}
    assert reasons["folder"] == reasons["link.tif"]
    assert "links are not followed" in reasons["link.tif"]
    assert "no file" in reasons["pipe.tif"]
    assert reasons["empty.tif"].startswith("empty.")
    write_inside(bench.drop / "empty.tif", 1)
    bench.run_until_queued(1)
    assert [row.in_place for row in bench.rows(CandidateState.QUARANTINED) if row.path == "empty.tif"] == [False]


def test_the_world_is_waited_for_and_a_mistake_of_ours_is_called_unexpected(bench, monkeypatch):
    write_inside(bench.drop / "a.tif", 1)
    failures = iter([OSError(errno.EMFILE, "Too many open files"), ValueError("a mistake")])
    claim = bench.rounds._claimer.claim
    seen = []

    def fail(*halves, **words):
        seen.extend(alarm.message for alarm in Alarms(bench.connection).standing())
        for error in failures:
            raise error
        return claim(*halves, **words)

    monkeypatch.setattr(bench.rounds._claimer, "claim", fail)
    bench.run_until_queued(1)
    assert seen == ["Too many open files", "a.tif: unexpected ValueError: a mistake; the other files go on"]
    assert bench.alarms() == set()
