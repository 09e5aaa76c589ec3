"""A command runs without a shell and without the packages of this process, and its end becomes an error that helps."""

from __future__ import annotations

import sys

import pytest

from filmscand.drivers.command.running import Ended, RunningCommand, error_of
from filmscand.drivers.scanner.errors import (
    CoverOpenError,
    ScannerAccessError,
    ScannerBusyError,
    ScannerCrashedError,
    ScannerHungError,
    ScannerIoError,
    ScannerSetupError,
)
from filmscand.drivers.scanner.meanings import ERROR_OF, Meaning


def run(folder, *arguments, look=lambda: None):
    return RunningCommand(arguments, folder, limit_s=30, grace_s=1).wait(look)


def test_a_command_runs_in_its_folder_and_is_looked_at_to_its_end(tmp_path):
    seen = []
    ended = run(tmp_path, "sh", "-c", "pwd; echo '*' >&2", look=lambda: seen.append(1))
    assert (ended.status, ended.last_words) == (0, f"{tmp_path}\n*\n")
    assert seen


def test_a_program_with_packages_of_its_own_does_not_get_ours(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("KEPT", "yes")
    ended = run(tmp_path, sys.executable, "-c", "import os; print(os.environ.get('PYTHONPATH'), os.environ['KEPT'])")
    assert ended.last_line == "None yes"


def test_a_program_that_cannot_be_started_is_named_with_the_reason(tmp_path):
    with pytest.raises(ScannerSetupError, match="/no/such cannot be started") as refused:
        run(tmp_path, "/no/such")
    assert "recipe" in refused.value.advice


@pytest.mark.parametrize(
    ("ended", "kind", "message"),
    [
        (Ended(3, ""), ScannerBusyError, r"ended with exit code 3 \(wait\)$"),
        (Ended(5, ""), CoverOpenError, r"\(cover_open\)"),
        (Ended(6, "no right\n"), ScannerAccessError, r"exit code 6 \(access\): no right"),
        (Ended(77, "one\ntwo\n\n"), ScannerIoError, "ended with exit code 77: two"),
        (Ended(77, "red \x1b[31m"), ScannerIoError, r": red \?\[31m"),
        (Ended(-11, "oh"), ScannerCrashedError, "was ended by SIGSEGV: oh"),
        (Ended(None, ""), ScannerHungError, "did not end and was killed"),
    ],
)
def test_the_end_of_a_command_is_the_error_that_its_recipe_says(ended, kind, message):
    codes = {3: Meaning.WAIT, 5: Meaning.COVER_OPEN, 6: Meaning.ACCESS}
    error = error_of("scan-it", ended, codes, "Turn it off.")
    assert type(error) is kind
    with pytest.raises(kind, match=message):
        raise error
    assert kind is not ScannerHungError or error.advice == "Turn it off."


def test_a_command_that_did_its_work_is_no_error():
    assert error_of("scan-it", Ended(0, "done"), {}, "") is None


def test_every_meaning_has_its_error():
    assert set(ERROR_OF) == set(Meaning)
