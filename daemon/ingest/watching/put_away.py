"""Puts source files away: renames them within their own watch folder, or deletes them.

Other people may write in a watch folder. Each folder is opened from the top of the watch folder down, and a link that
somebody planted there is never followed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic_core import to_json

from filmscand.daemon.archive.files.source_file import folder_below
from filmscand.daemon.core.errors import SourceChangedError, TransientError
from filmscand.daemon.station.folders import sync_descriptor
from filmscand.daemon.station.rights import hands_down, user_name, way_out

# They are named here, for a command that only counts what was put away loads nothing that watches folders.
DONE_FOLDER: Final = "_done"
FAILED_FOLDER: Final = "_failed"
DUPLICATES_FOLDER: Final = "_duplicates"
REPORT_ENDING: Final = ".error.json"
_NAME_BYTES: Final = 255
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM})


class PutAwayError(TransientError):
    """A source file cannot be moved away or deleted; it stays where it is, and trying again later may help."""


def move_to_done(root: Path, path: str, day: date) -> Path:
    """Move an archived source file to `_done/<day>/`.

    Parameters
    ----------
    root : Path
        The watch folder.
    path : str
        The file, below `root`; it keeps its subfolders below `_done/<day>/`. A number is added to a name that is taken.
    day : date
        Day of ingestion.

    Returns
    -------
    Path
        New path of the file.

    Raises
    ------
    FileNotFoundError
        The file is gone.
    PutAwayError
        The folder does not allow the move, or its disk or share fails.
    SourceChangedError
        It is no regular file any more.
    """
    return _move(root, path, PurePosixPath(DONE_FOLDER, day.isoformat()))


def move_to_duplicates(root: Path, path: str) -> Path:
    """Move a source file that the archive already has to `_duplicates/`; see `move_to_done`."""
    return _move(root, path, PurePosixPath(DUPLICATES_FOLDER))


def move_to_failed(root: Path, path: str, day: date, error: Exception) -> Path:
    """Move a file that is not a film scan to `_failed/<day>/`, with `error` as JSON beside it; see `move_to_done`."""
    report = to_json(_describe(path, error), indent=2) + b"\n"
    return _move(root, path, PurePosixPath(FAILED_FOLDER, day.isoformat()), report)


def failed_reports(root: Path) -> Iterator[Path]:
    """Yield the error reports below `_failed` of a watch folder; their files may have been moved back since."""
    folder = root / FAILED_FOLDER
    if not folder.is_symlink():
        yield from folder.rglob(f"*{REPORT_ENDING}")


def delete(root: Path, path: str) -> None:
    """Delete an archived source file that may be gone already; see `move_to_done` for the errors."""
    name = PurePosixPath(path)
    gone = contextlib.suppress(FileNotFoundError)
    with gone, _refused(root, path, "deleted"), folder_below(root, name.parent.parts) as folder:
        _require_regular(root / path, folder)
        os.unlink(name.name, dir_fd=folder)
        sync_descriptor(folder)


def _move(root: Path, path: str, folder: PurePosixPath, report: bytes = b"") -> Path:
    name, away = PurePosixPath(path), folder / PurePosixPath(path).parent
    with _refused(root, path, f"moved to {folder}", away), folder_below(root, name.parent.parts) as here:
        _require_regular(root / path, here)
        with folder_below(root, away.parts, make=True) as there:
            free = _free_name(root / away, name.name, there)
            if report:
                _write_report(f"{free}{REPORT_ENDING}", there, report)
            try:
                os.rename(name.name, free, src_dir_fd=here, dst_dir_fd=there)
            except OSError:
                if report:
                    os.unlink(f"{free}{REPORT_ENDING}", dir_fd=there)
                raise
            sync_descriptor(there)
        sync_descriptor(here)
    return root / away / free


def _write_report(name: str, folder: int, report: bytes) -> None:
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666, dir_fd=folder)
    with open(descriptor, "wb") as file:  # noqa: PTH123  a descriptor has no path
        file.write(report)
        file.flush()
        os.fsync(descriptor)


def _require_regular(path: Path, folder: int) -> None:
    if not stat.S_ISREG(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise SourceChangedError(f"{path}: expected a regular file, found something else")


def _free_name(away: Path, name: str, folder: int) -> str:
    """Return a name that is free, and so is that of its report; a link in the place of either is refused."""
    preferred = PurePosixPath(name)
    ending = preferred.suffix
    number = 1
    while True:
        added = ending if number == 1 else f"-{number}{ending}"
        room = _NAME_BYTES - len(f"{added}{REPORT_ENDING}".encode())
        free = preferred.stem.encode()[: max(room, 1)].decode(errors="ignore") + added
        if not any(_is_taken(away / one, folder) for one in (free, f"{free}{REPORT_ENDING}")):
            return free
        number += 1


def _is_taken(path: Path, folder: int) -> bool:
    try:
        found = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, "a link stands here, and links are not followed", str(path))
    return True


@contextlib.contextmanager
def _refused(root: Path, path: str, deed: str, away: PurePosixPath | None = None) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        folders = [PurePosixPath(path).parent, *([] if away is None else [away, *away.parents])]
        raise PutAwayError(f"{root / path}: cannot be {deed}: {_explain(root, path, folders, error)}") from error


def _explain(root: Path, path: str, folders: list[PurePosixPath], error: OSError) -> str:
    """Say which folder refuses, to which user, and what helps."""
    source = root / path
    if error.errno == errno.ELOOP:
        return f"{error.filename}: {error.strerror}. Remove the link; the file stays where it is until then"
    if error.errno == errno.EROFS:
        return "its folder is mounted read-only. Mount it writable, or set source_policy: leave"
    if error.errno == errno.EXDEV:
        return f"{source.parent} lies on another disk than the watch folder. Watch it as a folder of its own"
    if error.errno in _NO_RIGHT:
        user = user_name()
        way = way_out(root, *folders, write=True)
        if way and hands_down(root):
            return f"{error.strerror} for user {user}. {way}"
        return (
            f"{error.strerror} for user {user}, who has to be able to write in {source.parent} and in the watch "
            f"folder. Give the folders to a group that {user} belongs to ('chgrp -R GROUP', 'chmod -R g+rwX', and "
            f"'chmod g+s' so that new folders inherit it), or set a default ACL ('setfacl -R -m u:{user}:rwX -m "
            f"d:u:{user}:rwX')" + (f". {way}" if way else "")
        )
    return f"{error.strerror or error}"


@dataclass(frozen=True, slots=True)
class _FailureReport:
    file: str
    error: str
    message: str
    expected: str | None
    found: str | None
    at: str


def _describe(path: str, error: Exception) -> _FailureReport:
    return _FailureReport(
        file=path,
        error=type(error).__name__,
        message=str(error),
        expected=getattr(error, "expected", None),
        found=getattr(error, "found", None),
        at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
