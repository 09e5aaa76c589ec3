"""Compares what lies in a frame's folder with its sidecar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filmscand.daemon.archive.atomic_file import Digest, hash_file
from filmscand.daemon.archive.sidecar import Sidecar, StoredFile


class ProblemKind(StrEnum):
    """What is wrong with a stored file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that is not as recorded; `is_damage` is False for files that are only left over."""

    path: Path
    kind: ProblemKind
    message: str

    @property
    def is_damage(self) -> bool:
        """Whether something that was archived is lost or changed."""
        return self.kind is not ProblemKind.UNLISTED

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def verify_folder(folder: Path, sidecar: Sidecar) -> tuple[Problem, ...]:
    """Return everything in a frame's folder that is not as its sidecar says."""
    problems = [check_file(folder, file) for file in sidecar.files]
    listed = {file.name for file in sidecar.files} | {f"{sidecar.frame_id.stem}.json"}
    unlisted = [
        Problem(path, ProblemKind.UNLISTED, "expected only files that the sidecar names, found this one")
        for path in sorted(folder.iterdir())
        if path.name not in listed
    ]
    return (*(problem for problem in problems if problem is not None), *unlisted)


def check_file(folder: Path, stored: StoredFile) -> Problem | None:
    """Read one file back from the disk and compare it; None where it is as recorded."""
    path = folder / stored.name
    try:
        found = hash_file(path, from_disk=True)
    except FileNotFoundError:
        return Problem(path, ProblemKind.MISSING, f"expected {stored.size_bytes} bytes, found no file")
    except OSError as error:
        return Problem(path, ProblemKind.UNREADABLE, f"cannot read: {error.strerror or error}")
    if found == Digest(stored.size_bytes, stored.sha256, stored.sha512):
        return None
    expected = f"{stored.size_bytes} bytes with SHA-256 {stored.sha256}"
    return Problem(path, ProblemKind.CHANGED, f"expected {expected}, found {found.size_bytes} with {found.sha256}")
