"""Watch folders: what is seen there, when it has come to rest, and which files are one frame."""

import os
import subprocess
import sys
import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.database.candidates import Candidate, CandidateState
from filmscand.daemon.ingest.pairing import (
    Arrived,
    ClaimFrame,
    LeaveToPerson,
    PairRules,
    WaitForPartner,
    decide_pairs,
    natural_key,
)
from filmscand.daemon.ingest.settling import FileStat, heard_end, is_quiet, look_again, next_look_s, stat_of
from filmscand.daemon.ingest.watch import is_being_written, is_network_mount, listen, require_apart, sweep
from filmscand.daemon.station.configuration import PairRule, Watch

SETTLED = FileStat(1000, 1)
MOUNTS = """\
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 21 0:40 / /mnt/nas rw - cifs //nas/scans rw
31 21 0:41 / /mnt/lab\\040share rw - nfs4 lab:/scans rw
32 30 8:2 / /mnt/nas/local rw - xfs /dev/sdb1 rw
33 21 0:50 / /media/vm rw - fuse.sshfs host:/ rw
34 21 0:51 / /run/portal rw - fusectl none rw
"""


def looks(*at_s, stat=SETTLED, ended=False):
    look = None
    for now_s in at_s:
        look = look_again(look, stat, now_s)
    return heard_end(look) if ended else look


@pytest.mark.parametrize(
    ("look", "rests"),
    [
        pytest.param(looks(0.0, 2.0, 5.0), True, id="three-looks-over-the-whole-time"),
        pytest.param(looks(0.0, 5.0), False, id="long-enough-but-looked-at-twice"),
        pytest.param(looks(0.0, 1.0, 2.0, 3.0, 4.0), False, id="looked-at-often-but-not-for-long"),
        pytest.param(looks(0.0, 1.0, 2.0, ended=True), True, id="closed-by-its-writer-shortens"),
        pytest.param(looks(0.0, 0.5, 1.0, ended=True), False, id="closed-by-its-writer-does-not-end"),
    ],
)
def test_a_file_rests_after_enough_time_and_looks(look, rests):
    assert is_quiet(look, 5.0) is rests


def test_any_change_begins_the_wait_anew_and_forgets_what_was_heard():
    changed = look_again(looks(0.0, 2.0, 4.0, ended=True), FileStat(1000, 2), 6.0)
    assert (changed.times, changed.age_s, changed.ended) == (1, 0.0, False)


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.booleans()), max_size=40), st.floats(0.1, 60.0))
@settings(max_examples=60, deadline=None)
def test_no_file_that_changed_within_the_quiet_time_ever_rests(steps, quiet_s):
    now_s, changed_s, size, look = 0.0, 0.0, 1, None
    for pause_s, grows in steps:
        now_s += pause_s
        if grows:
            size, changed_s = size + 1, now_s
        look = look_again(look, FileStat(size, 1), now_s)
        assert next_look_s(look, quiet_s) > now_s
        if is_quiet(look, quiet_s):
            assert now_s - changed_s >= quiet_s or changed_s == 0.0


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        pytest.param("/var/drop", False, id="local-disk"),
        pytest.param("/mnt/nas/drop", True, id="windows-share"),
        pytest.param("/mnt/nas/local/drop", False, id="local-disk-below-a-share"),
        pytest.param("/mnt/nasty", False, id="only-the-name-begins-alike"),
        pytest.param("/mnt/lab share/in", True, id="nfs-with-a-space-in-its-name"),
        pytest.param("/media/vm", True, id="user-space-file-system"),
        pytest.param("/run/portal", False, id="no-files-of-anybody"),
    ],
)
def test_the_mount_tells_whether_events_can_be_trusted(tmp_path, folder, network):
    assert is_network_mount(tmp_path.__class__(folder), MOUNTS) is network


def test_this_machine_has_a_mount_table(tmp_path):
    assert is_network_mount(tmp_path) in (True, False)


def test_a_sweep_finds_scans_in_subfolders_and_nothing_else(tmp_path):
    wanted = {"a.tif", "roll 7/b.tif", "roll 7/deep/c.dng", "notes.txt"}
    unwanted = {
        ".hidden.tif",
        "d.tif~",
        "~lock.tif",
        "e.tif.part",
        "f.tmp",
        "Thumbs.db",
        "@eaDir/g.tif",
        ".stversions/h.tif",
    }
    ours = {"_done/2026-01-01/i.tif", "_failed/j.tif", "_duplicates/k.tif", "__MACOSX/l.tif"}
    for name in wanted | unwanted | ours:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"counts")
    (tmp_path / "empty.tif").touch()
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    (tmp_path / "linked folder").symlink_to(tmp_path / "roll 7")
    os.mkfifo(tmp_path / "pipe.tif")
    found = sweep(tmp_path)
    assert set(found) == wanted
    assert found["a.tif"] == stat_of(tmp_path / "a.tif")


def test_a_folder_that_went_away_is_an_error_and_not_an_empty_one(tmp_path):
    with pytest.raises(FileNotFoundError):
        sweep(tmp_path / "unmounted")


def test_what_is_no_plain_file_looks_like_nothing(tmp_path):
    (tmp_path / "link.tif").symlink_to("/etc/passwd")
    assert stat_of(tmp_path / "link.tif") is None
    assert stat_of(tmp_path) is None
    assert stat_of(tmp_path / "missing") is None


def test_a_file_is_being_written_while_another_process_has_it_open(tmp_path):
    path = tmp_path / "slow.tif"
    path.write_bytes(b"counts")
    hold = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        assert is_being_written(path)
        writer.communicate()
    assert not is_being_written(path)


def test_reading_a_file_is_not_writing_it(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(b"counts")
    with path.open("rb"):
        assert not is_being_written(path)


def heard_within(events, wake, wanted, at_most_s=5.0):
    ended, dirty = set(), set()
    deadline_s = time.monotonic() + at_most_s
    while time.monotonic() < deadline_s and not wanted <= ended | dirty:
        wake.wait(0.2)
        wake.clear()
        changes = events.collect()
        ended |= changes.finished
        dirty |= changes.modified
    return ended, dirty


def test_events_tell_of_files_written_and_moved_in_below_the_folder(tmp_path):
    drop, elsewhere = tmp_path / "drop", tmp_path / "elsewhere"
    (drop / "roll").mkdir(parents=True)
    elsewhere.mkdir()
    wake = threading.Event()
    events = listen(Watch(path=drop), network=False, wake=wake)
    try:
        (drop / "roll" / "written.tif").write_bytes(b"counts")
        (drop / "ready.tif.part").write_bytes(b"counts")
        (drop / "ready.tif.part").rename(drop / "ready.tif")
        (elsewhere / "moved.tif").write_bytes(b"counts")
        (elsewhere / "moved.tif").rename(drop / "moved.tif")
        ended, dirty = heard_within(events, wake, {"roll/written.tif", "ready.tif", "moved.tif"})
    finally:
        events.stop()
    assert {"roll/written.tif", "ready.tif"} <= ended
    assert "moved.tif" in ended | dirty
    assert "ready.tif.part" not in ended | dirty


def test_a_network_share_is_polled(tmp_path):
    assert listen(Watch(path=tmp_path), network=True, wake=threading.Event()) is None


@pytest.mark.parametrize(
    ("watched", "output"),
    [
        pytest.param("drop", "drop/archive", id="archive-below-the-folder"),
        pytest.param("archive/drop", "archive", id="folder-below-the-archive"),
        pytest.param("link", "archive", id="by-way-of-a-link"),
    ],
)
def test_a_watch_folder_that_overlaps_the_archive_is_refused(tmp_path, watched, output):
    (tmp_path / "archive" / "drop").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "archive" / "drop")
    with pytest.raises(ConfigError, match="overlap"):
        require_apart((Watch(path=tmp_path / watched),), {"the archive": tmp_path / output})


def test_watch_folders_within_each_other_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="overlap"):
        require_apart((Watch(path=tmp_path / "a"), Watch(path=tmp_path / "a" / "b")), {})


def test_folders_side_by_side_are_fine(tmp_path):
    require_apart(
        (Watch(path=tmp_path / "drop"), Watch(path=tmp_path / "drop2")),
        {"the archive": tmp_path / "archive", "the database": tmp_path / "station.db"},
    )


def arrived(path, since=0.0, holds_infrared=False):
    row = Candidate(hash(path), "/drop", path, 1000, 1, CandidateState.COMPLETE, None, True, None, 0, 0.0, since, since)
    return Arrived(row, holds_infrared)


def decide(*files, rule=PairRule.OPTIONAL, now=0.0, coming=()):
    return [
        (kind.__name__, *(getattr(decision, name).path for name in names if getattr(decision, name) is not None))
        for decision in decide_pairs(files, coming, PairRules(rule, 180.0), now)
        for kind, names in [(type(decision), _NAMES[type(decision)])]
    ]


_NAMES = {ClaimFrame: ("picture", "infrared"), LeaveToPerson: ("candidate",), WaitForPartner: ("candidate",)}


@pytest.mark.parametrize(
    "files",
    [("a.tif", "a_ir.tif"), ("a_IR.tiff", "a.tif"), ("r/a.dng", "r/a.dng.ir.tiff"), ("a.tif", "ir_a.tif")],
    ids=lambda files: " ".join(files),
)
def test_two_halves_are_one_frame_whichever_came_first(files):
    picture = next(name for name in files if "ir" not in name.lower().replace("dng.ir", "ir") or name.endswith(".dng"))
    infrared = next(name for name in files if name != picture)
    assert decide(*map(arrived, files)) == [("ClaimFrame", picture, infrared)]


def test_halves_in_different_folders_have_nothing_to_do_with_each_other():
    assert decide(arrived("r1/a.tif"), arrived("r2/a_ir.tif")) == [
        ("WaitForPartner", "r1/a.tif"),
        ("WaitForPartner", "r2/a_ir.tif"),
    ]


def test_a_picture_with_its_infrared_inside_waits_for_nobody():
    assert decide(arrived("a.tif", holds_infrared=True), rule=PairRule.REQUIRED) == [("ClaimFrame", "a.tif")]


def test_the_other_half_is_waited_for_and_then_done_without():
    assert decide(arrived("a.tif"), now=179.0) == [("WaitForPartner", "a.tif")]
    assert decide(arrived("a.tif"), now=181.0) == [("ClaimFrame", "a.tif")]


def test_where_infrared_is_required_a_person_is_asked():
    assert decide(arrived("a.tif"), rule=PairRule.REQUIRED, now=181.0) == [("LeaveToPerson", "a.tif")]


def test_a_half_that_is_still_being_written_is_waited_for_however_long_it_takes():
    assert decide(arrived("a.tif"), now=9999.0, coming=["a_ir.tif"]) == [("WaitForPartner", "a.tif")]


def test_an_infrared_alone_is_never_a_frame():
    assert decide(arrived("a_ir.tif"), now=179.0) == [("WaitForPartner", "a_ir.tif")]
    assert decide(arrived("a_ir.tif"), now=181.0) == [("LeaveToPerson", "a_ir.tif")]


def test_files_that_fit_each_other_in_several_ways_are_left_to_a_person():
    found = decide(arrived("a.tif"), arrived("a_ir.tif"), arrived("a-ir.tif"))
    assert sorted(found) == [("LeaveToPerson", "a-ir.tif"), ("LeaveToPerson", "a.tif"), ("LeaveToPerson", "a_ir.tif")]


def test_an_infrared_beside_a_picture_that_holds_its_own_is_left_to_a_person():
    found = decide(arrived("a.tif", holds_infrared=True), arrived("a_ir.tif"))
    assert found == [("ClaimFrame", "a.tif"), ("LeaveToPerson", "a_ir.tif")]


def test_without_pairing_every_file_is_a_frame():
    found = decide(arrived("a.tif"), arrived("a_ir.tif"), rule=PairRule.NONE)
    assert sorted(found) == [("ClaimFrame", "a.tif"), ("ClaimFrame", "a_ir.tif")]


def test_frames_are_taken_in_the_order_a_person_would_count():
    names = ["b10.tif", "b9.tif", "B1.tif", "a/2.tif", "b9a.tif"]
    found = decide(*(arrived(name, holds_infrared=True) for name in names))
    assert [path for _, path in found] == ["a/2.tif", "B1.tif", "b9.tif", "b9a.tif", "b10.tif"]


@given(st.integers(0, 10_000), st.integers(1, 10_000), st.text("ab_-. ", max_size=4))
@settings(max_examples=60, deadline=None)
def test_numbers_in_names_count_by_their_value(number, more, prefix):
    assert natural_key(f"{prefix}{number}.tif") < natural_key(f"{prefix}{number + more}.tif")


@given(st.lists(st.text("ab09²٣_-./é", max_size=8), max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_names_can_be_put_in_order(names):
    ordered = sorted(names, key=natural_key)
    assert all(natural_key(before) <= natural_key(after) for before, after in pairwise(ordered))
