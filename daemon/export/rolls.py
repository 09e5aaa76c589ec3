"""Gives away whole rolls, as OCFL objects or as ZIP files."""

from __future__ import annotations

import os
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, cast

from filmscand.daemon.archive.files.atomic_file import (
    HashingFile,
    hash_file,
    make_folders,
    publish,
    remove_abandoned_parts,
)
from filmscand.daemon.archive.frames.frame_folder import frames_of
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.export.given import Given, GivenAway, note
from filmscand.daemon.export.ocfl import give_object
from filmscand.daemon.export.roll_files import RollContent, roll_content
from filmscand.daemon.export.roll_zip import write_zip

_ALL: Final = "all"


class RollFormat(StrEnum):
    """As what a roll is given away."""

    OCFL = "ocfl"
    ZIP = "zip"


class PartOfRollError(DaemonError):
    """Only some frames of a roll were chosen: name the roll, or choose a format for pictures."""


def require_whole(archive: Archive, roll: Path, chosen: Iterable[FrameId]) -> None:
    """Require that all frames of a roll were chosen.

    Raises
    ------
    PartOfRollError
        Some were not: they are not given away by mistake.
    """
    if others := set(frames_of(archive.root, archive.root / roll)) - set(chosen):
        raise PartOfRollError(
            f"{roll}: this format holds a whole roll, and {len(others)} of its frames were not chosen; name the roll"
        )


def give_roll(
    archive: Archive, roll: Path, folder: Path, format: RollFormat, away: GivenAway
) -> tuple[Given | None, RollContent]:
    """Give a roll away.

    Returns
    -------
    Given or None
        The line of the manifest; None if the roll is there already as it is now.
    RollContent
        What the roll holds, with the frames that are not complete and were left out.

    Raises
    ------
    ExportFolderError, FrameExistsError
        Something else has its place.
    IntegrityError
        A file is not as it was recorded.
    TransientError
        A disk fails.
    """
    content = roll_content(archive, roll)
    give = _give_object if format is RollFormat.OCFL else _give_zip
    given = give(archive.root, folder, content, away) if content.frames else None
    if given is not None:
        away.add(given)
    return given, content


def _give_object(root: Path, folder: Path, content: RollContent, away: GivenAway) -> Given | None:
    inventory, number = give_object(folder, root, content)
    digest = hash_file(folder / inventory)
    # An export that was killed may have written the object and no line.
    if away.wrote(inventory.as_posix(), digest.sha256):
        return None
    given = Given(
        inventory.as_posix(), content.roll.as_posix(), number, _ALL, digest.sha256, digest.size_bytes, content.state
    )
    note(folder, given)
    return given


def _give_zip(root: Path, folder: Path, content: RollContent, away: GivenAway) -> Given | None:
    file = f"{content.roll.as_posix()}.zip"
    target = folder / file
    if target.parent.is_dir():
        with storing(target.parent):
            remove_abandoned_parts(target.parent)
    if away.holds(file, content.state):
        return None
    make_folders(target.parent)
    noted = []

    def write(out: BinaryIO) -> None:
        write_zip(out, root, content)
        digest = cast(HashingFile, out).digest()
        roll = content.roll.as_posix()
        noted.append(Given(file, roll, 1, _ALL, digest.sha256, digest.size_bytes, content.state))
        note(folder, noted[0])

    publish(target, write, replace=os.path.lexists(target))
    return noted[0]
