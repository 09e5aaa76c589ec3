"""What becomes of single files of an import: pairs, duplicates within the tree, late infrared, and a full roll."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from filmscand.daemon.bulk.importing.campaign import Campaign
from filmscand.daemon.bulk.importing.report import Fate
from filmscand.daemon.bulk.importing.run import import_folder
from filmscand.daemon.core.errors import ArchiveUnwritableError
from filmscand.daemon.database.frames import unfinished_frames
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.maintenance.identity import connect_station
from support.campaign import SIZE, copy_of, make_station
from support.ingest_bench import RESULT, WORKER
from support.live_station import write_infrared, write_inside, write_picture


class Place:
    """A station, a folder to import, and the imports of it."""

    def __init__(self, root):
        _, self.station = make_station(root / "station")
        self.folder = root / "campaign"
        self.roll = self.folder / "roll"

    def run(self, **settings):
        report = import_folder(self.station, Campaign(path=self.folder, **settings), 2)
        return {file.path.removeprefix("roll/"): file for file in report.files}

    def finish_all(self):
        with closing(connect_station(self.station)) as connection:
            while (lease := Queue(connection).take(WORKER, 60.0)) is not None:
                Queue(connection).finish(lease, RESULT)

    def requests(self):
        with closing(connect_station(self.station)) as connection:
            return {job.source.removeprefix("roll/"): job.request for job in unfinished_frames(connection)}


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_the_same_pair_twice_in_one_tree_is_taken_once(place):
    picture = write_picture(place.roll / "a.tif", 1, **SIZE)
    infrared = write_infrared(place.roll / "a_ir.tif", 1, **SIZE)
    copy_of(picture, "b.tif")
    copy_of(infrared, "b_ir.tif")
    found = place.run()
    assert {name: file.fate for name, file in found.items()} == {
        "a.tif": Fate.IMPORTED,
        "a_ir.tif": Fate.IMPORTED,
        "b.tif": Fate.DUPLICATE,
        "b_ir.tif": Fate.DUPLICATE,
    }
    assert {file.frame for file in found.values()} == {"unsorted/unsorted/roll_0001"}


def test_a_picture_whose_infrared_is_broken_waits_for_a_better_one(place):
    write_picture(place.roll / "a.tif", 1, **SIZE)
    (place.roll / "a_ir.tif").write_text("no TIFF")
    found = place.run()
    assert (found["a.tif"].fate, found["a_ir.tif"].fate) == (Fate.IMPORTED, Fate.REJECTED)
    assert place.requests()["a.tif"].awaits_infrared
    write_infrared(place.roll / "a_ir.tif", 1, **SIZE)
    assert place.run()["a_ir.tif"].fate is Fate.WAITING
    place.finish_all()
    found = place.run()
    assert (found["a.tif"].fate, found["a_ir.tif"].fate) == (Fate.DUPLICATE, Fate.IMPORTED)
    assert place.requests()["a.tif"].flags == ("late_infrared",)


def test_an_infrared_that_is_not_its_pictures_is_rejected(place):
    write_inside(place.roll / "a.tif", 1, **SIZE)
    place.run()
    place.finish_all()
    write_infrared(place.roll / "a_ir.tif", 1, **SIZE)
    found = place.run()
    assert found["a_ir.tif"].fate is Fate.REJECTED
    assert "holds its infrared itself" in found["a_ir.tif"].reason
    assert place.run()["a_ir.tif"].fate is Fate.REJECTED


def test_a_picture_without_infrared_is_no_frame_that_a_person_has_to_look_at_for_that(place):
    write_picture(place.roll / "a.tif", 1, **SIZE)
    place.run()
    assert place.requests()["a.tif"].flags == ()


def test_frames_beyond_the_numbers_of_a_roll_are_rejected(place):
    with closing(sqlite3.connect(place.station.database)) as connection, connection:
        connection.execute(
            "INSERT INTO frames (collection, box, roll, number, state, outcome, source, created_at, finished_at)"
            " VALUES ('unsorted', 'unsorted', 'roll', 9998, 'finished', 'failed', 'a scanner', 1, 1)"
        )
    for number in range(2):
        write_inside(place.roll / f"{number}.tif", number, **SIZE)
    found = place.run()
    assert found["0.tif"].frame == "unsorted/unsorted/roll_9999"
    assert found["1.tif"].fate is Fate.REJECTED
    assert "9999" in found["1.tif"].reason


def test_without_the_archive_the_import_ends_and_the_next_one_goes_on(place):
    write_inside(place.roll / "a.tif", 1, **SIZE)
    place.station.archive.rename(place.station.archive.with_name("unmounted"))
    with pytest.raises(ArchiveUnwritableError):
        place.run()
    place.station.archive.with_name("unmounted").rename(place.station.archive)
    assert place.run()["a.tif"].fate is Fate.IMPORTED
