"""Compares the files in the folder of a frame with its sidecar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filmscand.daemon.archive.atomic_file import Digest, hash_file
from filmscand.daemon.archive.sidecar import Sidecar
from filmscand.daemon.core.request import StoredFile


class ProblemKind(StrEnum):
    """What is wrong with an archived file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Problem:
    """An archived file that differs from its record; `is_damage` is False for a file that no record names."""

    path: Path
    kind: ProblemKind
    message: str

    @property
    def is_damage(self) -> bool:
        """Whether an archived file is lost, unreadable or changed."""
        return self.kind is not ProblemKind.UNLISTED

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def verify_folder(folder: Path, sidecar: Sidecar) -> tuple[Problem, ...]:
    """Return every file in the folder of a frame that differs from its sidecar.

    Parameters
    ----------
    folder : Path
        Folder of the frame.
    sidecar : Sidecar
        Its sidecar, which names every file with size and hashes.
    """
    problems = [check_file(folder, file) for file in sidecar.files]
    listed = {file.name for file in sidecar.files} | {f"{sidecar.frame_id.stem}.json"}
    unlisted = [
        Problem(path, ProblemKind.UNLISTED, "expected only files that the sidecar names, found this one")
        for path in sorted(folder.iterdir())
        if path.name not in listed
    ]
    return (*(problem for problem in problems if problem is not None), *unlisted)


def check_file(folder: Path, stored: StoredFile) -> Problem | None:
    """Read one file from the disk and compare it with its record; return None if they agree."""
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
