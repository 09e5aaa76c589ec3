"""What a person reads: lines for stdout and stderr, escaped and as wide as the terminal, and log records.

Every text for a person goes through this module, `table` or `bars`, and every text in it through `visible`.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import IO, Final

import typer

from filmscand.daemon.cli.screen.wrapping import wrap
from filmscand.daemon.core.visible import visible

# Width of the word before each line of a summary ("free space   136 frames").
_LABEL_COLUMNS: Final = 13
# Terminals that tell no size (size 0) are taken for one of this width, as by every other program.
_USUAL_COLUMNS: Final = 80


def columns_of(stream: IO[str]) -> int | None:
    """Return how wide a line on the stream may be; None: as wide as it is, for a file or another program."""
    told = os.environ.get("COLUMNS", "")
    if told.isdigit() and int(told) > 0:
        return int(told)
    if not stream.isatty():
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS
    except OSError:
        return _USUAL_COLUMNS


def say(text: object = "") -> None:
    """Print a line on stdout."""
    _print(sys.stdout, str(text))


def say_labelled(label: str, text: object, colour: str | None = None) -> None:
    """Print a line of a summary: a word, in `colour` on a terminal, and the text beside it."""
    _print(sys.stdout, str(text), label, colour)


def complain(text: object) -> None:
    """Print a line on stderr, with the name of the program before it; whole in a log, whatever COLUMNS says."""
    line = f"filmscand: {text}"
    if sys.stderr.isatty():
        _print(sys.stderr, line)
    else:
        print(visible(line), file=sys.stderr)


def styled(text: str, colour: str | None, stream: IO[str]) -> str:
    """Return the text in bold and a colour, where the stream is a terminal that shows colours."""
    plain = not stream.isatty() or "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return text if plain or colour is None else typer.style(text, fg=colour, bold=True)


def _print(stream: IO[str], text: str, label: str = "", colour: str | None = None) -> None:
    indent = " " * _LABEL_COLUMNS if label else ""
    width = columns_of(stream)
    lines = wrap(visible(text), None if width is None else width - len(indent)) or [""]
    first = styled(label, colour, stream) + indent[len(label) :] if label else ""
    print("\n".join([first + lines[0], *(indent + line for line in lines[1:])]).rstrip(" "), file=stream)


def set_up_streams() -> None:
    """Let stdout and stderr write what their encoding lacks as escapes; send log records of libraries to stderr."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    logging.getLogger().handlers[:] = [_Complaints(logging.WARNING)]


class _Complaints(logging.Handler):
    """Prints a log record as a complaint; through `sys.stderr` as it is now, so that a bar gives way to it."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            complain(record.getMessage())
        except Exception:
            self.handleError(record)
