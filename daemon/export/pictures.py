"""Gives away frames one by one: a file is made in a child process, noted in the manifest, and then gets its name."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, cast

from filmscand.daemon.archive.files.atomic_file import HashingFile, make_folders, publish, remove_abandoned_parts
from filmscand.daemon.archive.records.roll_record import NAME, RollRecord
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    FrameMissingError,
    IntegrityError,
    SourceUnreadableError,
)
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.limited_process import LimitedProcess
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.core.visible import visible
from filmscand.daemon.export.finished import ENDINGS, PictureFormat, PictureOrder, picture_writer
from filmscand.daemon.export.given import Given, GivenAway, note
from filmscand.daemon.export.tags import texts_of

# Raised where the same frame gives another file than before: other tones, other tags.
_LOOK: Final = 1


@dataclass(frozen=True, slots=True)
class PictureTask:
    """A file to make: where, from what, and what the manifest says of it; `replaces`: an earlier export wrote it."""

    folder: Path
    order: PictureOrder
    given: Given
    replaces: bool


def give_picture(task: PictureTask) -> Given:
    """Make a file and note it in the manifest (the task of the child); return its line.

    Raises
    ------
    FrameExistsError
        A file with this name came meanwhile.
    StorageFullError, ArchiveUnwritableError
        The export folder's disk does not take it.
    Exception
        See `picture_writer`.
    """
    # Read before anything is written: what fails here is no fault of the export folder's disk.
    write_picture = picture_writer(task.order)
    target = task.folder / task.given.file
    make_folders(target.parent)
    noted = []

    def write(out: BinaryIO) -> None:
        write_picture(out)
        digest = cast(HashingFile, out).digest()
        noted.append(replace(task.given, sha256=digest.sha256, size_bytes=digest.size_bytes))
        note(task.folder, noted[0])

    publish(target, write, replace=task.replaces)
    return noted[0]


class Pictures:
    """Frames on their way into an export folder.

    Parameters
    ----------
    archive : Archive
        Where they come from.
    folder : Path
        The export folder.
    format : PictureFormat
        As what they are given away.
    memory_limit_bytes : int
        Memory that one frame may take.
    """

    def __init__(self, archive: Archive, folder: Path, format: PictureFormat, memory_limit_bytes: int) -> None:
        self._archive = archive
        self._folder = folder
        self._format = format
        self._child = LimitedProcess(give_picture, memory_limit_bytes, Timing().frame_limit_s)
        self._title = cache(lambda roll: _roll_title(archive.root, roll))
        self._tidied: set[Path] = set()

    def give(self, frame: FrameId, away: GivenAway) -> Given | None:
        """Give a frame away; None if its file is there already as it would be made.

        Raises
        ------
        TaskLostError
            The child died of the frame, or it needs more memory than it may take.
        Exception
            See `give_picture`.
        """
        sidecar = self._read(frame)
        name = f"{frame.stem}{ENDINGS[self._format]}"
        texts = texts_of(sidecar, self._title(frame.roll_folder))
        order = PictureOrder(self._archive.root, sidecar, texts, self._format, name)
        file = (frame.roll_folder / name).as_posix()
        self._tidy((self._folder / file).parent)
        given = Given(file, str(frame), sidecar.current.number, str(order.role), "", 0, _made_from(order))
        if away.holds(file, given.made_from):
            return None
        replaces = os.path.lexists(self._folder / file)
        made = self._child.ask(PictureTask(self._folder, order, given, replaces))
        away.add(made)
        return made

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def _read(self, frame: FrameId) -> Sidecar:
        try:
            return self._archive.read_sidecar(frame)
        except FrameMissingError as error:
            raise FrameMissingError(f"{frame}: it has no finished picture yet; export it when it is cleaned") from error
        except ArchiveUnwritableError as error:
            raise SourceUnreadableError(str(error)) from error

    def _tidy(self, folder: Path) -> None:
        """Remove what an export that was killed left in a folder, once."""
        if folder not in self._tidied and folder.is_dir():
            remove_abandoned_parts(folder)
        self._tidied.add(folder)


def _made_from(order: PictureOrder) -> str:
    """Return the digest of everything that a file depends on."""
    sidecar = order.sidecar
    files = sidecar.files_of(sidecar.current)
    told = {
        "look": _LOOK,
        "format": order.format,
        "role": order.role,
        "files": {str(role): file.sha256 for role, file in sorted(files.items())},
        "revision": sidecar.current.number,
        "inverted": sidecar.is_inverted(sidecar.current),
        "orientation": sidecar.orientation.word,
        "capture": sidecar.capture.model_dump(mode="json"),
        "texts": [order.texts.title, order.texts.caption, order.texts.taken, order.texts.typed_date],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _roll_title(root: Path, roll: Path) -> str:
    """Return the name of a roll for people; without a record of it that of its folder."""
    path = root / roll / "metadata" / NAME
    try:
        named = RollRecord.from_json(read_plain(path), str(path)).original_name
    except (OSError, IntegrityError):
        named = None
    return roll.name if named is None else visible(named)
