"""Reads a list of captions: CSV as a spreadsheet saves it, one frame a line, the names of the columns in the first.

Separated by commas, semicolons or tabs, as the first line is. An empty cell leaves what is there.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from filmscand.daemon.core.description.record import DescriptionChanges
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.frame_id import MAX_NUMBER
from filmscand.daemon.core.visible import own_words
from filmscand.daemon.database.frames import Roll

_FRAME: Final = "frame"
# Names of columns, and the field that each is.
_FIELDS: Final = {
    "caption": "caption",
    "date": "date",
    "mount": "mount_number",
    "mount_number": "mount_number",
    "turn": "turn",
    "mirrored": "mirrored",
}
_SEPARATORS: Final = ",;\t"
_NUMBER: Final = re.compile(r"[0-9]{1,4}", re.ASCII)
_DEGREES: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_BYTE_ORDER_MARK: Final = "\ufeff"


class ListRefusedError(DaemonError):
    """Some of a list does not fit; nothing of it was taken.

    Parameters
    ----------
    problems : iterable of str
        Each with its place: `line 3: ...`.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"nothing was taken: {'; '.join(self.problems)}")


@dataclass(frozen=True, slots=True)
class ListedFrame:
    """What a list says of one frame, and where: `line 3`."""

    place: str
    number: int
    changes: DescriptionChanges


def read_list(text: str, roll: Roll) -> tuple[ListedFrame, ...]:
    """Return what a list of captions says about the frames of a roll.

    Parameters
    ----------
    text : str
        Content of the file.

    Raises
    ------
    ListRefusedError
        It names every line that does not fit.
    """
    rows = _rows(text.removeprefix(_BYTE_ORDER_MARK))
    _, header = next(rows, (1, []))
    columns = [name.strip().lower() for name in header]
    _require_columns(columns)
    listed: list[ListedFrame] = []
    problems: list[str] = []
    try:
        for line, row in rows:
            try:
                listed.append(_frame(line, dict(_cells(columns, row)), roll))
            except ValueError as error:
                problems.append(f"line {line}: {error}")
    except _UnreadableError as error:
        problems.append(str(error))
    problems += repeated(listed)
    if not listed and not problems:
        problems.append("line 2: expected a frame, found the end of the file")
    if problems:
        raise ListRefusedError(problems)
    return tuple(listed)


def repeated(listed: Iterable[ListedFrame]) -> list[str]:
    """Return the problem of each frame that was named before."""
    first: dict[int, str] = {}
    return [
        f"{one.place}: frame {one.number} was named before, in {first[one.number]}"
        for one in listed
        if first.setdefault(one.number, one.place) != one.place
    ]


class _UnreadableError(Exception):
    """The rest of the text is no CSV."""


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not empty, with the number of the line on which it begins."""
    header = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise _UnreadableError(f"line {line}: {error}") from error


def _require_columns(columns: list[str]) -> None:
    known = [_FRAME, *_FIELDS]
    problems = [f"there is no column {name!r}" for name in columns if name not in known]
    problems += [f"the column {name} is there twice" for name in known if columns.count(name) > 1]
    if _FRAME not in columns:
        problems.append(f"there is no column named {_FRAME}")
    if {"mount", "mount_number"} <= set(columns):
        problems.append("mount and mount_number are the same")
    if problems:
        raise ListRefusedError(
            [f"line 1: {'; '.join(problems)}; expected {_FRAME} and some of caption, date, mount, turn, mirrored"]
        )


def _cells(columns: list[str], row: list[str]) -> Iterator[tuple[str, str]]:
    cells = [cell.strip() for cell in row]
    # A spreadsheet may add empty cells at the end.
    while len(cells) > len(columns) and not cells[-1]:
        cells.pop()
    if len(cells) != len(columns):
        raise ValueError(f"expected {len(columns)} cells, found {len(cells)}")
    return zip(columns, cells, strict=True)


def _frame(line: int, cells: dict[str, str], roll: Roll) -> ListedFrame:
    number = _number(cells.pop(_FRAME), roll)
    wanted: dict[str, str | int] = {_FIELDS[name]: cell for name, cell in cells.items() if cell}
    if _DEGREES.fullmatch(str(wanted.get("turn", ""))):
        wanted["turn"] = int(wanted["turn"])
    try:
        return ListedFrame(f"line {line}", number, DescriptionChanges.model_validate(wanted))
    except ValidationError as error:
        raise ValueError("; ".join(_told(one["loc"][0], one["msg"]) for one in error.errors())) from error


def _told(field: int | str, message: str) -> str:
    return f"{field}: {own_words(message)}"


def _number(cell: str, roll: Roll) -> int:
    place, _, name = cell.rpartition("/")
    stem, _, digits = name.rpartition("_")
    fits = place in ("", f"{roll.collection}/{roll.box}") and stem in ("", roll.roll) and not (place and not stem)
    if fits and _NUMBER.fullmatch(digits) and 1 <= int(digits) <= MAX_NUMBER:
        return int(digits)
    raise ValueError(f"expected the number of a frame of {roll.roll}, as 7 or {roll.roll}_0007, found {cell!r}")
