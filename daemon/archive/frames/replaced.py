"""Infrared files that another one took the place of: they stay in the frame's folder, under names of their own."""

from __future__ import annotations

import re
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import hash_file, sync_folder
from filmscand.daemon.archive.frames.frame_folder import ORIGINAL_SUFFIXES, FrameFolder
from filmscand.daemon.archive.records.sidecar import stored_file
from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.request import Role, StoredFile

_SUFFIX = f"{ORIGINAL_SUFFIXES[Role.INFRARED]}_replaced"
_NUMBER = re.compile(rf"_{_SUFFIX}([0-9]+)$")


def set_aside(folder: FrameFolder) -> Path | None:
    """Rename the frame's infrared file to `<stem>_ir_replaced1`; return its new path, None where there is none."""
    found = folder.original(Role.INFRARED)
    if found is None:
        return None
    number = max((_number(path) for path in _paths(folder)), default=0) + 1
    return _renamed(found, folder.path / f"{folder.frame.stem}_{_SUFFIX}{number}{found.suffix}")


def bring_back(folder: FrameFolder) -> None:
    """Give the infrared file that was set aside last its name again, if no other file has the name now."""
    replaced = _paths(folder)
    if replaced and folder.original(Role.INFRARED) is None:
        last = max(replaced, key=_number)
        _renamed(last, folder.original_target(Role.INFRARED, last.suffix))


def replaced_originals(folder: FrameFolder) -> tuple[StoredFile, ...]:
    """Return the records of the files that were set aside, hashed now."""
    paths = sorted(_paths(folder), key=_number)
    with storing(folder.path, "read"):
        return tuple(stored_file(Role.INFRARED, path, hash_file(path)) for path in paths)


def _paths(folder: FrameFolder) -> list[Path]:
    with storing(folder.path, "read"):
        found = list(folder.path.glob(f"{folder.frame.stem}_{_SUFFIX}*"))
    return [path for path in found if _NUMBER.search(path.stem)]


def _number(path: Path) -> int:
    match = _NUMBER.search(path.stem)
    return int(match[1]) if match else 0


def _renamed(source: Path, target: Path) -> Path:
    with storing(target):
        source.rename(target)
        sync_folder(target.parent)
    return target
