"""The roll record `metadata/roll.json`: the name of the roll, written when its first frame is stored."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from filmscand.daemon.archive.files.atomic_file import make_folders, publish_bytes
from filmscand.daemon.archive.files.problem import Problem, ProblemKind, unreadable
from filmscand.daemon.core.errors import IntegrityError, SchemaTooNewError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.core.request import Record

SCHEMA_VERSION: Final = 1
NAME: Final = "roll.json"


class RollRecord(Record):
    """The content of `roll.json`; fields that this version does not know are kept.

    Attributes
    ----------
    original_name : str or None
        Name that the roll got its slug from, as a person wrote it: that of the folder. None: none was ever known.
    """

    schema_version: int = SCHEMA_VERSION
    collection: str
    box: str
    roll: str
    original_name: str | None = None

    def to_json(self) -> bytes:
        """Return the bytes of the file: sorted keys, two spaces, UTF-8, a newline at the end."""
        plain = self.model_dump(mode="json", exclude_none=True)
        # A name that is no UTF-8 is written with escapes.
        return (json.dumps(plain, indent=2, sort_keys=True) + "\n").encode()

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


def write_roll_record(metadata: Path, frame: FrameId, original_name: str | None = None) -> RollRecord:
    """Write the record of the frame's roll where there is none yet, or one without the roll's original name.

    Parameters
    ----------
    metadata : Path
        Folder `metadata` of the roll; made where it is missing.
    original_name : str, optional
        See `RollRecord`; a name that is recorded already stays.

    Returns
    -------
    RollRecord
        The record as it is now.

    Raises
    ------
    SchemaTooNewError, IntegrityError
        The roll has a record that this version must not add frames to; see `RollRecord.from_json`.
    """
    path = metadata / NAME
    with storing(path, "read"):
        content = read_plain(path) if os.path.lexists(path) else None
    known = None if content is None else RollRecord.from_json(content, str(path))
    if known is not None and (original_name is None or known.original_name is not None):
        return known
    make_folders(metadata)
    record = known or RollRecord(collection=frame.collection, box=frame.box, roll=frame.roll)
    record = record.model_copy(update={"original_name": original_name})
    publish_bytes(path, record.to_json(), replace=known is not None)
    return record


def recorded_rolls(box: Path) -> dict[str, str]:
    """Return the original names that the rolls of a box have in their records, by roll.

    A record that cannot be read counts as none; `filmscand verify` and the next frame of its roll tell what is wrong.
    """
    found: dict[str, str] = {}
    with storing(box, "read"):
        for path in sorted(box.glob("*/metadata/roll.json")):
            with suppress(IntegrityError, OSError):
                name = RollRecord.from_json(read_plain(path), str(path)).original_name
                found |= {} if name is None else {path.parent.parent.name: name}
    return found


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
