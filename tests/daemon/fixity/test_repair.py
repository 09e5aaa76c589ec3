"""Repair brings back what is damaged, keeps the damaged file, and never touches what is right."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.events import EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS, FIXITY_LOG
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.database.keeping.audits import frozen_rolls
from filmscand.daemon.fixity import repair as module
from filmscand.daemon.fixity.compare import compare
from filmscand.daemon.fixity.findings import note_verification
from filmscand.daemon.fixity.repair import note_damage, repair, rolls_to_verify
from support.kept_station import OPEN, RAW, SEALED, add, cut, flip, remove, swap

ORIGINAL = f"{OPEN}/{RAW.format('k')}"


@pytest.fixture
def copy(live, tmp_path):
    return shutil.copytree(live.archive.root, tmp_path / "copy")


def content_of(folder, without=".filmscand"):
    files = (path for path in folder.rglob("*") if path.is_file())
    paths = {path: path.relative_to(folder) for path in files}
    return {
        str(name): path.read_bytes()
        for path, name in paths.items()
        if name.parts[0] != without and name.name != EVENTS.name
    }


def repaired(live, copy):
    comparison = compare(live.station, copy)
    done = repair(live.station, copy, comparison)
    report = verify_rolls(live.archive, rolls_to_verify(comparison, done), live.station.database)
    note_verification(live.station, report)
    return done, report


HARMS = [
    *((harm, f"{roll}/{RAW.format(roll[-1])}") for harm in (flip, cut, remove, swap, add) for roll in (OPEN, SEALED)),
    (remove, f"{OPEN}/data/k_0001"),
    (remove, OPEN),
    (remove, SEALED),
    (cut, f"{OPEN}/data/k_0001/k_0001.json"),
    (remove, f"{OPEN}/{EVENTS}"),
    (remove, f"{SEALED}/bagit.txt"),
    (flip, f"{SEALED}/manifest-sha512.txt"),
]


@pytest.mark.parametrize(("harm", "name"), HARMS)
def test_whatever_was_damaged_is_as_it_was(live, copy, connection, harm, name):
    whole, of_copy = content_of(live.archive.root), content_of(copy)
    harm(live.archive.root / name)
    _, report = repaired(live, copy)
    assert report.problems == ()
    assert content_of(live.archive.root) == whole
    assert content_of(copy) == of_copy
    assert frozen_rolls(connection) == ()
    assert repaired(live, copy)[0] == ()


def test_the_damaged_file_is_kept_outside_of_the_roll_and_an_event_tells_of_it(live, copy):
    flip(live.archive.root / ORIGINAL)
    damaged = (live.archive.root / ORIGINAL).read_bytes()
    (done,), _ = repaired(live, copy)
    assert done.path == ORIGINAL
    assert done.copied_from == str(copy / ORIGINAL)
    assert done.moved_to.startswith(".filmscand/damaged/")
    assert (live.archive.root / done.moved_to).read_bytes() == damaged
    assert (live.archive.root / ORIGINAL).stat().st_mode & 0o777 == 0o440
    events = list(read_events(live.archive.root / OPEN / EVENTS))
    (event,) = [event for event in events if event.type is EventType.RECOVERY]
    assert (event.about, event.detail.moved_to) == ("k_0001_raw.tif", done.moved_to)
    assert "the file that lay there is now .filmscand/damaged/" in str(done)


def test_the_event_of_a_sealed_roll_goes_to_the_archives_own(live, copy):
    remove(live.archive.root / SEALED / RAW.format("s"))
    (done,), report = repaired(live, copy)
    assert (done.moved_to, report.problems) == (None, ())
    assert EventType.RECOVERY in {event.type for event in read_events(live.archive.root / FIXITY_LOG)}


def test_what_is_right_is_never_touched_though_the_copy_differs(live, copy):
    flip(copy / ORIGINAL)
    remove(copy / SEALED / "bagit.txt")
    add(copy / SEALED / RAW.format("s"))
    before = content_of(live.archive.root)
    done, _ = repaired(live, copy)
    assert done == ()
    assert content_of(live.archive.root) == before


def test_what_neither_side_has_is_left_as_it_is(live, copy, connection):
    for top in (live.archive.root, copy):
        flip(top / ORIGINAL)
    before = content_of(live.archive.root)
    done, report = repaired(live, copy)
    assert (done, report.damaged) == ((), True)
    assert content_of(live.archive.root) == before
    assert [one.name for one in frozen_rolls(connection)] == [OPEN]


def test_a_file_that_was_put_right_since_the_comparison_stays(live, copy):
    flip(live.archive.root / ORIGINAL)
    comparison = compare(live.station, copy)
    flip(live.archive.root / ORIGINAL)
    before = (live.archive.root / ORIGINAL).stat()
    assert repair(live.station, copy, comparison) == ()
    after = (live.archive.root / ORIGINAL).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_copy_that_went_bad_since_the_comparison_is_not_used(live, copy):
    flip(live.archive.root / ORIGINAL)
    comparison = compare(live.station, copy)
    flip(copy / ORIGINAL)
    assert repair(live.station, copy, comparison) == ()


def test_a_copy_that_is_read_differently_leaves_no_wrong_file(live, copy, monkeypatch):
    flip(live.archive.root / ORIGINAL)
    monkeypatch.setattr(module, "copy_bytes", lambda _, out: out.write(b"other bytes"))
    with pytest.raises(IntegrityError, match="read differently"):
        repaired(live, copy)
    assert not (live.archive.root / ORIGINAL).exists()
    aside = [path.read_bytes() for path in (live.archive.root / ".filmscand/damaged").rglob("*.tif")]
    assert len(aside) == 2
    monkeypatch.undo()
    assert repaired(live, copy)[1].problems == ()


KILLED = """
import os, sys
from pathlib import Path
from filmscand.daemon.fixity import repair as module
from filmscand.daemon.fixity.compare import compare
from filmscand.daemon.station.configuration import load_station

station, copy = load_station(Path(sys.argv[1])), Path(sys.argv[2])
module.publish = lambda *_, **__: os.kill(os.getpid(), 9)
module.repair(station, copy, compare(station, copy))
"""


def test_a_repair_that_is_killed_before_the_file_is_back_can_be_run_again(live, copy, connection):
    whole = (live.archive.root / ORIGINAL).read_bytes()
    flip(live.archive.root / ORIGINAL)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(live.config), str(copy)], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert not (live.archive.root / ORIGINAL).exists()
    assert [one.name for one in frozen_rolls(connection)] == [OPEN]
    assert len(list((live.archive.root / ".filmscand/damaged").rglob("*.tif"))) == 1
    _, report = repaired(live, copy)
    assert report.problems == ()
    assert (live.archive.root / ORIGINAL).read_bytes() == whole
    assert frozen_rolls(connection) == ()


def test_a_link_in_place_of_a_folder_is_moved_aside(live, copy, tmp_path):
    folder = live.archive.root / OPEN / "data/k_0001"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    _, report = repaired(live, copy)
    assert report.problems == ()
    assert not folder.is_symlink()
    assert (tmp_path / "elsewhere").is_dir()


def test_the_rolls_are_frozen_before_the_first_file_is_touched(live, copy, connection, monkeypatch):
    flip(live.archive.root / ORIGINAL)
    seen = []
    monkeypatch.setattr(module, "publish", lambda *_, **__: seen.extend(frozen_rolls(connection)))
    with pytest.raises(IntegrityError):
        repair(live.station, copy, compare(live.station, copy))
    assert [one.name for one in seen] == [OPEN]


def test_a_comparison_alone_freezes_what_it_finds_damaged(live, copy, connection):
    remove(live.archive.root / ORIGINAL)
    note_damage(live.station, compare(live.station, copy))
    (frozen,) = frozen_rolls(connection)
    assert [(one.path, one.kind) for one in frozen.damage] == [(RAW.format("k"), "missing")]
    assert Path(frozen.name) == Path(OPEN)
