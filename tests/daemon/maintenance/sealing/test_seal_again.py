"""A sealed roll whose frames are cleaned again becomes a bag again, whatever moment the power goes."""

from __future__ import annotations

import json
import os
from contextlib import closing

import pytest

from filmscand.daemon.archive.records.reopened import generation_of
from filmscand.daemon.cleaning.healing import frame
from filmscand.daemon.core.errors import IntegrityError, RollSealedError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.archive_records import read_records, reopened_rolls
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.rebuild import rebuild
from filmscand.daemon.maintenance.reclean import Changes, queue_again
from filmscand.daemon.maintenance.sealing.roll import RollUnfinishedError
from support.live_station import leftovers, write_inside
from support.sealed_roll import FRAMES, ROLL, killed_at

# A process changes the file system about a hundred times while it cleans a frame again and seals its roll; a kill at
# each of them takes a minute. FILMSCAND_KILL_STEP=1 tries all of them.
KILL_STEP = int(os.environ.get("FILMSCAND_KILL_STEP", "11"))


def listed(folder, name="manifest-sha512.txt"):
    return {line[130:]: line[:128] for line in (folder / name).read_text().splitlines()}


def info(folder):
    return dict(line.split(": ", 1) for line in (folder / "bag-info.txt").read_text().splitlines())


def test_a_sealed_roll_validates_before_and_after_three_recleans(sealed):
    raws, first = sealed.raws(), listed(sealed.folder)
    sealed.require_bag()
    for generation, (number, sensitivity) in enumerate(((1, 0.9), (2, 0.9), (1, 0.1)), 2):
        sealed.clean_again(number, sensitivity)
        assert not sealed.is_bag()
        assert sealed.problems() == ()
        assert sealed.seal().generation == generation
        sealed.require_bag()
        assert sealed.problems() == ()
    assert sealed.revisions() == [[1, 2, 3], [1, 2]]
    assert sealed.raws() == raws
    assert info(sealed.folder)["Source-Organization"] == "City Archive"
    kept = listed(sealed.folder, "history/manifest-sha512.1.txt")
    now = listed(sealed.folder)
    assert kept == first
    assert {path for path in kept if now.get(path) != kept[path]} == {f"data/{f.stem}/{f.stem}.json" for f in FRAMES}
    told = [(str(event.type), event.detail.generation) for event in sealed.events() if event.frame == ROLL]
    assert told == [
        ("information package creation", 1),
        *(pair for n in (1, 2, 3) for pair in (("modification", n), ("information package creation", n + 1))),
    ]


def test_a_cleaning_that_adds_no_revision_leaves_the_bag_as_it_is(sealed):
    before = (sealed.folder / "tagmanifest-sha512.txt").read_bytes()
    assert sealed.clean_again(1, None).created is False
    assert not (sealed.folder / "reopened.json").exists()
    assert (sealed.folder / "tagmanifest-sha512.txt").read_bytes() == before
    with pytest.raises(RollSealedError, match="takes nothing more"):
        sealed.seal()


def test_a_reopened_roll_takes_no_new_frame_and_waits_for_its_queue(sealed, tmp_path):
    sealed.clean_again(1, 0.9)
    new = FrameId("unsorted", "unsorted", "r", 3)
    late = write_inside(tmp_path / "late.tif", 9)
    for deed in (
        lambda: sealed.archive.reserve(new),
        lambda: sealed.archive.copy_original(new, late, Role.RAW),
        lambda: sealed.archive.note_roll_name(new, "r"),
    ):
        with pytest.raises(RollSealedError, match="takes nothing more"):
            deed()
    queue_again(sealed.station, [f"{ROLL}_0002"], Changes(0.9))
    with pytest.raises(RollUnfinishedError, match="r_0002"):
        sealed.seal()
    sealed.work()
    assert sealed.seal().generation == 2
    sealed.require_bag()


def test_notes_beside_a_frame_stay_a_part_of_the_bag_and_new_ones_are_told(roll):
    (roll.folder / "data/r_0001/note.txt").write_text("upside down")
    roll.seal()
    roll.clean_again(1, 0.9)
    assert roll.problems() == ()
    (roll.folder / "data/r_0001/late.txt").write_text("?")
    assert [problem.path.name for problem in roll.problems()] == ["late.txt"]
    roll.seal()
    roll.require_bag()


def test_the_database_follows_the_generations(sealed):
    path = f"{ROLL}/tagmanifest-sha512.txt"
    with sealed.open() as connection:
        first = read_records(connection)[path]
    sealed.clean_again(1, 0.9)
    with sealed.open() as connection:
        assert (reopened_rolls(connection), read_records(connection)[path]) == ([ROLL], first)
    sealed.seal()
    with sealed.open() as connection:
        assert reopened_rolls(connection) == []
        assert read_records(connection)[path] != first


@pytest.mark.parametrize("reopened", [False, True])
def test_rebuild_answers_as_before_for_a_roll_of_several_generations(sealed, reopened):
    for sensitivity in (0.9, 0.1):
        sealed.clean_again(1, sensitivity)
        sealed.seal()
    if reopened:
        sealed.clean_again(2, 0.9)
    with sealed.open() as connection:
        before = read_records(connection)
    report = rebuild(sealed.station, replace=True)
    assert (report.archived, report.queued, report.problems) == (2, (), ())
    with closing(open_database(sealed.station.database)) as connection:
        after = read_records(connection)
    assert {path: one for path, one in after.items() if path in before and "events" not in path} == {
        path: one for path, one in before.items() if "events" not in path
    }
    assert sealed.problems() == ()
    if reopened:
        assert sealed.seal().generation == 4
    sealed.require_bag()


@pytest.mark.parametrize("name", ["metadata/roll.json", "bag-info.txt", "metadata/events.jsonl"])
def test_a_roll_whose_records_were_changed_is_not_reopened(sealed, name):
    with (sealed.folder / name).open("ab") as file:
        file.write(b" \n")
    with pytest.raises(IntegrityError, match=name):
        sealed.clean_again(1, 0.9)
    assert not (sealed.folder / "reopened.json").exists()
    assert sealed.revisions() == [[1], [1]]


def lose_a_mask(folder):
    (folder / "data/r_0002/r_0002_r01_mask.png").unlink()


def cut_a_mask(folder):
    (folder / "data/r_0002/r_0002_r01_mask.png").write_bytes(b"?")


def change_a_sidecar(folder):
    (folder / "data/r_0002/r_0002.json").write_text((folder / "data/r_0002/r_0002.json").read_text() + "\n")


def rewrite_the_events(folder):
    events = folder / "metadata/events.jsonl"
    events.write_bytes(b"#" + events.read_bytes()[1:])


def change_the_roll_record(folder):
    (folder / "metadata/roll.json").write_text("{}")


def change_the_manifest(folder):
    (folder / "manifest-sha512.txt").write_text((folder / "manifest-sha512.txt").read_text().replace("a", "b", 1))


@pytest.mark.parametrize(
    "damage",
    [lose_a_mask, cut_a_mask, change_a_sidecar, rewrite_the_events, change_the_roll_record, change_the_manifest],
)
def test_damage_of_a_reopened_roll_is_found_and_not_sealed(sealed, damage):
    sealed.clean_again(1, 0.9)
    damage(sealed.folder)
    assert sealed.problems() != ()
    with pytest.raises(IntegrityError):
        sealed.seal()
    assert (sealed.folder / "reopened.json").exists()


def test_a_roll_that_was_not_reopened_as_the_database_knows_it_is_not_sealed_again(sealed):
    sealed.clean_again(1, 0.9)
    with sealed.open() as connection:
        connection.execute("UPDATE archive_records SET sha256 = 'x' WHERE path LIKE '%/tagmanifest-sha512.txt'")
        connection.commit()
    with pytest.raises(IntegrityError, match="another one"):
        sealed.seal()


def test_a_new_generation_keeps_algorithms_and_labels_and_takes_new_ones(roll):
    roll.live.config.write_text(roll.live.config.read_text() + "bag: {manifests: [md5, sha256], organisation: A}\n")
    roll.station = roll.live.station
    roll.seal(**{"Contact-Name": "Ada"})
    roll.require_bag()
    roll.live.config.write_text(roll.live.config.read_text().replace("md5, sha256", "sha512"))
    roll.station = roll.live.station
    roll.clean_again(1, 0.9)
    roll.seal(**{"Contact-Name": "Grace"})
    roll.require_bag()
    assert roll.problems() == ()
    found = info(roll.folder)
    assert (found["Source-Organization"], found["Contact-Name"]) == ("A", "Grace")
    names = {path.name for path in roll.folder.iterdir() if "manifest" in path.name}
    assert names == {f"{kind}-{one}.txt" for kind in ("manifest", "tagmanifest") for one in ("md5", "sha256")}


def test_files_of_a_revision_that_never_became_complete_are_no_part_of_the_bag(sealed):
    sealed.clean_again(1, 0.9)
    left = sealed.folder / "data/r_0002/r_0002_r02_clean.tif"
    left.write_bytes(b"half")
    sealed.seal()
    assert not left.exists()
    sealed.require_bag()


@pytest.fixture(scope="module")
def quick_engine():
    """The engine answers what it answered before: a forked process has no threads of numba."""
    clean, known = frame.clean_frame, {}

    def remembered(rgb, infrared, options):
        key = (rgb.tobytes(), options.sensitivity)
        if key not in known:
            known[key] = clean(rgb, infrared, options)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "clean_frame", remembered)
        yield


def go_on(roll, sensitivity):
    """Do what the service does after it was killed: clean what is in line, and seal what is reopened."""
    with roll.open() as connection:
        connection.execute(
            "UPDATE frames SET state = 'queued', lease_owner = NULL, lease_pid = NULL, lease_born = NULL,"
            " lease_until = NULL WHERE state = 'processing'"
        )
        connection.commit()
        queued = connection.execute("SELECT count(*) FROM frames WHERE state = 'queued'").fetchone()[0]
    if queued:
        roll.work()
    elif roll.revisions()[0] == [1]:
        # It was killed before the order was taken: the person gives it again.
        roll.clean_again(1, sensitivity)
    if (roll.folder / "reopened.json").exists():
        roll.seal()


def test_a_kill_at_any_moment_of_a_reclean_leaves_nothing_half_twice_or_lost(
    finished_roll, quick_engine, tmp_path_factory
):
    start = finished_roll.copy(tmp_path_factory.mktemp("start") / "station")
    start.seal()
    raws = start.raws()
    start.copy(tmp_path_factory.mktemp("warm") / "station").clean_again(1, 0.9)

    def deed(roll):
        roll.clean_again(1, 0.9)
        roll.seal()

    number, was_killed = 0, True
    while was_killed:
        roll = start.copy(tmp_path_factory.mktemp("kill") / "station")
        was_killed = killed_at(number, lambda roll=roll: deed(roll))
        is_reopened = (roll.folder / "reopened.json").exists()
        assert is_reopened or roll.is_bag(), number
        assert not [one for one in roll.problems() if one.is_damage], number
        go_on(roll, 0.9)
        roll.require_bag()
        assert (roll.revisions(), generation_of(roll.folder), roll.raws()) == ([[1, 2], [1]], 2, raws), number
        assert (roll.problems(), leftovers(roll.folder)) == ((), []), number
        told = [event.detail.generation for event in roll.events() if str(event.type) == "modification"]
        assert told == [1], number
        number += KILL_STEP
    assert number > 40


def test_a_kill_at_any_moment_of_the_first_seal_leaves_an_open_roll_or_a_bag(finished_roll, tmp_path_factory):
    number, was_killed = 0, True
    while was_killed:
        roll = finished_roll.copy(tmp_path_factory.mktemp("kill") / "station")
        was_killed = killed_at(number, roll.seal)
        if (roll.folder / "bagit.txt").exists():
            roll.require_bag()
        else:
            roll.seal()
        roll.require_bag()
        assert (roll.problems(), leftovers(roll.folder)) == ((), []), number
        number += KILL_STEP
    assert number > 10


def test_what_was_noted_of_a_reopened_roll_can_be_read_by_people(sealed):
    sealed.clean_again(1, 0.9)
    noted = json.loads((sealed.folder / "reopened.json").read_text())
    assert (noted["generation"], list(noted["tag_manifests"])) == (1, ["tagmanifest-sha512.txt"])
