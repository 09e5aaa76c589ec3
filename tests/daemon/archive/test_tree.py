from __future__ import annotations

import json
import os
import subprocess
import threading
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile

from filmscand.daemon.archive.encode import srgb_profile
from filmscand.daemon.archive.events import Event, EventType, append_events, read_events
from filmscand.daemon.archive.revisions import RevisionContent
from filmscand.daemon.archive.sidecar import (
    CaptureRecord,
    Outcome,
    Revision,
    Role,
    Sidecar,
    StoredFile,
    frame_record,
    utc_now,
)
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.archive.verify_frame import ProblemKind
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    FrameExistsError,
    FrameIdError,
    FrameMissingError,
    IntegrityError,
    SourceChangedError,
    StorageFullError,
)
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.drivers.base import Capture, CaptureInfo
from filmscand.drivers.files.writer import TiffTags

FRAME = FrameId("meyer", "box-3", "r12", 7)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def write(path, content=b"scan" * 50_000):
    path.write_bytes(content)
    return path


def counts(shape, seed=1):
    return np.random.default_rng(seed).integers(0, 65536, shape, dtype=np.uint16)


def content(number=1, seed=1):
    rgb = counts((30, 40, 3), seed)
    mask = np.zeros((30, 40), np.bool_)
    mask[5:8, 5:8] = True
    return RevisionContent(number, rgb, mask, (rgb >> 8).astype(np.uint8), TiffTags(document_name="x"))


def revision(number, files):
    return Revision(
        number=number,
        created_at=utc_now(),
        engine_version="1",
        options={"sensitivity": 0.5},
        inputs_sha256=(),
        outcome=Outcome.CLEANED,
        report={"threshold": 0.1},
        warnings=(),
        seconds={},
        files=files,
    )


def complete(archive, tmp_path, frame=FRAME):
    stored = archive.copy_original(frame, write(tmp_path / "scan.tif"), Role.RAW)
    files = archive.store_revision(frame, content()).files
    capture = CaptureRecord.of(CaptureInfo("tiff_rgb"), counts((30, 40, 3)))
    sidecar = Sidecar(
        frame=frame_record(frame),
        film=FilmKind.SLIDE,
        capture=capture,
        originals=(stored,),
        revisions=(revision(1, files),),
    )
    archive.write_sidecar(frame, sidecar)
    return sidecar


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_an_original_is_kept_byte_for_byte_and_nobody_may_write_it(archive, tmp_path):
    source = write(tmp_path / "Dia 7.TIFF")
    stored = archive.copy_original(FRAME, source, Role.RAW)
    kept = archive.folder(FRAME) / "r12_0007_raw.tif"
    assert kept.read_bytes() == source.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o440
    assert (stored.name, stored.original_name, stored.size_bytes) == (kept.name, "Dia 7.TIFF", 200_000)
    assert source.exists()
    assert not archive.is_complete(FRAME)


def test_a_dng_and_its_infrared_keep_their_endings(archive, tmp_path):
    archive.copy_original(FRAME, write(tmp_path / "a.DNG"), Role.RAW)
    archive.copy_original(FRAME, write(tmp_path / "a_ir.tif"), Role.INFRARED)
    assert names(archive.folder(FRAME)) == ["r12_0007_ir.tif", "r12_0007_raw.dng"]


def test_copying_the_same_original_again_changes_nothing(archive, tmp_path):
    source = write(tmp_path / "a.tif")
    first = archive.copy_original(FRAME, source, Role.RAW)
    before = (archive.folder(FRAME) / first.name).stat()
    assert archive.copy_original(FRAME, source, Role.RAW) == first
    assert (archive.folder(FRAME) / first.name).stat() == before


@pytest.mark.parametrize("name", ["b.tif", "b.dng"])
def test_another_original_under_the_same_number_is_refused(archive, tmp_path, name):
    archive.copy_original(FRAME, write(tmp_path / "a.tif"), Role.RAW)
    with pytest.raises(FrameExistsError):
        archive.copy_original(FRAME, write(tmp_path / name, b"other"), Role.RAW)
    assert (archive.folder(FRAME) / "r12_0007_raw.tif").read_bytes() == b"scan" * 50_000
    assert names(archive.folder(FRAME)) == ["r12_0007_raw.tif"]


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
    assert names(archive.folder(FRAME)) == []


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
        "sane",
        icc_profile=srgb_profile(),
        resolution_dpi=4000.0,
        linear=True,
        make="Nikon",
        model="LS-5000 ED",
        captured_at=datetime(2026, 11, 20, 10, 30),
    )
    return Capture(counts((30, 40, 3)), counts((30, 40), 2) if infrared else None, info)


def test_a_scanned_frame_is_stored_as_two_tiffs(archive):
    capture = scanner_capture()
    raw, infrared = archive.store_capture(FRAME, capture)
    folder = archive.folder(FRAME)
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


def test_a_revision_has_clean_mask_and_access_file(archive):
    made = content(3)
    stored = archive.store_revision(FRAME, made)
    folder = archive.folder(FRAME)
    assert [file.name for file in stored.files] == [
        "r12_0007_r03_clean.tif",
        "r12_0007_r03_mask.png",
        "r12_0007_r03_access.jpg",
    ]
    assert (tifffile.imread(folder / "r12_0007_r03_clean.tif") == made.rgb).all()
    assert stored.seconds.keys() == {"write_clean", "write_mask", "write_access"}


def test_files_of_a_revision_that_no_sidecar_names_are_made_again(archive):
    archive.store_revision(FRAME, content(seed=1))
    archive.store_revision(FRAME, content(seed=2))
    clean = archive.folder(FRAME) / "r12_0007_r01_clean.tif"
    assert (tifffile.imread(clean) == content(seed=2).rgb).all()


def test_a_revision_that_the_sidecar_names_is_never_replaced(archive, tmp_path):
    complete(archive, tmp_path)
    with pytest.raises(FrameExistsError, match="expected no revision 1"):
        archive.store_revision(FRAME, content(1, seed=2))
    assert archive.verify(FRAME) == ()


def test_the_same_revision_gives_the_same_bytes(archive):
    assert archive.store_revision(FRAME, content()).files == archive.store_revision(FRAME, content()).files


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
    archive.sidecar_path(FRAME).write_bytes(broken)
    with pytest.raises(IntegrityError, match="expected a sidecar of schema 1"):
        archive.read_sidecar(FRAME)


def test_an_untouched_frame_verifies(archive, tmp_path):
    complete(archive, tmp_path)
    assert archive.verify(FRAME) == ()


def test_one_changed_bit_is_found(archive, tmp_path):
    sidecar = complete(archive, tmp_path)
    raw = archive.folder(FRAME) / sidecar.originals[0].name
    raw.chmod(0o640)
    with raw.open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00")
    (problem,) = archive.verify(FRAME)
    assert (problem.kind, problem.path, problem.is_damage) == (ProblemKind.CHANGED, raw, True)
    assert archive.verify_original(FRAME, sidecar.originals[0]) == problem


def test_missing_and_unlisted_files_are_found(archive, tmp_path):
    complete(archive, tmp_path)
    folder = archive.folder(FRAME)
    (folder / "r12_0007_r01_mask.png").unlink()
    write(folder / "r12_0007_r02_clean.tif")
    found = {problem.path.name: problem for problem in archive.verify(FRAME)}
    assert found["r12_0007_r01_mask.png"].kind is ProblemKind.MISSING
    assert found["r12_0007_r02_clean.tif"].kind is ProblemKind.UNLISTED
    assert not found["r12_0007_r02_clean.tif"].is_damage


def test_verifying_rolls_tells_frames_on_their_way_and_broken_sidecars(archive, tmp_path):
    complete(archive, tmp_path)
    complete(archive, tmp_path, FrameId("meyer", "box-3", "r12", 8))
    archive.copy_original(FrameId("meyer", "box-3", "r13", 1), write(tmp_path / "b.tif"), Role.RAW)
    archive.sidecar_path(FRAME).write_bytes(b"{")
    report = verify_rolls(archive)
    assert (report.verified, report.incomplete, report.damaged) == (2, ("meyer/box-3/r13_0001",), True)
    assert not verify_rolls(archive, ("meyer/box-3/r13",)).damaged
    with pytest.raises(FrameMissingError, match="meyer/box-3/r99"):
        verify_rolls(archive, ("meyer/box-3/r99",))


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
    folder, metadata = archive.folder(FRAME), archive.root / FRAME.roll_folder / "metadata"
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
    assert [event.type for event in events] == [EventType.INGESTION, EventType.DIGEST, *[EventType.CREATION] * 3]
    assert events[0].detail["original_name"] == "scan.tif"
    assert events[1].detail["sha256"] == archive.read_sidecar(FRAME).originals[0].sha256
    assert events[2].detail["is_derived_from"] == "r12_0007_raw"
    assert all(event.at.tzinfo is UTC or event.at.utcoffset().total_seconds() == 0 for event in events)


def test_an_event_after_half_a_line_stands_on_its_own(archive, tmp_path):
    complete(archive, tmp_path)
    file = archive.root / FRAME.roll_folder / "metadata" / "events.jsonl"
    events = list(read_events(file))
    with file.open("ab") as log:
        log.write(b'{"half a li')
    append_events(file, events[:1])
    assert list(read_events(file)) == [*events, events[0]]


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
    assert names(archive.folder(FRAME)) == []
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
    archive.folder(FRAME).mkdir(parents=True)
    with pytest.raises(FrameMissingError, match=r"expected r12_0007_raw\.\*"):
        archive.stored_originals(FRAME)


def test_free_space_is_told_before_the_archive_exists(archive):
    assert archive.free_bytes() > 0
