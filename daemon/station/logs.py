"""Sets up logging: JSON lines for the journal, colours for a person at a terminal."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.visible import visible
from filmscand.daemon.station.configuration import LogLevel

# Syslog priorities. The journal reads `<N>` at the start of a line and removes it (sd-daemon(3)).
_PRIORITIES: Final = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


def set_up_logging(level: LogLevel = LogLevel.INFO, stream: TextIO | None = None) -> None:
    """Write the log records of all modules to a stream, one line each.

    A terminal gets colours, everything else JSON. Under systemd each line begins with its priority.

    Parameters
    ----------
    level : LogLevel
        Lowest severity that is logged.
    stream : TextIO, optional
        Default: stderr.
    """
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_shared(), processors=_renderers(stream)),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[*_shared(), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


@contextmanager
def frame_in_logs(frame: FrameId) -> Iterator[None]:
    """Add the frame and its roll to every record that is logged inside (a context manager)."""
    with structlog.contextvars.bound_contextvars(frame=frame.stem, roll=str(frame.roll_folder)):
        yield


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _renderers(stream: TextIO) -> list[Processor]:
    strip = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    if stream.isatty():
        console = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [strip, structlog.processors.format_exc_info, _escape, console]
    renderers: list[Processor] = [strip, structlog.processors.format_exc_info]
    if "JOURNAL_STREAM" in os.environ:
        return [*renderers, _render_for_journal]
    return [*renderers, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _escape(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Write out what a terminal would obey: records quote names of files and messages of devices."""
    lines = {"exception": "\n".join(map(visible, str(event["exception"]).split("\n")))} if "exception" in event else {}
    return {key: visible(value) if isinstance(value, str) else value for key, value in event.items()} | lines


def _render_for_journal(logger: object, method: str, event: EventDict) -> str:
    line = structlog.processors.JSONRenderer(ensure_ascii=False)(logger, method, event)
    text = line.decode() if isinstance(line, bytes) else line
    return f"<{_PRIORITIES.get(event.get('level', 'info'), 6)}>{text}"
