"""The top of an archive: checked by its marker, opened once, and everything below it made relative to that."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import make_folders
from filmscand.daemon.core.errors import storing
from filmscand.daemon.station.folders import anchor_of, anchored, opened, sync_descriptor
from filmscand.daemon.station.marker import Identity, open_archive


class ArchiveRoot:
    """The top folder of an archive, and the ids that its marker has to have; None expects no marker.

    Parameters
    ----------
    path : Path
        The folder. Without ids it is made where it is missing; with them it never is.
    identity : Identity or None
        The ids.
    """

    def __init__(self, path: Path, identity: Identity | None) -> None:
        self.path = path
        self._identity = identity

    def require_present(self) -> None:
        """Require the archive at its place; see `station.marker.open_archive` for the errors."""
        if self._identity is not None:
            with open_archive(self.path, self._identity):
                pass

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Require the archive, and let everything in the block happen below the folder whose marker was read."""
        if anchor_of(self.path) is not None:
            yield
            return
        if self._identity is None:
            make_folders(self.path)
        with open_archive(self.path, self._identity) as descriptor, anchored(self.path, descriptor):
            yield

    @contextlib.contextmanager
    def reading(self) -> Iterator[Path]:
        """Require the archive, and yield a path to the folder whose marker was read, not to what is mounted now."""
        anchor = anchor_of(self.path)
        if anchor is not None:
            yield Path(f"/proc/self/fd/{anchor}")
        elif self._identity is None:
            yield self.path
        else:
            with open_archive(self.path, self._identity) as descriptor:
                yield Path(f"/proc/self/fd/{descriptor}")

    def make_new(self, folder: Path) -> bool:
        """Make a folder and its parents; False if the folder is there already. Exactly one of many succeeds."""
        with self.writing(), storing(folder):
            make_folders(folder.parent)
            with opened(folder.parent) as parent:
                try:
                    os.mkdir(folder.name, dir_fd=parent)
                except FileExistsError:
                    return False
                sync_descriptor(parent)
        return True

    def remove_empty(self, folder: Path) -> None:
        """Remove a folder if it is empty; one with files in it, or one that is not there, stays as it is."""
        with self.writing(), contextlib.suppress(OSError), opened(folder.parent) as parent:
            os.rmdir(folder.name, dir_fd=parent)

    def remove(self, file: Path) -> None:
        """Remove a file."""
        with self.writing(), storing(file, "remove"), opened(file.parent) as parent:
            os.unlink(file.name, dir_fd=parent)
