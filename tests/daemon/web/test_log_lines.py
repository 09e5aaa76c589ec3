"""The lines of the log that the page keeps."""

from __future__ import annotations

import logging

from filmscand.daemon.web.log_lines import RecentLog


def record(message, level=logging.INFO):
    return logging.LogRecord("filmscand.x", level, __file__, 1, message, (), None)


def test_the_newest_lines_are_kept_newest_first():
    log = RecentLog()
    for number in range(600):
        log.handle(record(f"line {number}"))
    lines = log.newest_first()
    assert (len(lines), lines[0].message, lines[-1].message) == (500, "line 599", "line 100")


def test_what_a_terminal_would_obey_is_written_out_and_a_long_line_is_cut():
    log = RecentLog()
    log.handle(record("caf\x1b[2Jé " + "x" * 5000, logging.WARNING))
    line = log.newest_first()[0]
    assert (line.message[:9], len(line.message), line.level) == (r"caf\x1b[2", 1000, "warning")
