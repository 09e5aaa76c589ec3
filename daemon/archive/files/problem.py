"""What is wrong with an archived file, as every verification tells it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filmscand.daemon.core.plain_file import NotAPlainFileError


class ProblemKind(StrEnum):
    """What is wrong with an archived file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    CHANGED = "changed"
    FOREIGN = "foreign"
    UNLISTED = "unlisted"


@dataclass(frozen=True, slots=True)
class Problem:
    """An archived file that differs from its record.

    `is_damage` is False for a file that no record names and that filmscand itself may have left.
    """

    path: Path
    kind: ProblemKind
    message: str

    @property
    def is_damage(self) -> bool:
        """Whether an archived file is lost, unreadable or changed, or a foreign file lies beside it."""
        return self.kind is not ProblemKind.UNLISTED

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def unreadable(path: Path, error: OSError) -> Problem:
    """Return the problem of a file that cannot be read, or is no plain file."""
    if isinstance(error, NotAPlainFileError):
        return Problem(path, ProblemKind.UNREADABLE, str(error.strerror))
    return Problem(path, ProblemKind.UNREADABLE, f"cannot read: {error.strerror or error}")
