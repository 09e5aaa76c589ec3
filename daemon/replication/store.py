"""A place that copies go to: the few things that are done there, whether it is a folder or a bucket.

TransientError
  TargetError          the target cannot be used now: it is tried again, with an alarm if that lasts
DaemonError
  RollChangingError    the roll is just being sealed again: look again soon
  CopyBlockedError     a person has to put something right before the roll can be copied
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

from filmscand.daemon.core.errors import DaemonError, TransientError
from filmscand.daemon.station.marker import MARKER_FOLDER

# Below this folder lies what belongs to the target as a whole, and no roll.
OWN_FOLDER: Final = MARKER_FOLDER


class TargetError(TransientError):
    """The target does not answer, refuses, is full, or is not the one that it was."""


class RollChangingError(DaemonError):
    """The roll is being sealed again while it is looked at."""


class CopyBlockedError(DaemonError):
    """Something is wrong with the roll, here or at the target, that a person has to put right."""


class Store(Protocol):
    """A place for copies. Paths are relative to its top, with `/`. Every method may raise `TargetError`."""

    @property
    def place(self) -> str:
        """The folder or address, for people."""

    def opened(self) -> AbstractContextManager[None]:
        """Require that the place is there; everything below happens inside such a block."""

    def is_empty(self) -> bool:
        """Return whether nothing lies there but what a file system puts on an empty disk."""

    def read(self, path: str) -> bytes | None:
        """Return the content of a small file, None where there is none."""

    def sizes(self, folder: str) -> Mapping[str, int]:
        """Return the size in bytes of every file below a folder, by its path from the top."""

    def digest(self, path: str, algorithm: str) -> str:
        """Read a whole file back from the place, and return its digest by an algorithm of hashlib."""

    def put(self, path: str, source: Path, *, replace: bool) -> None:
        """Copy a file there: it appears whole and durable, or not at all.

        Without `replace` the caller has seen that there is none; a folder refuses one that has come since.
        """

    def put_bytes(self, path: str, content: bytes, *, replace: bool) -> None:
        """Write a small file there; see `put`."""

    def keep(self, path: str, kept: str) -> None:
        """Copy a file to another path of the same place."""

    def tidy(self, folder: str) -> None:
        """Remove what an earlier run that was killed left half-written below a folder."""
