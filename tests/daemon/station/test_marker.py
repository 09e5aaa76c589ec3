"""The marker at the top of an archive."""

from __future__ import annotations

import json
import os

import pytest

from filmscand.daemon.core.errors import ArchiveMissingError, ForeignArchiveError
from filmscand.daemon.station.marker import MARKER, Identity, Marker, is_new_disk, open_archive, read_marker

IDS = Identity("archive-1", "station-1")


def write_marker(root, **changes):
    fields = {"archive_id": IDS.archive_id, "station_id": IDS.station_id, "made_at": "2026-11-29T00:00:00Z", **changes}
    (root / MARKER).parent.mkdir(exist_ok=True)
    (root / MARKER).write_bytes(Marker(**fields).to_json())


def test_new_ids_are_never_the_same_and_an_archive_keeps_its_own():
    assert Identity.new() != Identity.new()
    assert Identity.new("archive-1").archive_id == "archive-1"


def test_an_archive_with_its_marker_is_opened(tmp_path):
    write_marker(tmp_path, station="here:/srv")
    with open_archive(tmp_path, IDS) as descriptor:
        assert read_marker(descriptor, tmp_path).station == "here:/srv"
        assert os.fstat(descriptor).st_ino == tmp_path.stat().st_ino


def test_what_a_later_version_adds_is_kept(tmp_path):
    write_marker(tmp_path, owner="City Archive")
    with open_archive(tmp_path, IDS) as descriptor:
        assert json.loads(read_marker(descriptor, tmp_path).to_json())["owner"] == "City Archive"


def test_a_missing_folder_and_a_bare_mount_point_are_no_archive_and_say_what_to_do(tmp_path):
    for root in (tmp_path, tmp_path / "gone"):
        told = rf"^{root}: expected the station's archive, but .* missing. Mount its disk. .*archive adopt"
        with pytest.raises(ArchiveMissingError, match=told), open_archive(root, IDS):
            pass


@pytest.mark.parametrize("changes", [{"archive_id": "archive-2"}, {"station_id": "station-2"}])
def test_the_archive_of_another_station_is_refused_with_the_way_out(tmp_path, changes):
    write_marker(tmp_path, station="other:/srv", **changes)
    told = r"another station, other:/srv .*`filmscand archive adopt`"
    with pytest.raises(ForeignArchiveError, match=told), open_archive(tmp_path, IDS):
        pass


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 300, b"\xff", b'{"schema_version": 1}'])
def test_a_damaged_marker_is_none(tmp_path, content):
    (tmp_path / MARKER).parent.mkdir()
    (tmp_path / MARKER).write_bytes(content)
    with pytest.raises(ArchiveMissingError, match="expected the marker of an archive"), open_archive(tmp_path, IDS):
        pass


def test_the_marker_of_a_newer_version_says_to_update(tmp_path):
    write_marker(tmp_path, schema_version=99)
    with pytest.raises(ArchiveMissingError, match="Update filmscand"), open_archive(tmp_path, IDS):
        pass


def test_a_link_or_a_pipe_in_place_of_the_marker_is_refused_and_nobody_waits(tmp_path):
    write_marker(tmp_path)
    (tmp_path / MARKER).rename((tmp_path / MARKER).with_name("real"))
    (tmp_path / MARKER).symlink_to("real")
    with pytest.raises(Exception, match="symbolic links"), open_archive(tmp_path, IDS):
        pass
    (tmp_path / MARKER).unlink()
    os.mkfifo(tmp_path / MARKER)
    with pytest.raises(ArchiveMissingError, match="expected the marker"), open_archive(tmp_path, IDS):
        pass


@pytest.mark.parametrize(("names", "new"), [([], True), (["lost+found", ".Trash-0", "@eaDir"], True), (["a"], False)])
def test_a_disk_is_new_if_it_holds_nothing_but_its_own_folders(tmp_path, names, new):
    (tmp_path / "ballast").touch()
    for name in names:
        (tmp_path / name).mkdir()
    with open_archive(tmp_path, None) as descriptor:
        assert is_new_disk(descriptor) is new
