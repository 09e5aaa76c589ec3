"""Comparing the archive with a copy says for each file which side is right."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.fixity.compare import NoCopyError, compare
from filmscand.daemon.maintenance.sealing.seal import seal
from support.kept_station import OPEN, OPEN_FRAMES, RAW, SEALED, add, flip, remove, reopen

ORIGINAL = f"{OPEN}/{RAW.format('k')}"


@pytest.fixture
def copy(live, tmp_path):
    return shutil.copytree(live.archive.root, tmp_path / "copy")


def told(comparison):
    return {one.path: (str(one.archive), str(one.copy), str(one.right)) for one in comparison.differences}


def state_of(folder):
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_a_copy_that_is_the_same_has_no_difference(live, copy):
    comparison = compare(live.station, copy)
    assert (told(comparison), comparison.copy_is_damaged, comparison.damage) == ({}, False, ())
    assert comparison.compared > 20


SIDES = {
    "the archive is changed": (flip, None, ("changed", "as recorded", "copy")),
    "the archive lacks it": (remove, None, ("missing", "as recorded", "copy")),
    "the copy is changed": (None, flip, ("as recorded", "changed", "archive")),
    "the copy lacks it": (None, remove, ("as recorded", "missing", "archive")),
    "both are changed": (flip, flip, ("changed", "changed", "neither")),
    "both lack it": (remove, remove, ("missing", "missing", "neither")),
}


@pytest.mark.parametrize("case", SIDES)
def test_the_records_decide_which_side_is_right(live, copy, case):
    here, there, expected = SIDES[case]
    for harm, top in ((here, live.archive.root), (there, copy)):
        if harm is not None:
            harm(top / ORIGINAL)
    before = state_of(copy)
    comparison = compare(live.station, copy)
    assert told(comparison) == {ORIGINAL: expected}
    assert bool(comparison.damage) == (expected[2] != "archive")
    assert comparison.copy_is_damaged == (expected[1] == "changed")
    assert len(comparison.repairable) == (expected[2] == "copy")
    assert state_of(copy) == before


def test_an_extra_file_is_right_where_it_is_missing(live, copy):
    add(live.archive.root / ORIGINAL)
    add(copy / SEALED / RAW.format("s"))
    assert told(compare(live.station, copy)) == {
        f"{OPEN}/data/k_0001/notes.txt": ("extra", "missing", "copy"),
        f"{SEALED}/data/s_0001/notes.txt": ("missing", "extra", "archive"),
    }


def test_an_older_copy_is_not_damaged(live, copy):
    sidecar = live.archive.read_sidecar(OPEN_FRAMES[0])
    live.archive.write_sidecar(OPEN_FRAMES[0], sidecar.model_copy(update={"flags": ("late_infrared",)}))
    from filmscand.daemon.archive.records.known import frame_records
    from filmscand.daemon.database.archive_records import write_records
    from support.kept_station import open_station

    with open_station(live) as connection:
        write_records(connection, frame_records(connection, live.archive.root, OPEN_FRAMES[0]))
    comparison = compare(live.station, copy, (OPEN,))
    assert set(told(comparison).values()) == {("as recorded", "older", "archive")}
    assert (comparison.copy_is_damaged, comparison.damage) == (False, ())


def test_only_the_rolls_that_are_named_are_compared(live, copy):
    flip(live.archive.root / ORIGINAL)
    assert told(compare(live.station, copy, (SEALED,))) == {}
    with pytest.raises(FrameMissingError, match="c/b/none"):
        compare(live.station, copy, ("c/b/none",))


def test_a_roll_that_is_gone_here_is_in_the_copy(live, copy):
    remove(live.archive.root / OPEN)
    comparison = compare(live.station, copy)
    assert {one[2] for one in told(comparison).values()} == {"copy"}


def test_a_folder_that_is_no_copy_is_refused(live, tmp_path):
    (tmp_path / "empty").mkdir()
    for folder, found in ((tmp_path / "empty", "none of its rolls"), (tmp_path / "no", "no folder")):
        with pytest.raises(NoCopyError, match=found):
            compare(live.station, folder)
    with pytest.raises(NoCopyError, match="the archive itself"):
        compare(live.station, live.archive.root)


def test_a_copy_of_an_earlier_generation_is_not_damaged(live, copy):
    reopen(live)
    for change in (lambda: None, lambda: seal(live.station, SEALED)):
        change()
        comparison = compare(live.station, copy, (SEALED,))
        assert f"{SEALED}/data/s_0001/s_0001.json" in told(comparison)
        assert {one[2] for one in told(comparison).values()} == {"archive"}
        assert (comparison.copy_is_damaged, comparison.damage) == (False, ())
