"""Messages to a command, with real ones."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from filmscand.daemon.notification.command import run_command
from filmscand.daemon.notification.message import AlarmNews, DeliveryError, Message

MESSAGE = Message(
    station=Path("/srv/film"), host="lab", raised=(AlarmNews.of("archive", "the archive is full\0", 0.0),)
)


def shell(script, *arguments):
    return ["/bin/sh", "-c", script, "sh", *map(str, arguments)]


def problem_of(command, limit_s=10.0):
    with pytest.raises(DeliveryError) as problem:
        run_command(command, MESSAGE, limit_s)
    return str(problem.value)


def test_a_command_gets_json_on_stdin_and_the_text_in_its_environment(tmp_path):
    script = 'cat >"$1/json"; printf %s "$FILMSCAND_TITLE" >"$1/title"; printf %s "$FILMSCAND_TEXT" >"$1/text"'
    run_command(shell(script, tmp_path), MESSAGE, 10.0)
    assert json.loads((tmp_path / "json").read_text())["raised"][0]["key"] == "archive"
    assert (tmp_path / "title").read_text() == "lab: 1 new alarm"
    assert (tmp_path / "text").read_text() == r"New alarm: the archive is full\x00"


def test_a_command_need_not_read_its_stdin():
    run_command(["/bin/true"], MESSAGE, 10.0)


def test_a_command_that_fails_is_told_with_its_last_words():
    told = problem_of(shell("echo first >&2; echo 'no route to https://example.org/T0KEN' >&2; exit 7"))
    assert told == "ended with status 7: no route to https://..."


def test_a_command_that_writes_without_end_is_told_by_its_last_words():
    told = problem_of(shell("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo done >&2; exit 1"))
    assert told == "ended with status 1: done"


def test_a_command_that_is_killed_is_told():
    assert problem_of(shell("kill -9 $$")) == "was ended by SIGKILL"


def test_a_command_that_does_not_exist_is_told(tmp_path):
    assert problem_of([str(tmp_path / "missing")]) == "cannot be started: No such file or directory"


@pytest.mark.parametrize("script", ["sleep 60 & echo $! >$1/pid; wait", "exec 2>&-; sleep 60 & echo $! >$1/pid; wait"])
def test_a_command_that_hangs_is_killed_with_all_that_it_started(tmp_path, script):
    assert problem_of(shell(script, tmp_path), limit_s=0.5) == "took longer than 0.5 s and was killed"
    child = int((tmp_path / "pid").read_text())
    deadline_s = time.monotonic() + 10.0
    while runs(child):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def test_a_process_that_a_command_leaves_behind_is_not_waited_for(tmp_path):
    run_command(shell("sleep 60 & echo $! >$1/pid", tmp_path), MESSAGE, 30.0)
    child = int((tmp_path / "pid").read_text())
    assert runs(child)
    os.kill(child, 9)


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
