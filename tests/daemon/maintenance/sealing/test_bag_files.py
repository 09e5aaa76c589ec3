"""The files that make a bag of a roll come and go together."""

from __future__ import annotations

from filmscand.daemon.maintenance.sealing.bag_files import other_tag_files, remove_parts, take_back
from filmscand.daemon.station.bag import DigestAlgorithm


def test_a_roll_whose_bag_is_taken_back_looks_as_before(roll):
    before = sorted(path.relative_to(roll.folder) for path in roll.folder.rglob("*"))
    roll.seal()
    take_back(roll.folder)
    assert sorted(path.relative_to(roll.folder) for path in roll.folder.rglob("*")) == before


def test_the_lists_are_among_the_files_beside_the_payload_before_they_are_written(roll):
    (roll.folder / "notes.txt").write_text("?")
    names = ["metadata/events.jsonl", "metadata/frames.csv", "metadata/premis.xml", "metadata/roll.json", "notes.txt"]
    assert other_tag_files(roll.folder) == names
    assert list(DigestAlgorithm) == ["sha512", "sha256", "md5"]


def test_temporary_files_are_removed_wherever_they_lie(roll):
    for place in (roll.folder, roll.folder / "metadata"):
        (place / ".filmscand-dead.part").write_bytes(b"half")
    remove_parts(roll.folder)
    assert list(roll.folder.rglob(".filmscand-*")) == []
