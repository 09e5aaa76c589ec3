"""Lines for a person: escaped, wrapped on a terminal, whole elsewhere."""

from __future__ import annotations

import io
import logging
import os
import pty

import pytest

from filmscand.daemon.cli.screen.terminal import columns_of, complain, say, say_labelled, set_up_streams, styled


def test_lines_are_wrapped_to_the_terminal_with_the_text_below_the_text(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    say_labelled("alarm", "/archive: cannot write: No space left on device")
    assert capsys.readouterr().out.splitlines() == [
        "alarm        /archive: cannot write: No",
        "             space left on device",
    ]


def test_complaints_in_a_log_are_whole_lines(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    complain("x " * 60)
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_lines_for_a_file_or_a_program_are_whole(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    say("x" * 300)
    assert capsys.readouterr().out == "x" * 300 + "\n"


def test_what_came_from_outside_is_escaped_on_both_streams(capsys):
    say("a\x1b[2J")
    complain("b\x07\nfilmscand: forged")
    assert tuple(capsys.readouterr()) == ("a\\x1b[2J\n", "filmscand: b\\x07\\x0afilmscand: forged\n")


@pytest.mark.parametrize(("told", "columns"), [("100", 100), ("0", None), ("wide", None), ("", None)])
def test_columns_are_those_of_the_environment_or_of_the_terminal(monkeypatch, told, columns):
    monkeypatch.setenv("COLUMNS", told)
    assert columns_of(io.StringIO()) == columns


def test_a_terminal_that_tells_no_size_has_80_columns(monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        assert columns_of(terminal) == 80
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert styled("alarm", "red", terminal) != "alarm"
        monkeypatch.setenv("NO_COLOR", "1")
        assert styled("alarm", "red", terminal) == "alarm"
    os.close(ours)


def test_records_of_libraries_become_complaints(monkeypatch, capsys):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    set_up_streams()
    logging.getLogger("tifffile").warning("%s: odd tag", "a\x1b.tif")
    assert capsys.readouterr().err == "filmscand: a\\x1b.tif: odd tag\n"
