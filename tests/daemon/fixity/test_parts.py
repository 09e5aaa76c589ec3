"""Reading a roll part by part finds what verifying the whole roll finds, in the part where it lies."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.keeping.audits import Part
from filmscand.daemon.fixity.parts import PartReader
from filmscand.daemon.maintenance.losses import accept_losses
from filmscand.daemon.maintenance.sealing.seal import seal
from support.archive_frames import write
from support.kept_station import OPEN, OPEN_FRAMES, RAW, SEALED, SEALED_FRAMES, add, cut, flip, remove, reopen, swap

FRAMES = {OPEN: OPEN_FRAMES, SEALED: SEALED_FRAMES}


@pytest.fixture
def reader(archive, connection):
    return PartReader(archive, connection)


def damage(reader, roll):
    """Return the damage of each part of a roll, by number, without the parts that are sound."""
    names = roll.split("/")
    parts = [Part(*names), *map(Part.of, FRAMES[roll])]
    found = {part.number: [one.path for one in reader.read(part).damage] for part in parts}
    return {number: sorted(paths) for number, paths in found.items() if paths}


@pytest.mark.parametrize("roll", [OPEN, SEALED])
def test_a_roll_that_is_as_it_was_left_is_sound(reader, roll):
    assert damage(reader, roll) == {}
    records = reader.read(Part(*roll.split("/")))
    assert records.told == tuple(map(Part.of, FRAMES[roll]))


HARMS = {"a bit flipped": flip, "a file cut": cut, "a file removed": remove, "a file swapped": swap}


@pytest.mark.parametrize("roll", [OPEN, SEALED])
@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_file_is_named_in_its_part(live, reader, roll, harm):
    raw = RAW.format(roll[-1])
    HARMS[harm](live.archive.root / roll / raw)
    other = [raw.replace("raw", "r01_clean")] if harm == "a file swapped" else []
    assert damage(reader, roll) == {1: [*other, raw]}


@pytest.mark.parametrize("roll", [OPEN, SEALED])
def test_a_file_that_was_added_is_named_in_its_part(live, reader, roll):
    add(live.archive.root / roll / RAW.format(roll[-1]))
    name = roll[-1]
    assert damage(reader, roll) == {1: [f"data/{name}_0001/notes.txt"]}


RECORDS = [
    (remove, OPEN, EVENTS),
    (flip, OPEN, EVENTS),
    (remove, OPEN, "metadata/roll.json"),
    (remove, SEALED, EVENTS),
    (flip, SEALED, "metadata/roll.json"),
    (remove, SEALED, "bagit.txt"),
    (flip, SEALED, "tagmanifest-sha512.txt"),
    (add, SEALED, "metadata/roll.json"),
    (add, SEALED, "data/s_0001"),
]


@pytest.mark.parametrize(("harm", "roll", "name"), RECORDS)
def test_damage_of_the_records_is_found_with_the_records(live, reader, harm, roll, name):
    harm(live.archive.root / roll / name)
    found = damage(reader, roll)
    assert 0 in found
    assert verify_rolls(live.archive, (roll,), live.station.database).damaged


def test_frames_that_are_gone_are_missing(live, reader):
    for roll in FRAMES:
        remove(live.archive.root / roll / "data" / f"{roll[-1]}_0001")
    assert damage(reader, OPEN) == {1: ["data/k_0001"]}
    assert all(path.startswith("data/s_0001/") for path in damage(reader, SEALED)[1])
    assert 0 not in damage(reader, SEALED)


def test_a_roll_that_is_gone_is_missing_as_a_whole(live, reader):
    shutil.rmtree(live.archive.root / OPEN)
    assert damage(reader, OPEN)[0] == ["its folder"]


def test_what_nothing_knows_any_more_is_no_damage(reader):
    for part in (
        Part("c", "b", "k", 99),
        Part("c", "b", "s", 99),
        Part("no", "such", "roll"),
        Part("no", "such", "roll", 1),
    ):
        found = reader.read(part)
        assert (found.damage, found.is_known) == ((), False)


def test_a_loss_that_a_person_accepted_is_no_damage(live, reader):
    shutil.rmtree(live.archive.root / OPEN_FRAMES[0].folder)
    accept_losses(live.station, [str(OPEN_FRAMES[0])], "burnt")
    found = reader.read(Part.of(OPEN_FRAMES[0]))
    assert (found.damage, found.is_known) == ((), True)


def test_a_frame_that_is_not_cleaned_yet_is_no_damage(live, archive, reader, tmp_path):
    frame = FrameId("c", "b", "k", 3)
    archive.copy_original(frame, write(tmp_path / "new.tif", b"new"), Role.RAW)
    assert reader.read(Part.of(frame)).damage == ()
    assert Part.of(frame) in reader.read(Part(*OPEN.split("/"))).told


def test_a_link_in_place_of_a_frame_is_not_followed(live, reader):
    folder = live.archive.root / OPEN_FRAMES[0].folder
    folder.rename(folder.with_name("moved"))
    folder.symlink_to("moved")
    assert damage(reader, OPEN) == {1: ["data/k_0001"]}


def test_the_events_of_a_roll_are_read_anew_when_they_have_grown(live, archive, connection):
    connection.execute("DELETE FROM archive_records")
    reader = PartReader(archive, connection)
    part = Part.of(OPEN_FRAMES[0])
    assert reader.read(part).damage == ()
    sidecar = archive.read_sidecar(OPEN_FRAMES[0])
    archive.write_sidecar(OPEN_FRAMES[0], sidecar.model_copy(update={"flags": ("late_infrared",)}))
    assert reader.read(part).damage == ()
    path = archive.root / Path(OPEN_FRAMES[0].folder, f"{OPEN_FRAMES[0].stem}.json")
    path.write_bytes(sidecar.to_json())
    assert [one.path for one in reader.read(part).damage] == ["data/k_0001/k_0001.json"]


def test_a_roll_that_is_reopened_and_sealed_again_stays_sound(live, reader):
    reopen(live)
    assert damage(reader, SEALED) == {}
    assert reader.read(Part(*SEALED.split("/"))).told == tuple(map(Part.of, SEALED_FRAMES))
    seal(live.station, SEALED)
    assert damage(reader, SEALED) == {}


RAW_2 = RAW.format("s").replace("0001", "0002")
REOPENED = [
    (flip, RAW.format("s"), {1: {RAW.format("s")}}),
    (flip, RAW_2, {2: {RAW_2}}),
    (remove, "data/s_0001/s_0001.json", {1: {"data/s_0001/s_0001.json"}}),
    (add, RAW_2, {2: {"data/s_0002/notes.txt"}}),
    (flip, "metadata/roll.json", {0: {"metadata/roll.json"}}),
    (remove, "bagit.txt", {0: {"bagit.txt"}}),
    (flip, "tagmanifest-sha512.txt", {0: {"reopened.json"}}),
]


@pytest.mark.parametrize(("harm", "name", "expected"), REOPENED)
def test_a_reopened_roll_is_audited_by_its_sidecars_and_its_last_generation(live, reader, harm, name, expected):
    reopen(live)
    harm(live.archive.root / SEALED / name)
    assert {number: set(paths) for number, paths in damage(reader, SEALED).items()} == expected
    assert verify_rolls(live.archive, (SEALED,), live.station.database).damaged
