"""One archived file against its record."""

import os

import pytest

from filmscand.daemon.archive.files.atomic_file import publish_bytes
from filmscand.daemon.archive.files.problem import Problem, ProblemKind
from filmscand.daemon.archive.frames.verify_frame import check_file
from filmscand.daemon.core.request import Role, StoredFile
from support.archive_frames import FRAME, complete, write


@pytest.fixture
def stored(tmp_path):
    digest = publish_bytes(tmp_path / "a.tif", b"counts").digest
    return StoredFile(
        name="a.tif", role=Role.RAW, size_bytes=digest.size_bytes, sha256=digest.sha256, sha512=digest.sha512
    )


def test_a_file_as_recorded_is_no_problem(stored, tmp_path):
    assert check_file(tmp_path, stored) is None


@pytest.mark.parametrize("content", [b"COUNTS", b"count", b""])
def test_a_file_with_other_content_is_changed(stored, tmp_path, content):
    (tmp_path / "a.tif").write_bytes(content)
    problem = check_file(tmp_path, stored)
    assert problem.kind is ProblemKind.CHANGED
    assert f"expected 6 bytes with SHA-256 {stored.sha256}, found {len(content)}" in str(problem)


def test_a_missing_file_and_one_that_cannot_be_read_are_told_apart(stored, tmp_path):
    (tmp_path / "a.tif").unlink()
    assert check_file(tmp_path, stored).kind is ProblemKind.MISSING
    os.mkdir(tmp_path / "a.tif")  # noqa: PTH102
    assert check_file(tmp_path, stored).kind is ProblemKind.UNREADABLE


def test_only_a_file_that_no_record_names_is_no_damage(tmp_path):
    damage = {kind for kind in ProblemKind if Problem(tmp_path, kind, "why").is_damage}
    assert damage == set(ProblemKind) - {ProblemKind.UNLISTED}


def test_an_untouched_frame_verifies(archive, tmp_path):
    complete(archive, tmp_path)
    assert archive.verify(FRAME) == ()


def test_one_changed_bit_is_found(archive, tmp_path):
    sidecar = complete(archive, tmp_path)
    raw = archive.frame_folder(FRAME).path / sidecar.originals[0].name
    raw.chmod(0o640)
    with raw.open("r+b") as file:
        file.seek(1000)
        file.write(b"\x00")
    (problem,) = archive.verify(FRAME)
    assert (problem.kind, problem.path, problem.is_damage) == (ProblemKind.CHANGED, raw, True)
    assert archive.verify_original(FRAME, sidecar.originals[0]) == problem


def test_missing_and_unlisted_files_are_found(archive, tmp_path):
    complete(archive, tmp_path)
    folder = archive.frame_folder(FRAME).path
    (folder / "r12_0007_r01_mask.png").unlink()
    write(folder / "r12_0007_r02_clean.tif")
    found = {problem.path.name: problem for problem in archive.verify(FRAME)}
    assert found["r12_0007_r01_mask.png"].kind is ProblemKind.MISSING
    assert found["r12_0007_r02_clean.tif"].kind is ProblemKind.UNLISTED
    assert not found["r12_0007_r02_clean.tif"].is_damage
