"""Folders by descriptor: an open folder stays the same folder, whatever is mounted or linked at its path meanwhile.

A check of the archive's marker holds for the writes after it only if both start from the same descriptor: between them
the disk may go, and its path would then lead into the bare mount point. Below that descriptor no link is followed.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# A context variable, so that the functions that write below the archive need not hand the descriptor through.
_anchor: ContextVar[tuple[Path, int] | None] = ContextVar("anchor", default=None)


@contextmanager
def anchored(root: Path, descriptor: int) -> Iterator[None]:
    """Open every folder at or below `root` from its descriptor, without following links, as long as the block runs.

    A thread that the block starts needs the context of its starter (`contextvars.copy_context`).
    """
    token = _anchor.set((root, descriptor))
    try:
        yield
    finally:
        _anchor.reset(token)


def anchor_of(root: Path) -> int | None:
    """Return the descriptor of this root, if the calling code runs in a block of `anchored` for it."""
    anchor = _anchor.get()
    return anchor[1] if anchor is not None and anchor[0] == root else None


@contextmanager
def opened(folder: Path) -> Iterator[int]:
    """Open a folder, and yield its descriptor; see `anchored`.

    Raises
    ------
    OSError
        The folder is missing or cannot be opened, or one of its parents below the anchor is a link.
    """
    anchor = _anchor.get()
    if anchor is None or not folder.is_relative_to(anchor[0]):
        descriptor = os.open(folder, _FOLDER)
    else:
        descriptor = _descend_to(*anchor, folder, make=False)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def open_to_append(file: Path) -> Iterator[io.FileIO]:
    """Open a file to append to it, and make the name of a new one durable. A link is not followed.

    Raises
    ------
    OSError
        The file or its folder cannot be opened.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with opened(file.parent) as parent:
        try:
            descriptor = os.open(file.name, flags | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=parent)
            sync_descriptor(parent)
        except FileExistsError:
            descriptor = os.open(file.name, flags, dir_fd=parent)
        with io.FileIO(descriptor, "ab") as log:
            yield log


def make_durably(folder: Path) -> None:
    """Make a folder and its missing parents, and sync the parent of each new one; see `anchored`.

    Raises
    ------
    OSError
        A folder cannot be made or opened, or one of its parents below the anchor is a link.
    """
    anchor = _anchor.get()
    if anchor is None or not folder.is_relative_to(anchor[0]):
        if not folder.is_dir():
            make_durably(folder.parent)
            folder.mkdir(exist_ok=True)
            sync_folder(folder.parent)
        return
    os.close(_descend_to(*anchor, folder, make=True))


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable (fsync of the folder)."""
    with opened(folder) as descriptor:
        sync_descriptor(descriptor)


def sync_descriptor(descriptor: int) -> None:
    """Make the names in an open folder durable."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems cannot sync a folder; their servers keep names in order.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def descend(
    descriptor: int, root: Path, parts: Sequence[str], *, make: bool = False, rights_of_parent: bool = False
) -> int:
    """Open a folder below an open one, step by step; a link on the way is never followed.

    Parameters
    ----------
    descriptor : int
        The open folder.
    root : Path
        Its path, for messages.
    parts : sequence of str
        Names of the folders from there down; empty for the open folder itself.
    make : bool
        Make missing folders, durably.
    rights_of_parent : bool
        Give each folder that is made the rights of the one above: who may tidy one may tidy the other.

    Returns
    -------
    int
        Descriptor of the folder; the caller closes it.

    Raises
    ------
    OSError
        A folder cannot be opened or made; `filename` is its path. ELOOP: a link stands there.
    """
    path, current = root, os.dup(descriptor)
    try:
        for name in parts:
            path /= name
            made = make and _is_made(current, name, path)
            below = _open_below(current, name, path)
            above, current = current, below
            try:
                if made and rights_of_parent:
                    _take_rights(below, above)
            finally:
                os.close(above)
    except BaseException:
        os.close(current)
        raise
    return current


def _descend_to(root: Path, descriptor: int, folder: Path, *, make: bool) -> int:
    return descend(descriptor, root, folder.relative_to(root).parts, make=make)


def _is_made(parent: int, name: str, path: Path) -> bool:
    """Make a folder durably; False if something has the name already."""
    try:
        os.mkdir(name, dir_fd=parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    sync_descriptor(parent)
    return True


def _open_below(parent: int, name: str, path: Path) -> int:
    if name == "..":
        raise OSError(errno.ENOTDIR, "expected the name of a folder, found ..", str(path))
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    except OSError as error:
        # Linux answers ENOTDIR where a link stands in place of a folder.
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and _is_link(parent, name):
            raise OSError(errno.ELOOP, f"expected a folder, found a link at {path}", str(path)) from error
        raise OSError(error.errno, error.strerror, str(path)) from error


def _is_link(parent: int, name: str) -> bool:
    return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)


def _take_rights(folder: int, above: int) -> None:
    """Take group and mode of the folder above; a share without Unix permissions keeps its own."""
    wanted = os.fstat(above)
    mode = stat.S_IMODE(wanted.st_mode) & ~stat.S_ISVTX
    with suppress(PermissionError):
        if os.fstat(folder).st_gid != wanted.st_gid:
            os.fchown(folder, -1, wanted.st_gid)
    # systemd's RestrictSUIDSGID forbids to name the setgid bit, which hands down the group; here it was given by name.
    for allowed in (mode, mode & ~stat.S_ISGID):
        if stat.S_IMODE(os.fstat(folder).st_mode) != mode:
            with suppress(PermissionError):
                os.fchmod(folder, allowed)
