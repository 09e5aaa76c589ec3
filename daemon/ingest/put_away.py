"""Puts source files away: renames them within their own watch folder, or deletes them."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

from pydantic_core import to_json

from filmscand.daemon.archive.atomic_file import sync_folder
from filmscand.daemon.ingest.watch import DONE_FOLDER, DUPLICATES_FOLDER, FAILED_FOLDER

REPORT_ENDING: Final = ".error.json"
# Trying again would fail again: a read-only folder, or another mount below the watch folder. The file stays.
_PERMANENT = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.EXDEV})


def move_to_done(root: Path, path: str, day: date) -> Path | None:
    """Move an archived source file to `_done/<day>/`, or leave it where the folder is read-only.

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
    Path or None
        New path of the file; None if the folder does not allow the move.

    Raises
    ------
    OSError
        The disk or share fails in a way that may pass.
    """
    return _move(root, path, PurePosixPath(DONE_FOLDER, day.isoformat()))


def move_to_duplicates(root: Path, path: str) -> Path | None:
    """Move a source file that the archive already has to `_duplicates/`; see `move_to_done`."""
    return _move(root, path, PurePosixPath(DUPLICATES_FOLDER))


def move_to_failed(root: Path, path: str, day: date, error: Exception) -> Path | None:
    """Move a file that is not a film scan to `_failed/<day>/`, with `error` as JSON beside it; see `move_to_done`."""
    target = _move(root, path, PurePosixPath(FAILED_FOLDER, day.isoformat()))
    if target is not None:
        report = to_json(_describe(path, error), indent=2).decode() + "\n"
        target.with_name(f"{target.name}{REPORT_ENDING}").write_text(report, encoding="utf-8")
    return target


def failed_reports(root: Path) -> Iterator[Path]:
    """Yield the error reports below `_failed` of a watch folder; their files may have been moved back since."""
    yield from (root / FAILED_FOLDER).rglob(f"*{REPORT_ENDING}")


def delete(root: Path, path: str) -> bool:
    """Delete an archived source file; return False if the folder does not allow it."""
    try:
        (root / path).unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _PERMANENT:
            return False
        raise
    return True


def _move(root: Path, path: str, folder: PurePosixPath) -> Path | None:
    source = root / path
    try:
        preferred = root / folder / path
        preferred.parent.mkdir(parents=True, exist_ok=True)
        target = _free_name(preferred)
        source.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno in _PERMANENT:
            return None
        raise
    return target


def _free_name(preferred: Path) -> Path:
    target, number = preferred, 2
    while target.exists():
        target = preferred.with_name(f"{preferred.stem}-{number}{preferred.suffix}")
        number += 1
    return target


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
