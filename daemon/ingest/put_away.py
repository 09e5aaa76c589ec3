"""Getting a source file out of the way, by renaming it within its own watch folder."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, Final

from filmscand.daemon.archive.atomic_file import sync_folder
from filmscand.daemon.ingest.watch import DONE_FOLDER, DUPLICATES_FOLDER, FAILED_FOLDER

REPORT_ENDING: Final = ".error.json"
# Another try would meet the same refusal: a folder that may only be read, or a mount of its own below the watch folder.
_LEAVE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM, errno.EXDEV})


def move_to_done(root: Path, path: str, day: date) -> Path | None:
    """Move an archived source to `_done/<day>/`.

    Returns
    -------
    Path or None
        Where it lies now; None where the folder does not let it go.

    Raises
    ------
    OSError
        If the disk or the share is in trouble.
    """
    return _move(root, path, PurePosixPath(DONE_FOLDER, day.isoformat()))


def move_to_duplicates(root: Path, path: str) -> Path | None:
    """Move a source that is in the archive already to `_duplicates/`; see `move_to_done`."""
    return _move(root, path, PurePosixPath(DUPLICATES_FOLDER))


def move_to_failed(root: Path, path: str, day: date, error: Exception) -> Path | None:
    """Move a source that is no film scan to `_failed/<day>/`, with the error beside it; see `move_to_done`."""
    target = _move(root, path, PurePosixPath(FAILED_FOLDER, day.isoformat()))
    if target is not None:
        described = json.dumps(_describe(path, error), indent=2, ensure_ascii=False) + "\n"
        target.with_name(f"{target.name}{REPORT_ENDING}").write_text(described, encoding="utf-8")
    return target


def failed_reports(root: Path) -> Iterator[Path]:
    """Yield what was written beside files in a watch folder's `_failed`; a file may have been moved back since."""
    yield from (root / FAILED_FOLDER).rglob(f"*{REPORT_ENDING}")


def delete(root: Path, path: str) -> bool:
    """Delete an archived source; False where the folder does not let it go."""
    try:
        (root / path).unlink(missing_ok=True)
    except OSError as error:
        if error.errno in _LEAVE:
            return False
        raise
    return True


def _move(root: Path, path: str, folder: PurePosixPath) -> Path | None:
    source = root / path
    try:
        wanted = root / folder / path
        wanted.parent.mkdir(parents=True, exist_ok=True)
        target = _free_name(wanted)
        source.rename(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno in _LEAVE:
            return None
        raise
    return target


def _free_name(wanted: Path) -> Path:
    target, number = wanted, 2
    while target.exists():
        target = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        number += 1
    return target


def _describe(path: str, error: Exception) -> dict[str, Any]:
    return {
        "file": path,
        "error": type(error).__name__,
        "message": str(error),
        "expected": getattr(error, "expected", None),
        "found": getattr(error, "found", None),
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
