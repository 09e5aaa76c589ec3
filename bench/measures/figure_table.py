"""A table of figures: kept as numbers, shown on the terminal and as Markdown with the digits of each column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from rich.markup import escape
from rich.table import Table

Cell = str | int | float | None
# Name, value, wanted value, and whether the value meets it.
Target = tuple[str, str, str, bool]


class Column(BaseModel):
    """A column of a table.

    Parameters
    ----------
    name : str
        Heading, with the unit if there is one.
    digits : int
        Digits after the point of a float.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    digits: int = 2


class FigureTable(BaseModel):
    """A table of figures.

    Parameters
    ----------
    title : str
        What the rows have in common; one line.
    columns : tuple of Column
        The columns.
    rows : tuple of tuple
        One cell for each column: text, a number, or None where there is nothing to measure. NaN and infinity become
        None, for JSON knows neither.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @field_validator("rows", mode="after")
    @classmethod
    def _finite(cls, rows: tuple[tuple[Cell, ...], ...]) -> tuple[tuple[Cell, ...], ...]:
        return tuple(tuple(None if _is_unknown(cell) else cell for cell in row) for row in rows)

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"expected {len(self.columns)} cells in each row, found {len(row)}")
        return self

    def texts(self) -> list[list[str]]:
        """Return the cells as text, row by row; "-" for what is unknown."""
        return [
            [_text(cell, column.digits) for cell, column in zip(row, self.columns, strict=True)] for row in self.rows
        ]

    def column(self, name: str) -> tuple[Cell, ...]:
        """Return the cells of the first column of a name.

        Raises
        ------
        KeyError
            No column has it.
        """
        for index, column in enumerate(self.columns):
            if column.name == name:
                return tuple(row[index] for row in self.rows)
        raise KeyError(f"{self.title}: no column {name!r}")

    def for_terminal(self) -> Table:
        """Return the table for rich's console; numbers are aligned right, and the word "no" is red."""
        table = Table(title=self.title)
        for index, column in enumerate(self.columns):
            table.add_column(column.name, justify="right" if self._is_numeric(index) else "left")
        for row in self.texts():
            table.add_row(*("[red]no[/]" if text == "no" else escape(text) for text in row))
        return table

    def as_markdown(self) -> str:
        """Return the title and the table as Markdown."""
        lines = [
            f"**{self.title}**" if self.title else "",
            "",
            _line([column.name for column in self.columns]),
            _line(["---:" if self._is_numeric(index) else "---" for index in range(len(self.columns))]),
            *(_line(row) for row in self.texts()),
        ]
        return "\n".join(lines).strip()

    def _is_numeric(self, index: int) -> bool:
        return all(not isinstance(row[index], str) for row in self.rows)


def columns(*names: str | tuple[str, int]) -> tuple[Column, ...]:
    """Return columns by their names, or by name and digits."""
    return tuple(Column(name=name) if isinstance(name, str) else Column(name=name[0], digits=name[1]) for name in names)


def target_table(title: str, targets: Iterable[Target]) -> FigureTable:
    """Return a table of targets: what each is, what is wanted, and whether it is met."""
    rows = tuple((name, value, wanted, "yes" if met else "no") for name, value, wanted, met in targets)
    return FigureTable(title=title, columns=columns("target", "is", "wanted", "met"), rows=rows)


def plain(value: object) -> object:
    """Return a value for JSON, with None for NaN and infinity, in nested dictionaries too."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return None if _is_unknown(value) else value


def _is_unknown(cell: object) -> bool:
    return isinstance(cell, float) and not math.isfinite(cell)


def _text(cell: Cell, digits: int) -> str:
    if cell is None:
        return "-"
    return f"{cell:.{digits}f}" if isinstance(cell, float) else str(cell)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
