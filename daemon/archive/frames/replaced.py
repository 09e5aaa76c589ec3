"""Infrared files that another one took the place of: they stay in the frame's folder, under names of their own."""

from __future__ import annotations

import os
import re
from pathlib import Path

from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.archive.frames.frame_folder import ORIGINAL_SUFFIXES, FrameFolder
from filmscand.daemon.archive.records.sidecar import stored_file
from filmscand.daemon.core.errors import storing
from filmscand.daemon.core.request import Role, StoredFile
from filmscand.daemon.station.folders import opened, sync_descriptor

_SUFFIX = f"{ORIGINAL_SUFFIXES[Role.INFRARED]}_replaced"
_NUMBER = re.compile(rf"_{_SUFFIX}([0-9]+)$")


def set_aside(folder: FrameFolder) -> Path | None:
    """Rename the frame's infrared file to `<stem>_ir_replaced1`; return its new path, None where there is none.

    Call it in a block of `Archive.writing`: the file is renamed in the folder whose archive was checked.
    """
    found = folder.original(Role.INFRARED)
    if found is None:
        return None
    with storing(folder.path), opened(folder.path) as parent:
        number = max((_number(name) for name in _names(folder, parent)), default=0) + 1
        target = f"{folder.frame.stem}_{_SUFFIX}{number}{found.suffix}"
        _rename(found.name, target, parent)
    return folder.path / target


def bring_back(folder: FrameFolder) -> None:
    """Give the infrared file that was set aside last its name again, if no other file has the name now.

    Call it in a block of `Archive.writing`, as `set_aside`.
    """
    if folder.original(Role.INFRARED) is not None or not folder.path.is_dir():
        return
    with storing(folder.path), opened(folder.path) as parent:
        replaced = _names(folder, parent)
        if replaced:
            last = max(replaced, key=_number)
            _rename(last, folder.original_target(Role.INFRARED, Path(last).suffix).name, parent)


def replaced_originals(folder: FrameFolder) -> tuple[StoredFile, ...]:
    """Return the records of the files that were set aside, hashed now."""
    if not folder.path.is_dir():
        return ()
    with storing(folder.path, "read"):
        with opened(folder.path) as parent:
            paths = [folder.path / name for name in sorted(_names(folder, parent), key=_number)]
        return tuple(stored_file(Role.INFRARED, path, hash_file(path)) for path in paths)


def _names(folder: FrameFolder, parent: int) -> list[str]:
    begin = f"{folder.frame.stem}_{_SUFFIX}"
    names = os.listdir(parent)
    return [name for name in names if name.startswith(begin) and _NUMBER.search(Path(name).stem)]


def _number(name: str) -> int:
    match = _NUMBER.search(Path(name).stem)
    return int(match[1]) if match else 0


def _rename(name: str, target: str, parent: int) -> None:
    os.rename(name, target, src_dir_fd=parent, dst_dir_fd=parent)
    sync_descriptor(parent)
