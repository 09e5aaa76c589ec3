"""Copies in a folder: on another disk, or on a share that is mounted."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import (
    copy,
    make_folders,
    publish,
    publish_bytes,
    remove_abandoned_parts,
)
from filmscand.daemon.core.errors import FrameExistsError, storing
from filmscand.daemon.core.plain_file import digest_of, open_plain, read_plain
from filmscand.daemon.replication.store import TargetError
from filmscand.daemon.station.folders import anchor_of, anchored
from filmscand.daemon.station.marker import MARKER, is_new_disk


class FolderStore:
    """A folder that copies go to.

    Parameters
    ----------
    root : Path
        The folder. It is never made: a missing folder is a disk that is not mounted.
    archive : Path
        The archive, which the folder must not be.
    """

    def __init__(self, root: Path, archive: Path) -> None:
        self._root = root
        self._archive = archive

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._root)

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the folder: everything in the block happens below it, even if another disk is mounted there meanwhile.

        Raises
        ------
        TargetError
            It is missing, cannot be opened, or is a part of the archive by way of links.
        """
        try:
            here, archive = self._root.resolve(), self._archive.resolve()
            descriptor = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise TargetError(f"{self._root}: the folder is missing. Mount its disk, or make the folder") from error
        except OSError as error:
            raise TargetError(f"{self._root}: cannot open the folder: {error.strerror or error}") from error
        try:
            if here.is_relative_to(archive) or archive.is_relative_to(here):
                raise TargetError(f"{self._root}: expected a folder apart from the archive, found {here}")
            with anchored(self._root, descriptor):
                yield
        finally:
            os.close(descriptor)

    def is_empty(self) -> bool:
        """Return whether the folder holds no folders but those of a file system, and nothing of an archive."""
        with storing(self._root, "read"):
            return is_new_disk(self._anchor()) and not os.path.lexists(self._here(MARKER))

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; see `Store`."""
        with storing(self._root / path, "read"):
            try:
                return read_plain(self._here(path))
            except FileNotFoundError:
                return None

    def sizes(self, folder: str) -> dict[str, int]:
        """Return the size of every file below a folder; whatever is no plain file is refused."""
        found: dict[str, int] = {}
        with storing(self._root / folder, "read"):
            if not os.path.lexists(self._here(folder)):
                return found
            pending = [folder]
            while pending:
                with os.scandir(self._here(here := pending.pop())) as entries:
                    for entry in entries:
                        path = f"{here}/{entry.name}"
                        look = entry.stat(follow_symlinks=False)
                        if stat.S_ISDIR(look.st_mode):
                            pending.append(path)
                        elif stat.S_ISREG(look.st_mode):
                            found[path] = look.st_size
                        else:
                            raise TargetError(
                                f"{self._root / path}: expected a plain file, found a link or a device; remove it"
                            )
        return found

    def digest(self, path: str, algorithm: str) -> str:
        """Read a file back from the disk, past the memory of the kernel, and return its digest."""
        with storing(self._root / path, "read"):
            return digest_of(self._here(path), algorithm, from_disk=True)

    def put(self, path: str, source: Path, *, replace: bool) -> None:
        """Copy a file; see `Store`."""
        target = self._root / path
        make_folders(target.parent)
        with storing(source, "read"), open_plain(source) as file, _only_ours(target):
            publish(target, lambda out: copy(file, out), replace=replace)

    def put_bytes(self, path: str, content: bytes, *, replace: bool) -> None:
        """Write a small file; see `Store`."""
        target = self._root / path
        make_folders(target.parent)
        with _only_ours(target):
            publish_bytes(target, content, replace=replace)

    def keep(self, path: str, kept: str) -> None:
        """Copy a file within the folder; see `Store`."""
        self.put(kept, self._here(path), replace=True)

    def tidy(self, folder: str) -> None:
        """Remove the temporary files of writers that are dead; see `Store`."""
        with storing(self._root / folder, "read"):
            for top, _, _ in os.walk(self._here(folder)):
                remove_abandoned_parts(self._root / folder / os.path.relpath(top, self._here(folder)))

    def _anchor(self) -> int:
        descriptor = anchor_of(self._root)
        assert descriptor is not None, "a store is used inside `opened` only"
        return descriptor

    def _here(self, path: str) -> Path:
        return Path(f"/proc/self/fd/{self._anchor()}", path)


@contextmanager
def _only_ours(target: Path) -> Iterator[None]:
    try:
        yield
    except FrameExistsError as error:
        raise TargetError(f"{target}: another program wrote this file a moment ago: {error}") from error
