from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image

from filmscand.daemon.archive.records.sidecar import made_from
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning import pipeline
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.cleaning.recipe import recipe_of
from filmscand.daemon.core.errors import ArchiveUnwritableError, FrameMissingError, IntegrityError, StorageFullError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, Role
from filmscand.daemon.station.configuration import Cleaning
from filmscand.drivers.base import Capture, CaptureInfo, DriverError
from filmscand.film.frame import simulate_frame
from filmscand.film.kinds import KINDS
from filmscand.film.pictures import landscape
from filmscand.ir import CleanOptions, clean_frame, engine_identity
from support.film_pages import SILVERFAST_XMP
from tests.support.untouched import FileState

FRAME = FrameId("meyer", "box-3", "r12", 7)
STEPS = {"total", "read", "clean", "preview", "store", "write_clean", "write_mask", "write_access"}


@pytest.fixture(scope="module")
def scanned():
    return simulate_frame(landscape(240, 320, 1), KINDS["leaky_slide"], seed=3)


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")


def drop(folder, scanned, name="scan 1.tif"):
    rgbi = np.dstack([scanned.rgb, scanned.infrared])
    file = folder / name
    software = "VueScan 9 x64 (9.8.26.08)"
    tifffile.imwrite(file, rgbi, photometric="rgb", extrasamples=[0], metadata=None, software=software)
    return file


@pytest.fixture
def original(archive, tmp_path, scanned):
    return archive.copy_original(FRAME, drop(tmp_path, scanned), Role.RAW)


def test_a_raw_frame_becomes_a_complete_revision(archive, original, scanned):
    result = clean_into_archive(archive, FRAME, CleanRequest(originals=(original,), film=FilmKind.SLIDE))
    folder = archive.frame_folder(FRAME).path
    cleaned = clean_frame(scanned.rgb, scanned.infrared, CleanOptions())
    assert (tifffile.imread(folder / "r12_0007_r01_clean.tif") == cleaned.rgb).all()
    with Image.open(folder / "r12_0007_r01_mask.png") as mask:
        assert (np.asarray(mask) == np.where(cleaned.defect_mask, 255, 0)).all()
    with Image.open(folder / "r12_0007_r01_access.jpg") as access:
        assert access.size == (320, 240)
        assert np.asarray(access).std() > 20
    assert result.created
    assert archive.is_complete(FRAME)
    assert archive.verify(FRAME) == ()


def test_the_sidecar_tells_where_everything_came_from(archive, original):
    request = CleanRequest(sensitivity=0.7, film=FilmKind.KODACHROME, originals=(original,), flags=("pair_timeout",))
    result = clean_into_archive(archive, FRAME, request)
    sidecar = archive.read_sidecar(FRAME)
    revision = sidecar.latest
    assert sidecar.originals == (original,)
    assert sidecar.flags == ("pair_timeout",)
    assert sidecar.capture.infrared_origin == "fourth_sample"
    assert -1 <= sidecar.capture.infrared_red_correlation <= 1
    assert revision.options.sensitivity == 0.7
    assert revision.engine_version == engine_identity().version
    assert revision.inputs_sha256 == (original.sha256,)
    assert revision.report == result.report
    assert revision.seconds.keys() == STEPS - {"total"}
    assert result.seconds.keys() == STEPS | {"sidecar"}
    json.loads(result.model_dump_json())


def test_done_again_it_finds_its_own_work(archive, original):
    request = CleanRequest(originals=(original,))
    first = clean_into_archive(archive, FRAME, request)
    before = FileState.of(archive.frame_folder(FRAME).sidecar)
    second = clean_into_archive(archive, FRAME, request)
    assert (second.created, second.revision, second.report) == (False, first.revision, first.report)
    assert FileState.of(archive.frame_folder(FRAME).sidecar) == before


def test_two_that_clean_a_frame_at_once_make_one_revision(archive, original, monkeypatch):
    request = CleanRequest(originals=(original,))
    made = pipeline._make

    def late(*arguments):
        """Clean; another machine was faster and has cleaned the same frame meanwhile."""
        monkeypatch.setattr(pipeline, "_make", made)
        found = made(*arguments)
        assert clean_into_archive(archive, FRAME, request).created
        return found

    monkeypatch.setattr(pipeline, "_make", late)
    assert not clean_into_archive(archive, FRAME, request).created
    assert [one.number for one in archive.read_sidecar(FRAME).revisions] == [1]
    assert archive.verify(FRAME) == ()


def test_the_result_tells_what_the_revision_was_made_from(archive, original):
    request = CleanRequest(originals=(original,), sensitivity=0.7)
    result = clean_into_archive(archive, FRAME, request)
    assert result.engine == engine_identity().label == archive.read_sidecar(FRAME).latest.engine
    assert result.made_from == made_from(recipe_of(request, Cleaning()).digest, [original.sha256])
    assert clean_into_archive(archive, FRAME, request).made_from == result.made_from
    assert clean_into_archive(archive, FRAME, CleanRequest(sensitivity=0.9)).made_from != result.made_from


def test_another_sensitivity_makes_a_new_revision_and_keeps_the_old(archive, original):
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    first = archive.read_sidecar(FRAME).latest
    clean_into_archive(archive, FRAME, CleanRequest(sensitivity=0.9))
    second = archive.read_sidecar(FRAME).latest
    assert [revision.number for revision in archive.read_sidecar(FRAME).revisions] == [1, 2]
    assert archive.read_sidecar(FRAME).revisions[0].files == first.files
    assert second.files[0].name == "r12_0007_r02_clean.tif"
    assert archive.read_sidecar(FRAME).originals[0].original_name == "scan 1.tif"
    assert archive.verify(FRAME) == ()


def test_a_frame_whose_raw_changed_since_it_was_cleaned_gets_no_other_revision(archive, original):
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    raw = archive.frame_folder(FRAME).path / original.name
    raw.chmod(0o640)
    raw.write_bytes(raw.read_bytes()[:-1] + b"?")
    with pytest.raises(IntegrityError, match=original.name):
        clean_into_archive(archive, FRAME, CleanRequest(sensitivity=0.9, originals=(original,)))
    assert [revision.number for revision in archive.read_sidecar(FRAME).revisions] == [1]


def test_infrared_that_comes_late_makes_a_new_revision(archive, tmp_path, scanned):
    picture, late = tmp_path / "a.tif", tmp_path / "a_ir.tif"
    tifffile.imwrite(picture, scanned.rgb, photometric="rgb", metadata=None)
    tifffile.imwrite(late, scanned.infrared, photometric="minisblack", metadata=None)
    raw = archive.copy_original(FRAME, picture, Role.RAW)
    first = clean_into_archive(archive, FRAME, CleanRequest(originals=(raw,)))
    infrared = archive.copy_original(FRAME, late, Role.INFRARED)
    second = clean_into_archive(archive, FRAME, CleanRequest(originals=(raw, infrared)))
    assert (first.revision, second.revision) == (1, 2)
    assert archive.read_sidecar(FRAME).capture.infrared_origin == "pair"
    assert [file.role for file in archive.read_sidecar(FRAME).originals] == [Role.RAW, Role.INFRARED]


def test_a_scanned_capture_goes_the_same_way(archive, scanned):
    info = CaptureInfo(rows=240, cols=320, layout="sane", linear=True, make="Nikon", resolution_dpi=4000)
    originals = archive.store_capture(FRAME, Capture(scanned.rgb, scanned.infrared, info))
    result = clean_into_archive(archive, FRAME, CleanRequest(originals=originals))
    assert result.revision == 1
    with tifffile.TiffFile(archive.frame_folder(FRAME).path / "r12_0007_r01_clean.tif") as tif:
        assert tif.pages[0].tags["Make"].value == "Nikon"
        assert tif.pages[0].tags["XResolution"].value == (4000, 1)


def test_the_same_raw_gives_the_same_bytes_in_another_archive(archive, original, tmp_path):
    other = Archive(tmp_path / "other")
    other.copy_original(FRAME, tmp_path / "scan 1.tif", Role.RAW)
    for one in (archive, other):
        clean_into_archive(one, FRAME, CleanRequest(originals=(original,) if one is archive else ()))
    assert other.read_sidecar(FRAME).latest.files == archive.read_sidecar(FRAME).latest.files


def test_raw_files_are_only_read(archive, original):
    raw = archive.frame_folder(FRAME).path / original.name
    before = FileState.of(raw)
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    assert FileState.of(raw) == before


def test_a_frame_without_raw_file_is_told(archive, original):
    (archive.frame_folder(FRAME).path / original.name).unlink()
    with pytest.raises(FrameMissingError):
        clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))


def test_a_raw_file_that_is_no_scan_is_told_and_leaves_nothing(archive, tmp_path):
    (tmp_path / "a.tif").write_bytes(b"II*\x00 no scan")
    original = archive.copy_original(FRAME, tmp_path / "a.tif", Role.RAW)
    with pytest.raises(DriverError):
        clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    assert [path.name for path in archive.frame_folder(FRAME).path.iterdir()] == ["r12_0007_raw.tif"]


def test_an_archive_that_is_not_mounted_is_transient(tmp_path):
    with pytest.raises(ArchiveUnwritableError, match="mounted"):
        clean_into_archive(Archive(tmp_path), FRAME, CleanRequest())


KILLED = """
import os, signal, sys
from pathlib import Path
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.cleaning.pipeline import clean_into_archive
class Killed(Archive):
    def write_sidecar(self, frame, sidecar):
        os.kill(os.getpid(), signal.SIGKILL)
clean_into_archive(Killed(Path(sys.argv[1])), FrameId("meyer", "box-3", "r12", 7), CleanRequest())
"""


def test_killed_before_the_sidecar_the_frame_is_done_again_as_if_nothing_had_been(archive, original):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(archive.root)], check=False)
    assert killed.returncode == -signal.SIGKILL
    folder = archive.frame_folder(FRAME).path
    left = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "r12_0007_r01_clean.tif" in left
    assert not archive.is_complete(FRAME)
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    assert archive.verify(FRAME) == ()
    assert all((folder / name).read_bytes() == content for name, content in left.items())


def test_a_result_that_finds_no_room_is_transient_and_done_when_room_returns(archive, original):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(StorageFullError):
            clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not archive.is_complete(FRAME)
    assert not list(archive.frame_folder(FRAME).path.glob("*.part"))
    assert clean_into_archive(archive, FRAME, CleanRequest(originals=(original,))).created
    assert archive.verify(FRAME) == ()


@pytest.fixture
def read_only(archive, original):
    root = archive.root
    mounted = os.geteuid() == 0 and not subprocess.run(["mount", "--bind", root, root], check=False).returncode
    if mounted:
        subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
    elif os.geteuid() == 0:
        pytest.skip("mounting needs more rights than this root has")
    else:
        archive.frame_folder(FRAME).path.chmod(0o555)
    yield
    if mounted:
        subprocess.run(["umount", root], check=True)
    else:
        archive.frame_folder(FRAME).path.chmod(0o755)


def test_an_archive_that_may_not_be_written_is_transient(archive, original, read_only):
    with pytest.raises(ArchiveUnwritableError, match=r"Read-only file system|Permission denied"):
        clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    assert not archive.is_complete(FRAME)


def test_a_file_beside_the_raw_file_is_never_cleaned_in_its_place(archive, original):
    folder = archive.frame_folder(FRAME).path
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    for name in ("r12_0007_raw.md5", "r12_0007_raw.dng"):
        (folder / name).write_bytes(b"something else")
    assert clean_into_archive(archive, FRAME, CleanRequest(sensitivity=0.9)).revision == 2
    assert archive.read_sidecar(FRAME).latest.inputs_sha256 == (original.sha256,)


def test_a_raw_file_that_changed_before_it_was_first_cleaned_is_not_cleaned(archive, original):
    raw = archive.frame_folder(FRAME).path / original.name
    raw.chmod(0o640)
    raw.write_bytes(raw.read_bytes()[:-1] + b"!")
    with pytest.raises(IntegrityError, match=r"expected .* bytes with SHA-256"):
        clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    assert not archive.is_complete(FRAME)


def test_a_changed_sidecar_is_not_written_over_by_a_new_revision(archive, original):
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    sidecar = archive.frame_folder(FRAME).sidecar
    sidecar.write_text(sidecar.read_text().replace('"film": "unknown"', '"film": "negative"'))
    with pytest.raises(IntegrityError, match="expected a sidecar that filmscand wrote"):
        clean_into_archive(archive, FRAME, CleanRequest(sensitivity=0.9))


NEGATIVE_XMP = SILVERFAST_XMP.replace(b'Negative="No"', b'Negative="Yes"') % b"1"


@pytest.fixture(scope="module")
def negative():
    return simulate_frame(landscape(240, 320, 1), KINDS["negative"], seed=3)


def drop_negative(archive, folder, negative, xmp=None):
    options = {} if xmp is None else {"extratags": [(700, 1, len(xmp), xmp, True)]}
    tifffile.imwrite(folder / "n.tif", negative.rgb, photometric="rgb", metadata=None, **options)
    return archive.copy_original(FRAME, folder / "n.tif", Role.RAW)


def access_of(archive, number=1):
    with Image.open(archive.frame_folder(FRAME).path / f"r12_0007_r{number:02d}_access.jpg") as image:
        return np.asarray(image).astype(float)


def follows_the_scene(access):
    """Return the correlation of the access image with the light of the scene that was put on film."""
    planes = access.mean(axis=2).reshape(-1), landscape(240, 320, 1).mean(axis=2).reshape(-1)
    return float(np.corrcoef(*planes)[0, 1])


@pytest.mark.parametrize(
    ("film", "xmp", "record"),
    [
        (FilmKind.UNKNOWN, NEGATIVE_XMP, {"inverted": True, "film_from": "file"}),
        (FilmKind.NEGATIVE, None, {"inverted": True, "film_from": "technician"}),
        (FilmKind.SLIDE, NEGATIVE_XMP, {"inverted": False, "film_from": "technician"}),
        (FilmKind.UNKNOWN, None, {"inverted": False, "film_from": None}),
    ],
    ids=["the file says so", "the technician says so", "the technician says another", "nobody says"],
)
def test_a_negative_is_inverted_where_the_technician_or_the_file_says_so(
    archive, tmp_path, negative, film, xmp, record
):
    original = drop_negative(archive, tmp_path, negative, xmp)
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,), film=film))
    sidecar = archive.read_sidecar(FRAME)
    assert sidecar.latest.access.model_dump(mode="json") == record
    assert sidecar.film is film
    assert (follows_the_scene(access_of(archive)) > 0.5) is record["inverted"]


def test_a_negative_that_was_shown_as_a_positive_is_inverted_once_the_film_is_told(archive, tmp_path, negative):
    original = drop_negative(archive, tmp_path, negative)
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,)))
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,), film=FilmKind.NEGATIVE))
    assert follows_the_scene(access_of(archive, 1)) < 0 < follows_the_scene(access_of(archive, 2))


@pytest.mark.parametrize("film", FilmKind)
def test_the_kind_of_film_changes_the_access_image_and_no_bit_of_the_cleaned_picture(archive, tmp_path, negative, film):
    original = drop_negative(archive, tmp_path, negative, NEGATIVE_XMP)
    clean_into_archive(archive, FRAME, CleanRequest(originals=(original,), film=film))
    picture = tifffile.imread(archive.frame_folder(FRAME).path / "r12_0007_r01_clean.tif")
    assert (picture == clean_frame(negative.rgb, None, CleanOptions()).rgb).all()
    assert (tmp_path / "n.tif").read_bytes() == (archive.frame_folder(FRAME).path / original.name).read_bytes()


def test_the_access_image_is_dated_and_titled(archive, scanned):
    info = CaptureInfo(
        rows=240, cols=320, layout="sane", linear=True, make="Nikon", captured_at=datetime(2026, 3, 1, tzinfo=UTC)
    )
    originals = archive.store_capture(FRAME, Capture(scanned.rgb, scanned.infrared, info))
    clean_into_archive(archive, FRAME, CleanRequest(originals=originals, captured=info))
    with Image.open(archive.frame_folder(FRAME).path / "r12_0007_r01_access.jpg") as image:
        exif = image.getexif()
        assert exif[ExifTags.Base.Make] == "Nikon"
        assert exif[ExifTags.Base.DocumentName] == "r12_0007_r01_access"
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2026:03:01 00:00:00"
