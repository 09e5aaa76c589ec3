"""The roll record `metadata/roll.json`: the name of the roll, written when its first frame is stored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from filmscand.daemon.archive.atomic_file import make_folders, publish_bytes
from filmscand.daemon.archive.verify_frame import Problem, ProblemKind, unreadable
from filmscand.daemon.core.errors import IntegrityError, SchemaTooNewError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import Record

SCHEMA_VERSION: Final = 1
NAME: Final = "roll.json"


class RollRecord(Record):
    """The content of `roll.json`; fields that this version does not know are kept."""

    schema_version: int = SCHEMA_VERSION
    collection: str
    box: str
    roll: str

    def to_json(self) -> bytes:
        """Return the bytes of the file: sorted keys, two spaces, UTF-8, a newline at the end."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, content: bytes, name: str) -> RollRecord:
        """Read a roll record.

        Parameters
        ----------
        name : str
            The file, for the error message.

        Raises
        ------
        SchemaTooNewError
            A newer filmscand wrote it.
        IntegrityError
            It is no roll record.
        """
        try:
            record = cls.model_validate_json(content)
        except ValidationError as error:
            raise IntegrityError(f"{name}: expected a roll record, found: {error}") from error
        if record.schema_version > SCHEMA_VERSION:
            raise SchemaTooNewError(f"{name}: expected a roll record", SCHEMA_VERSION, record.schema_version)
        return record


def write_roll_record(metadata: Path, frame: FrameId) -> None:
    """Write the record of the frame's roll where there is none yet.

    Parameters
    ----------
    metadata : Path
        Folder `metadata` of the roll; made where it is missing.

    Raises
    ------
    SchemaTooNewError, IntegrityError
        The roll has a record that this version must not add frames to; see `RollRecord.from_json`.
    """
    path = metadata / NAME
    with storing(path, "read"):
        known = read_plain(path) if os.path.lexists(path) else None
    if known is not None:
        RollRecord.from_json(known, str(path))
        return
    make_folders(metadata)
    record = RollRecord(collection=frame.collection, box=frame.box, roll=frame.roll)
    publish_bytes(path, record.to_json())


def verify_roll_record(metadata: Path, roll: Path) -> Iterator[Problem]:
    """Compare the record of a roll with its folder, `collection/box/roll` below the archive."""
    path = metadata / NAME
    try:
        record = RollRecord.from_json(read_plain(path), str(path))
    except FileNotFoundError:
        yield Problem(path, ProblemKind.MISSING, "expected the record of the roll, found no file")
    except OSError as error:
        yield unreadable(path, error)
    except IntegrityError as error:
        yield Problem(path, ProblemKind.CHANGED, str(error).removeprefix(f"{path}: "))
    else:
        named = "/".join((record.collection, record.box, record.roll))
        if named != roll.as_posix():
            yield Problem(path, ProblemKind.CHANGED, f"expected the record of {roll.as_posix()}, found that of {named}")
