"""The last lines of the service's log, kept in memory for the page. Workers log for themselves, into the journal."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import Final

from filmscand.daemon.core.visible import visible

# Some hours of a busy station, and under a megabyte.
_KEPT: Final = 500
_LINE_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log: when (seconds since the epoch), how severe, which module, and what it says."""

    at: float
    level: str
    module: str
    message: str


class RecentLog(logging.Handler):
    """Keeps the last lines of the log."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[LogLine] = deque(maxlen=_KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        text = visible(record.getMessage())[:_LINE_CHARACTERS]
        self._lines.append(LogLine(record.created, record.levelname.lower(), record.name, text))

    def newest_first(self) -> list[LogLine]:
        """Return the lines that are kept, newest first."""
        return list(reversed(self._lines.copy()))
