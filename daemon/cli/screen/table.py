"""Tables for a person, readable on a narrow terminal.

A table that is too wide gives up, in this order: texts go below their row, names are shortened in the middle, and at
last each row becomes a block of its own. A heading is never cut, and two names never become the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import IO, Final

from rich.cells import cell_len

from filmscand.daemon.cli.screen.terminal import columns_of, styled
from filmscand.daemon.cli.screen.wrapping import pad, shorten, wrap
from filmscand.daemon.core.visible import visible

_GAP: Final = 2
_INDENT: Final = 2
# Narrowest column for a wrapped text: four or five words of a message.
_TEXT_COLUMNS: Final = 28
# Narrowest column for a name: the end of `unsorted/unsorted/holiday-1974_0001` from the roll on.
_NAME_COLUMNS: Final = 20


class Kind(StrEnum):
    """What a column holds, and what may be done to it: a word and a number stay whole."""

    WORD = "word"
    NUMBER = "number"
    NAME = "name"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Column:
    """Heading and kind of a column; `colours` maps its words to colours of a terminal."""

    title: str
    kind: Kind = Kind.WORD
    colours: dict[str, str] | None = None


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[object]], stream: IO[str] | None = None) -> None:
    """Print a table; on a terminal no line is wider than it. Without rows nothing is printed."""
    stream = stream or sys.stdout
    for line in table_lines(columns, rows, columns_of(stream), stream):
        print(line, file=stream)


def table_lines(
    columns: Sequence[Column], rows: Sequence[Sequence[object]], width: int | None, stream: IO[str] | None = None
) -> list[str]:
    """Return the lines of a table of at most `width` cells; None: as wide as it is.

    A text column where every cell is empty is left out.
    """
    texts = [[visible(cell) for cell in row] for row in rows]
    kept = [at for at, column in enumerate(columns) if column.kind is not Kind.TEXT or any(row[at] for row in texts)]
    table = _Table([columns[at] for at in kept], [[row[at] for at in kept] for row in texts], stream)
    if not rows:
        return []
    return next(filter(None, (list(lines) for lines in table.ways(width))))


@dataclass(frozen=True, slots=True)
class _Table:
    columns: list[Column]
    rows: list[list[str]]
    stream: IO[str] | None

    def ways(self, width: int | None) -> Iterator[Iterator[str]]:
        """Yield the ways to print the table, the best first; a way that does not fit has no lines."""
        if width is None:
            yield self._side_by_side([self._natural(at) for at in range(len(self.columns))], self._places(below=False))
            return
        for below in (False, True):
            places = self._places(below=below)
            if widths := self._widths(places, width):
                yield self._side_by_side(widths, places, width)
        yield self._blocks(width)

    def _places(self, *, below: bool) -> list[int]:
        """Return the columns that stand side by side: all, or those that hold no text."""
        return [at for at, column in enumerate(self.columns) if not (below and column.kind is Kind.TEXT)]

    def _natural(self, at: int) -> int:
        return max(cell_len(text) for text in (self.columns[at].title, *(row[at] for row in self.rows)))

    def _least(self, at: int) -> int:
        column, natural = self.columns[at], self._natural(at)
        least = {Kind.NAME: _NAME_COLUMNS, Kind.TEXT: _TEXT_COLUMNS}.get(column.kind, natural)
        return min(natural, max(least, cell_len(column.title)))

    def _widths(self, places: list[int], width: int) -> list[int] | None:
        """Return the width of each column; None if they do not fit or would make two names the same."""
        widths = [self._natural(at) if at in places else 0 for at in range(len(self.columns))]
        over = sum(widths) + _GAP * (len(places) - 1) - width
        # Texts give way first: they lose nothing.
        for kind in (Kind.TEXT, Kind.NAME):
            for at in (at for at in places if self.columns[at].kind is kind):
                given = min(max(over, 0), widths[at] - self._least(at))
                widths[at] -= given
                over -= given
        return widths if over <= 0 and all(self._distinct(at, widths[at]) for at in places) else None

    def _distinct(self, at: int, width: int) -> bool:
        names = {row[at] for row in self.rows} if self.columns[at].kind is Kind.NAME else set()
        return len({shorten(name, width) for name in names}) == len(names)

    def _side_by_side(self, widths: list[int], places: list[int], width: int | None = None) -> Iterator[str]:
        yield self._line([self.columns[at].title for at in range(len(self.columns))], widths, places)
        for row in self.rows:
            cells = [self._cell(at, row[at], widths[at]) for at in range(len(self.columns))]
            for number in range(max(len(cells[at]) for at in places)):
                line = [cell[number] if number < len(cell) else "" for cell in cells]
                yield self._line(line, widths, places, coloured=True)
            for at in (at for at in range(len(self.columns)) if at not in places and row[at]):
                yield from _indented(f"{self.columns[at].title}: {row[at]}", width)

    def _cell(self, at: int, text: str, width: int) -> list[str]:
        if self.columns[at].kind is Kind.TEXT:
            return (wrap(text, width) if width else []) or [""]
        return [shorten(text, width) if self.columns[at].kind is Kind.NAME else text]

    def _line(self, cells: list[str], widths: list[int], places: list[int], *, coloured: bool = False) -> str:
        shown = []
        for at in places:
            padded = pad(cells[at], widths[at], right=self.columns[at].kind is Kind.NUMBER)
            shown.append(self._coloured(at, cells[at], padded) if coloured else padded)
        return (" " * _GAP).join(shown).rstrip()

    def _coloured(self, at: int, cell: str, padded: str) -> str:
        colour = (self.columns[at].colours or {}).get(cell)
        return padded.replace(cell, styled(cell, colour, self.stream)) if colour and self.stream else padded

    def _blocks(self, width: int) -> Iterator[str]:
        """Yield the rows one below the other: the first cell, then the others with their headings."""
        for row in self.rows:
            # A name speaks for itself; a bare number needs its heading.
            title = "" if self.columns[0].kind is Kind.NAME else self.columns[0].title
            yield from wrap(f"{title} {row[0]}".strip(), width) or ["-"]
            # A no-break space keeps heading and value together.
            pairs = [
                f"{column.title}\u00a0{cell}".replace(" ", "\u00a0")
                for column, cell in zip(self.columns[1:], row[1:], strict=True)
                if column.kind is not Kind.TEXT and cell
            ]
            yield from (line.replace("\u00a0", " ") for line in _indented(", ".join(pairs), width))
            for column, cell in zip(self.columns[1:], row[1:], strict=True):
                if column.kind is Kind.TEXT and cell:
                    yield from _indented(f"{column.title}: {cell}", width)


def _indented(text: str, width: int | None) -> Iterator[str]:
    for line in wrap(text, None if width is None else max(1, width - _INDENT)):
        yield " " * _INDENT + line
