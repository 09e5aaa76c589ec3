"""The records tell what a roll has to hold, whichever copy still has them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.known import EVENTS, Known, read_known
from filmscand.daemon.database.frames import find_frame
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.fixity.truth import items_of
from support.kept_station import (
    OPEN,
    OPEN_FRAMES,
    RAW,
    SEALED,
    add,
    cut,
    flip,
    make_station,
    open_station,
    remove,
    reopen,
    swap,
)


@pytest.fixture
def copy(live, tmp_path):
    return shutil.copytree(live.archive.root, tmp_path / "copy")


@pytest.fixture
def wrong(live, copy):
    """Return a function: what is wrong on each side, by the path below the roll."""

    def wrong(roll, known=None):
        known = known or read_known(live.station.database).of_roll(Path(roll))
        tops = (live.archive.root, copy)
        sides = {}
        for item in items_of(tops, Path(roll), known):
            bad = [item.problem(top) is not None for top in tops]
            if any(bad):
                sides[item.path.relative_to(roll).as_posix()] = tuple(bad)
        return sides

    return wrong


@pytest.mark.parametrize("roll", [OPEN, SEALED])
def test_two_copies_that_are_sound_have_nothing_wrong(wrong, roll):
    assert wrong(roll) == {}
    assert wrong(roll, Known()) == {}


@pytest.mark.parametrize("roll", [OPEN, SEALED])
@pytest.mark.parametrize("harm", [flip, cut, remove, swap])
def test_a_damaged_file_is_wrong_on_its_side(live, wrong, roll, harm):
    raw = RAW.format(roll[-1])
    harm(live.archive.root / roll / raw)
    assert wrong(roll)[raw] == (True, False)


@pytest.mark.parametrize("roll", [OPEN, SEALED])
def test_what_no_record_names_should_not_be_there(live, wrong, roll):
    add(live.archive.root / roll / RAW.format(roll[-1]))
    assert wrong(roll) == {f"data/{roll[-1]}_0001/notes.txt": (True, False)}


RECORDS = [
    (OPEN, "data/k_0001/k_0001.json"),
    (OPEN, EVENTS.as_posix()),
    (OPEN, "metadata/roll.json"),
    (SEALED, "tagmanifest-sha512.txt"),
    (SEALED, "manifest-sha512.txt"),
    (SEALED, "bagit.txt"),
    (SEALED, "data/s_0001/s_0001.json"),
]


@pytest.mark.parametrize(("roll", "name"), RECORDS)
@pytest.mark.parametrize("harm", [cut, remove])
def test_a_record_that_one_side_lost_is_proved_by_the_other(live, copy, wrong, roll, name, harm):
    harm(live.archive.root / roll / name)
    flip(copy / roll / RAW.format(roll[-1]))
    assert wrong(roll) == {name: (True, False), RAW.format(roll[-1]): (False, True)}


def test_a_record_that_neither_side_has_speaks_for_nobody(live, copy, wrong):
    for top in (live.archive.root, copy):
        flip(top / SEALED / "tagmanifest-sha512.txt")
        cut(top / OPEN / "data/k_0001/k_0001.json")
    assert wrong(SEALED) == {"tagmanifest-sha512.txt": (True, True)}
    assert wrong(OPEN)["data/k_0001/k_0001.json"] == (True, True)


def test_an_infrared_that_is_just_being_taken_up_is_no_stranger(live, wrong):
    (live.archive.root / OPEN / "data/k_0001/k_0001_ir.tif").write_bytes(b"late")
    assert wrong(OPEN) == {"data/k_0001/k_0001_ir.tif": (True, False)}
    with open_station(live) as connection:
        queue = Queue(connection)
        queue.retry(find_frame(connection, OPEN_FRAMES[0]).job_id)
    assert wrong(OPEN) == {}


def test_the_mark_of_a_sealed_roll_comes_last_and_a_sidecar_after_its_files(live, copy):
    tops, known = (live.archive.root, copy), read_known(live.station.database)
    sealed = [item.path.name for item in items_of(tops, Path(SEALED), known.of_roll(Path(SEALED)))]
    assert sealed[-2:] == ["tagmanifest-sha512.txt", "bagit.txt"]
    opened = [item.path.name for item in items_of(tops, Path(OPEN), known.of_roll(Path(OPEN)))]
    assert opened.index("k_0001_raw.tif") < opened.index("k_0001.json") < opened.index("k_0002_raw.tif")


def test_a_sidecar_with_names_that_lead_elsewhere_proves_nothing(live, copy, wrong):
    for top in (live.archive.root, copy):
        path = top / OPEN / "data/k_0001/k_0001.json"
        path.write_text(path.read_text().replace('"k_0001_raw.tif"', '"../k_0002/k_0002_raw.tif"'))
        (top / OPEN / EVENTS).write_text("")
    items = {item.path.name for item in items_of((live.archive.root, copy), Path(OPEN), Known())}
    assert "k_0001_r01_mask.png" not in items


REOPENED = [
    (flip, RAW.format("s")),
    (remove, "data/s_0002/s_0002.json"),
    (flip, "metadata/roll.json"),
    (flip, "manifest-sha512.txt"),
    (cut, "tagmanifest-sha512.txt"),
    (remove, "bagit.txt"),
    (remove, "reopened.json"),
]


@pytest.mark.parametrize(("harm", "name"), REOPENED)
def test_a_reopened_roll_is_proved_by_its_sidecars_and_its_last_generation(live, tmp_path, wrong, harm, name):
    reopen(live)
    shutil.copytree(live.archive.root, tmp_path / "copy", dirs_exist_ok=True)
    assert wrong(SEALED) == {}
    harm(live.archive.root / SEALED / name)
    assert wrong(SEALED) == {name: (True, False)}


def test_a_copy_of_the_generation_before_proves_what_a_reopened_roll_keeps(live, wrong):
    reopen(live)
    flip(live.archive.root / SEALED / RAW.format("s"))
    flip(live.archive.root / SEALED / "manifest-sha512.txt")
    found = wrong(SEALED)
    assert [name for name, sides in found.items() if sides == (True, False)] == [RAW.format("s"), "manifest-sha512.txt"]
    # The copy has the sidecar and the events of before.
    older = {"data/s_0001/s_0001.json", "metadata/events.jsonl", "reopened.json"}
    assert {name for name, (here, _) in found.items() if not here} == older


def test_every_tag_manifest_is_proved_by_the_strongest(tmp_path):
    live = make_station(tmp_path / "both", bag={"manifests": ["sha512", "md5"]})
    copy = shutil.copytree(live.archive.root, tmp_path / "other")
    tops, known = (live.archive.root, copy), read_known(live.station.database).of_roll(Path(SEALED))
    weaker = next(item for item in items_of(tops, Path(SEALED), known) if item.path.name == "tagmanifest-md5.txt")
    assert [weaker.problem(top) for top in tops] == [None, None]
    path = live.archive.root / SEALED / "tagmanifest-md5.txt"
    path.write_text(path.read_text().translate(str.maketrans("01", "10")))
    assert [weaker.problem(top) is None for top in tops] == [False, True]
