"""Fits text into the columns of a terminal: wraps it, or shortens a name in the middle.

Widths are counted in cells: a Chinese or Japanese character takes two.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

_ELLIPSIS = "…"


def wrap(text: str, width: int | None) -> list[str]:
    """Return the text in lines of at most `width` cells, broken at spaces, and inside words that are longer.

    None: one line.
    """
    if width is None or cell_len(text) <= width:
        return [text] if text else []
    lines: list[str] = []
    for word in text.split(" "):
        if lines and cell_len(lines[-1]) + 1 + cell_len(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines += _pieces(word, width)
    return lines


def shorten(name: str, width: int) -> str:
    """Return the name in at most `width` cells; the middle goes, since names of frames differ at their ends."""
    if cell_len(name) <= width:
        return name
    # A third of the room for the beginning: roll and number, at the end, tell frames apart.
    head = _start(name, (width - 1) // 3)
    tail = _start(name[::-1], width - 1 - cell_len(head))[::-1]
    return f"{head}{_ELLIPSIS}{tail}"


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return the text with spaces up to `width` cells, at its left if `right`."""
    spaces = " " * (width - cell_len(text))
    return spaces + text if right else text + spaces


def _start(text: str, width: int) -> str:
    """Return as much of the beginning of the text as fits."""
    cells = 0
    for position, char in enumerate(text):
        cells += cell_len(char)
        if cells > width:
            return text[:position]
    return text


def _pieces(word: str, width: int) -> Iterator[str]:
    while word:
        # A terminal of one column cannot hold a wide character: one each, rather than none for ever.
        piece = _start(word, width) or word[0]
        # A path breaks best behind a slash.
        if piece != word and "/" in piece[1:]:
            piece = piece[: piece.rindex("/") + 1]
        yield piece
        word = word[len(piece) :]
