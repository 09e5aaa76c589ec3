from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
import tifffile

from filmscand.daemon.archive.frames.encode import srgb_profile
from filmscand.daemon.archive.records.events import Event, EventType, append_events, read_events
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import (
    ArchiveMissingError,
    ArchiveUnwritableError,
    FrameExistsError,
    FrameIdError,
    FrameMissingError,
    IntegrityError,
    SourceChangedError,
    StorageFullError,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.station.marker import MARKER, Identity, Marker
from filmscand.drivers.base import Capture, CaptureInfo
from support.archive_frames import FRAME, complete, content, counts, names, write
from tests.support.untouched import FileState


def test_an_original_is_kept_byte_for_byte_and_nobody_may_write_it(archive, tmp_path):
    source = write(tmp_path / "Dia 7.TIFF")
    stored = archive.copy_original(FRAME, source, Role.RAW)
    kept = archive.frame_folder(FRAME).path / "r12_0007_raw.tif"
    assert kept.read_bytes() == source.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o440
    assert (stored.name, stored.original_name, stored.size_bytes) == (kept.name, "Dia 7.TIFF", 200_000)
    assert source.exists()
    assert not archive.is_complete(FRAME)


def test_a_dng_and_its_infrared_keep_their_endings(archive, tmp_path):
    archive.copy_original(FRAME, write(tmp_path / "a.DNG"), Role.RAW)
    archive.copy_original(FRAME, write(tmp_path / "a_ir.tif"), Role.INFRARED)
    assert names(archive.frame_folder(FRAME).path) == ["r12_0007_ir.tif", "r12_0007_raw.dng"]


def test_copying_the_same_original_again_changes_nothing(archive, tmp_path):
    source = write(tmp_path / "a.tif")
    first = archive.copy_original(FRAME, source, Role.RAW)
    before = FileState.of(archive.frame_folder(FRAME).path / first.name)
    assert archive.copy_original(FRAME, source, Role.RAW) == first
    assert FileState.of(archive.frame_folder(FRAME).path / first.name) == before


@pytest.mark.parametrize("name", ["b.tif", "b.dng"])
def test_another_original_under_the_same_number_is_refused(archive, tmp_path, name):
    archive.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    with pytest.raises(FrameExistsError):
        archive.copy_original(FRAME, write(tmp_path / name, b"other"), Role.RAW)
    assert (archive.frame_folder(FRAME).path / "r12_0007_raw.tif").read_bytes() == b"scan" * 50_000
    assert names(archive.frame_folder(FRAME).path) == ["r12_0007_raw.tif"]


def test_a_source_that_is_still_written_is_not_taken(archive, tmp_path):
    source = write(tmp_path / "a.tif", bytes(30_000_000))
    stop = threading.Event()

    def scan_on():
        with source.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"line")

    writer = threading.Thread(target=scan_on)
    writer.start()
    try:
        with pytest.raises(SourceChangedError, match="changed while it was copied"):
            archive.copy_original(FRAME, source, Role.RAW)
    finally:
        stop.set()
        writer.join()
    assert names(archive.frame_folder(FRAME).path) == []


def test_a_source_that_went_is_told(archive, tmp_path):
    with pytest.raises(SourceChangedError, match="No such file"):
        archive.copy_original(FRAME, tmp_path / "gone.tif", Role.RAW)


def test_links_folders_and_pipes_are_no_sources(archive, tmp_path):
    (tmp_path / "link.tif").symlink_to(write(tmp_path / "a.tif"))
    (tmp_path / "folder.tif").mkdir()
    os.mkfifo(tmp_path / "pipe.tif")
    for name in ("link.tif", "folder.tif", "pipe.tif"):
        with pytest.raises(SourceChangedError):
            archive.copy_original(FRAME, tmp_path / name, Role.RAW)


@pytest.mark.parametrize("name", ["scan", "scan.t if", "scan.verylongending"])
def test_a_source_without_a_usable_ending_is_refused(archive, tmp_path, name):
    with pytest.raises(FrameIdError, match="expected a file name with an ending"):
        archive.copy_original(FRAME, write(tmp_path / name), Role.RAW)


def scanner_capture(infrared=True):
    info = CaptureInfo(
        rows=30,
        cols=40,
        layout="sane",
        resolution_dpi=4000.0,
        linear=True,
        make="Nikon",
        model="LS-5000 ED",
        captured_at=datetime(2026, 11, 20, 10, 30),
    )
    return Capture(counts((30, 40, 3)), counts((30, 40), 2) if infrared else None, info, srgb_profile())


def test_a_scanned_frame_is_stored_as_two_tiffs(archive):
    capture = scanner_capture()
    raw, infrared = archive.store_capture(FRAME, capture)
    folder = archive.frame_folder(FRAME).path
    assert (raw.name, infrared.name) == ("r12_0007_raw.tif", "r12_0007_ir.tif")
    assert (tifffile.imread(folder / raw.name) == capture.rgb).all()
    assert (tifffile.imread(folder / infrared.name) == capture.infrared).all()
    assert (folder / raw.name).stat().st_mode & 0o777 == 0o440
    assert archive.stored_originals(FRAME) == (raw, infrared)


def test_a_scanned_frame_stored_again_is_the_same_and_another_is_refused(archive):
    first = archive.store_capture(FRAME, scanner_capture())
    assert archive.store_capture(FRAME, scanner_capture()) == first
    other = Capture(counts((30, 40, 3), 9), None, scanner_capture().info)
    with pytest.raises(FrameExistsError):
        archive.store_capture(FRAME, other)


def test_a_scanned_frame_without_infrared_is_one_tiff(archive):
    assert [file.role for file in archive.store_capture(FRAME, scanner_capture(infrared=False))] == [Role.RAW]


def test_a_revision_that_the_sidecar_names_is_never_replaced(archive, tmp_path):
    complete(archive, tmp_path)
    with pytest.raises(FrameExistsError, match="expected no revision 1"):
        archive.store_revision(FRAME, content(1, seed=2))
    assert archive.verify(FRAME) == ()


def test_the_sidecar_makes_a_frame_complete_and_is_read_back(archive, tmp_path):
    sidecar = complete(archive, tmp_path)
    assert archive.is_complete(FRAME)
    assert archive.read_sidecar(FRAME) == sidecar
    assert archive.read_sidecar(FRAME).frame_id == FRAME


def test_a_frame_without_sidecar_is_told(archive):
    with pytest.raises(FrameMissingError, match="expected a sidecar, found no file"):
        archive.read_sidecar(FRAME)


@pytest.mark.parametrize("broken", [b"", b"{}", b'{"schema_version": 99}', b"\xff"])
def test_a_sidecar_that_is_none_is_an_integrity_error(archive, tmp_path, broken):
    complete(archive, tmp_path)
    archive.frame_folder(FRAME).sidecar.write_bytes(broken)
    with pytest.raises(IntegrityError, match="expected a sidecar of schema 2 or older"):
        archive.read_sidecar(FRAME)


def test_the_next_number_follows_the_highest_folder(archive, tmp_path):
    assert archive.next_number("meyer", "box-3", "r12") == 1
    archive.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    assert archive.next_number("meyer", "box-3", "r12") == 8
    assert list(archive.frames()) == [FRAME]


def test_foreign_folders_in_the_tree_are_passed_over(archive, tmp_path):
    archive.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    for foreign in ("lost+found", "meyer/box-3/r12/data/notes", "meyer/box-3/r12/data/other_0001", "A/b/c/data/c_0001"):
        (archive.root / foreign).mkdir(parents=True)
    assert list(archive.frames()) == [FRAME]


def test_leftovers_of_dead_writers_go_and_nothing_else(archive, tmp_path):
    complete(archive, tmp_path)
    folder, metadata = archive.frame_folder(FRAME).path, archive.root / FRAME.roll_folder / "metadata"
    before = names(folder)
    write(folder / ".filmscand-1.part")
    write(metadata / ".filmscand-2.part")
    assert archive.remove_leftovers([FRAME]) == 2
    assert names(folder) == before
    assert archive.remove_leftovers() == 0


def test_the_roll_tells_its_name_and_what_happened(archive, tmp_path):
    complete(archive, tmp_path)
    metadata = archive.root / "meyer" / "box-3" / "r12" / "metadata"
    record = json.loads((metadata / "roll.json").read_text())
    assert (record["collection"], record["box"], record["roll"]) == ("meyer", "box-3", "r12")
    events = list(read_events(metadata / "events.jsonl"))
    assert [event.type for event in events] == [
        EventType.INGESTION,
        EventType.DIGEST,
        *[EventType.CREATION] * 3,
        EventType.METADATA,
    ]
    assert events[0].detail.original_name == "scan.tif"
    assert events[1].detail.sha256 == archive.read_sidecar(FRAME).originals[0].sha256
    assert events[2].detail.is_derived_from == "r12_0007_raw"
    assert all(event.at.tzinfo is UTC or event.at.utcoffset().total_seconds() == 0 for event in events)


def test_an_original_reaches_a_database_and_comes_back(archive, tmp_path):
    stored = archive.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    assert StoredFile.model_validate_json(stored.model_dump_json()) == stored


@pytest.fixture
def small_disk(tmp_path):
    point = tmp_path / "small"
    point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(point)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting needs root")
    yield point
    subprocess.run(["umount", str(point)], check=True)


def test_on_a_full_disk_nothing_is_lost_and_nothing_half_stays(small_disk, tmp_path):
    archive = Archive(small_disk / "archive")
    ballast = write(small_disk / "ballast", bytes(700_000))
    source = write(tmp_path / "a.tif", bytes(500_000))
    with pytest.raises(StorageFullError, match="No space left"):
        archive.copy_original(FRAME, source, Role.RAW)
    assert names(archive.frame_folder(FRAME).path) == []
    assert source.stat().st_size == 500_000
    ballast.unlink()
    assert archive.copy_original(FRAME, source, Role.RAW).size_bytes == 500_000


def test_an_event_that_finds_no_room_leaves_the_log_as_it_was(small_disk):
    file = small_disk / "events.jsonl"
    archive = Archive(small_disk / "archive")
    archive.append_events(FRAME, [])
    template = {"type": EventType.CREATION, "frame": "f", "about": "a"}
    append_events(file, [Event(**template)])
    before = file.read_bytes()
    with pytest.raises(StorageFullError):
        append_events(file, [Event(**template, detail={"much": "x" * 2_000_000})])
    assert file.read_bytes() == before


def test_a_read_only_archive_is_unwritable_and_reads_on(small_disk, tmp_path):
    archive = Archive(small_disk / "archive")
    complete(archive, tmp_path)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(ArchiveUnwritableError, match="Read-only file system"):
        archive.copy_original(FrameId("meyer", "box-3", "r12", 8), tmp_path / "scan.tif", Role.RAW)
    with pytest.raises(ArchiveUnwritableError, match="Read-only file system"):
        archive.store_revision(FRAME, content(2))
    assert archive.verify(FRAME) == ()


def test_a_frame_whose_folder_is_not_there_points_to_the_mount(archive):
    with pytest.raises(ArchiveUnwritableError, match="is the archive mounted"):
        archive.stored_originals(FRAME)
    archive.frame_folder(FRAME).path.mkdir(parents=True)
    with pytest.raises(FrameMissingError, match=r"expected r12_0007_raw\.\*"):
        archive.stored_originals(FRAME)


def test_free_space_is_told_before_the_archive_exists(archive):
    assert archive.free_bytes() > 0


IDS = Identity("archive-1", "station-1")


@pytest.fixture
def marked(tmp_path):
    """An archive with its marker, as a station writes to it."""
    root = tmp_path / "marked"
    root.mkdir()
    marker = Marker(archive_id=IDS.archive_id, station_id=IDS.station_id, made_at="2026-11-29T00:00:00Z")
    (root / MARKER).parent.mkdir(exist_ok=True)
    (root / MARKER).write_bytes(marker.to_json())
    return Archive(root, IDS)


def everything_that_writes(archive, tmp_path, sidecar):
    return [
        lambda: archive.copy_original(FRAME, write(tmp_path / "b.tif"), Role.RAW),
        lambda: archive.store_capture(FRAME, scanner_capture()),
        lambda: archive.store_revision(FRAME, content(2)),
        lambda: archive.write_sidecar(FRAME, sidecar),
        lambda: archive.append_events(FRAME, []),
        lambda: archive.reserve(FRAME),
        lambda: archive.release(FRAME),
        lambda: archive.discard_unfinished(FRAME),
    ]


def everything_that_decides(archive):
    return [
        archive.require_present,
        lambda: archive.next_number("meyer", "box-3", "r12"),
        lambda: archive.require_open(FRAME),
        lambda: archive.is_free(FRAME),
        lambda: archive.is_complete(FRAME),
        lambda: archive.read_sidecar(FRAME),
        lambda: archive.find_original(FRAME, Role.RAW),
        lambda: archive.stored_originals(FRAME),
    ]


@pytest.mark.parametrize("bare", [True, False])
def test_nothing_is_written_and_nothing_is_decided_while_the_disk_is_not_mounted(marked, tmp_path, bare):
    sidecar = complete(marked, tmp_path)
    marked.root.rename(tmp_path / "unmounted")
    if bare:
        marked.root.mkdir()
    for act in (*everything_that_writes(marked, tmp_path, sidecar), *everything_that_decides(marked)):
        with pytest.raises(ArchiveMissingError, match="Mount its disk"):
            act()
    assert not bare or list(marked.root.iterdir()) == []
    assert marked.root.exists() is bare


def test_a_disk_that_goes_in_the_middle_of_a_write_takes_the_file_along(marked, tmp_path):
    source = write(tmp_path / "a.tif")

    def unmount(*_):
        marked.root.rename(tmp_path / "unmounted")
        marked.root.mkdir()

    with unmounting(marked, unmount):
        stored = marked.copy_original(FRAME, source, Role.RAW)
    assert list(marked.root.iterdir()) == []
    assert (tmp_path / "unmounted" / FRAME.folder / stored.name).read_bytes() == source.read_bytes()


@contextmanager
def unmounting(archive, unmount):
    """Let the disk go when the archive has just read its marker: at the first folder that is made below it."""

    def hook(event, arguments):
        if event == "os.mkdir" and arguments[2] != -1 and hook.armed:
            hook.armed = False
            unmount()

    hook.armed = True
    sys.addaudithook(hook)
    try:
        yield
    finally:
        assert not hook.armed


def test_a_planted_link_leads_no_file_out_of_the_archive(marked, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (marked.root / "meyer").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ArchiveUnwritableError, match="found a link at"):
        marked.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_of_many_who_want_a_number_exactly_one_gets_it(marked):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda _: Archive(marked.root, IDS).reserve(FRAME), range(16)))
    assert won.count(True) == 1
    marked.release(FRAME)
    assert marked.reserve(FRAME)


def test_a_number_is_given_back_only_while_its_folder_is_empty(marked, tmp_path):
    marked.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    marked.release(FRAME)
    assert not marked.reserve(FRAME)
    marked.discard_original(FRAME, Role.RAW)
    assert marked.reserve(FRAME)


def test_derived_files_obey_the_umask(archive, tmp_path):
    before = os.umask(0o027)
    try:
        complete(archive, tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in archive.frame_folder(FRAME).path.iterdir()}
    assert modes.pop("r12_0007_raw.tif") == 0o440
    assert set(modes.values()) == {0o640}
