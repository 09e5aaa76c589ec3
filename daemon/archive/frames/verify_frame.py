"""Compares the folder of a frame with its sidecar, and the sidecar with what was recorded of it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import PART_PREFIX, PART_SUFFIX, Digest, hash_file
from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.archive.frames.frame_folder import ORIGINAL_SUFFIXES, FrameFolder
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.database.archive_records import ArchiveRecord
from filmscand.daemon.database.frames import Job, JobOutcome, JobState

_REVISION_FILE: Final = re.compile(r"_r[0-9]{2,}_(clean\.tif|mask\.png|access\.jpg)")


@dataclass(frozen=True, slots=True)
class FrameEvidence:
    """What is known of a frame without looking into its folder.

    Attributes
    ----------
    job : Job or None
        The frame in the station's database.
    record : ArchiveRecord or None
        What the database keeps of the sidecar.
    written : tuple of str
        SHA-256 of each sidecar that the roll's events tell of, oldest first.
    """

    job: Job | None = None
    record: ArchiveRecord | None = None
    written: tuple[str, ...] = ()

    @property
    def is_under_way(self) -> bool:
        """Whether the frame is in line or being cleaned: its sidecar may be written at any moment."""
        return self.job is not None and self.job.state is not JobState.FINISHED

    @property
    def was_complete(self) -> bool:
        """Whether the frame had a sidecar."""
        is_archived = self.job is not None and self.job.outcome is JobOutcome.ARCHIVED
        return self.record is not None or is_archived or (bool(self.written) and not self.is_under_way)

    def accepts(self, sha256: str) -> bool:
        """Return whether a sidecar with this digest is the one that was written last."""
        if self.is_under_way and sha256 in self.written:
            return True
        if self.record is not None:
            return sha256 == self.record.sha256
        return not self.written or sha256 == self.written[-1]


@dataclass(frozen=True, slots=True)
class FrameCheck:
    """What a frame's folder holds; `sidecar` is None where the frame has none, and is not expected to."""

    problems: tuple[Problem, ...]
    is_complete: bool


def verify_frame(folder: FrameFolder, evidence: FrameEvidence) -> FrameCheck:
    """Read every file of a frame from the disk, and compare it with all that is known of the frame."""
    wrong = folder_problem(folder.path, "the frame's folder")
    if wrong is not None:
        return FrameCheck((wrong,), is_complete=False)
    if os.path.lexists(folder.sidecar):
        return FrameCheck(tuple(_verify_complete(folder, evidence)), is_complete=True)
    problems = list(_verify_originals(folder, evidence.job))
    if evidence.was_complete:
        problems.insert(0, Problem(folder.sidecar, ProblemKind.MISSING, "expected the frame's sidecar, found no file"))
    return FrameCheck(tuple(problems), is_complete=evidence.was_complete)


def folder_problem(path: Path, what: str) -> Problem | None:
    """Return what is wrong where a real folder has to be, None where it is."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return Problem(path, ProblemKind.MISSING, f"expected {what}, found none")
    except OSError as error:
        return Problem(path, ProblemKind.UNREADABLE, f"cannot read: {error.strerror or error}")
    if stat.S_ISDIR(mode):
        return None
    found = "a symbolic link" if stat.S_ISLNK(mode) else "a file that is no folder"
    return Problem(path, ProblemKind.CHANGED, f"expected {what}, found {found}")


def verify_folder(folder: Path, sidecar: Sidecar) -> tuple[Problem, ...]:
    """Return every file in the folder of a frame that differs from its sidecar.

    Parameters
    ----------
    folder : Path
        Folder of the frame.
    sidecar : Sidecar
        Its sidecar, which names every file with size and hashes.
    """
    frame = FrameFolder(folder.parents[4], sidecar.frame_id)
    return (*_compare_files(folder, frame, sidecar.files), *_others(folder, sidecar, may_get_infrared=False))


def check_file(folder: Path, stored: StoredFile, *, from_disk: bool = True) -> Problem | None:
    """Read one file and compare it with its record; return None if they agree.

    Parameters
    ----------
    from_disk : bool
        Read the bytes on the disk, not a copy in memory.
    """
    path = folder / stored.name
    try:
        found = hash_file(path, from_disk=from_disk)
    except FileNotFoundError:
        return Problem(path, ProblemKind.MISSING, f"expected {stored.size_bytes} bytes, found no file")
    except OSError as error:
        return unreadable(path, error)
    if found == Digest(stored.size_bytes, stored.sha256, stored.sha512):
        return None
    expected = f"{stored.size_bytes} bytes with SHA-256 {stored.sha256}"
    return Problem(path, ProblemKind.CHANGED, f"expected {expected}, found {found.size_bytes} with {found.sha256}")


def _verify_complete(folder: FrameFolder, evidence: FrameEvidence) -> Iterator[Problem]:
    path = folder.sidecar
    try:
        content = read_plain(path)
    except OSError as error:
        yield unreadable(path, error)
        return
    found = hashlib.sha256(content).hexdigest()
    accepted = evidence.accepts(found)
    try:
        sidecar = Sidecar.from_json(content, str(path))
    except IntegrityError as error:
        yield Problem(path, ProblemKind.CHANGED, str(error).removeprefix(f"{path}: "))
        return
    if not accepted:
        yield Problem(
            path, ProblemKind.CHANGED, f"expected the sidecar that filmscand wrote last, found SHA-256 {found}"
        )
    if sidecar.frame_id != folder.frame:
        message = f"expected the sidecar of {folder.frame}, found that of {sidecar.frame_id}"
        yield Problem(path, ProblemKind.CHANGED, message)
    if not any(file.role is Role.RAW for file in sidecar.originals):
        yield Problem(path, ProblemKind.CHANGED, "expected a raw file among the originals, found none")
    yield from _compare_files(folder.path, folder, sidecar.files)
    job = evidence.job
    awaits = job is not None and (evidence.is_under_way or job.request.awaits_infrared)
    yield from _others(folder.path, sidecar, may_get_infrared=awaits)


def _verify_originals(folder: FrameFolder, job: Job | None) -> Iterator[Problem]:
    """Compare what was stored of a frame that is not cleaned yet."""
    if job is not None:
        yield from _compare_files(folder.path, folder, job.request.originals)


def _compare_files(path: Path, folder: FrameFolder, files: tuple[StoredFile, ...]) -> Iterator[Problem]:
    for file in files:
        try:
            folder.require_own(file)
        except IntegrityError as error:
            yield Problem(folder.sidecar, ProblemKind.CHANGED, str(error).removeprefix(f"{folder.sidecar}: "))
            continue
        problem = check_file(path, file)
        if problem is not None:
            yield problem


def _others(folder: Path, sidecar: Sidecar, *, may_get_infrared: bool) -> Iterator[Problem]:
    """Yield each file that the sidecar does not name."""
    stem = sidecar.frame_id.stem
    listed = {file.name for file in sidecar.files} | {f"{stem}.json"}
    for path in sorted(folder.iterdir()):
        if path.name in listed:
            continue
        is_ours = _is_left_by_a_writer(path.name, stem) or (
            may_get_infrared and path.name.startswith(f"{stem}_{ORIGINAL_SUFFIXES[Role.INFRARED]}.")
        )
        kind = ProblemKind.UNLISTED if is_ours else ProblemKind.FOREIGN
        yield Problem(path, kind, "expected only files that the sidecar names, found this one")


def left_by_writers(folder: Path, sidecar: Sidecar) -> list[Path]:
    """Return the files in a frame's folder that a killed writer left: parts, and files of an incomplete revision."""
    stem, listed = sidecar.frame_id.stem, {file.name for file in sidecar.files}
    found = (path for path in sorted(folder.iterdir()) if path.name not in listed)
    return [path for path in found if _is_left_by_a_writer(path.name, stem)]


def _is_left_by_a_writer(name: str, stem: str) -> bool:
    """Whether a writer that was killed leaves such a file: a temporary one, or one of an incomplete revision."""
    is_part = name.startswith(PART_PREFIX) and name.endswith(PART_SUFFIX)
    return is_part or (name.startswith(stem) and _REVISION_FILE.fullmatch(name.removeprefix(stem)) is not None)
