"""The process that keeps a command: it tells how the command ended, and ends it with the process that wanted it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from filmscand.drivers.command import keeper

KEEPER = [sys.executable, "-I", "-S", keeper.__file__]


@contextmanager
def kept(limit_s, *command, grace_s=0):
    """Start a keeper; yield its process and our end of its pipe."""
    theirs, ours = os.pipe()
    with os.fdopen(ours, "wb") as pipe:
        process = subprocess.Popen(
            [*KEEPER, str(limit_s), str(grace_s), *command], stdin=theirs, stdout=subprocess.PIPE
        )
        os.close(theirs)
        with process:
            yield process, pipe


def answer(limit_s, *command):
    with kept(limit_s, *command) as (process, _):
        return json.loads(process.stdout.read())


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (("true",), {"status": 0, "last_words": ""}),
        (("sh", "-c", "echo one; echo two >&2; exit 3"), {"status": 3, "last_words": "one\ntwo\n"}),
        (("sh", "-c", "kill -9 $$"), {"status": -9, "last_words": ""}),
        (("/no/such/program",), {"refused": "No such file or directory"}),
    ],
)
def test_the_end_of_the_command_is_told(command, told):
    assert answer(30, *command) == told


def test_only_the_last_words_of_a_command_are_kept():
    told = answer(30, "sh", "-c", "yes | head -c 1000000; echo the end")
    assert told["last_words"].endswith("the end\n")
    assert len(told["last_words"]) == keeper.LAST_WORDS_BYTES


def test_a_command_that_takes_too_long_is_killed_with_what_it_started(tmp_path):
    pid = tmp_path / "pid"
    assert answer(0.3, "sh", "-c", f"sleep 60 & echo $! > {pid}; wait")["status"] is None
    assert is_gone(int(pid.read_text()))


def test_a_command_ends_with_the_process_that_wanted_it(tmp_path):
    pid = tmp_path / "pid"
    with kept(60, "sh", "-c", f"sleep 60 & echo $! > {pid}; wait") as (process, pipe):
        while not pid.exists() or not pid.read_text():
            time.sleep(0.01)
        pipe.close()
        assert process.wait(10) != 0
    assert is_gone(int(pid.read_text()))


@pytest.mark.parametrize(
    ("script", "grace_s", "status"),
    [
        ("trap 'echo put away; exit 5' TERM; touch ready; while :; do sleep 0.01; done", 30, 5),
        ("trap '' TERM; touch ready; while :; do sleep 0.01; done", 0.1, None),
    ],
    ids=["it puts its things away", "it does not listen, and is killed"],
)
def test_a_command_that_is_asked_to_end_has_its_time_for_that(tmp_path, monkeypatch, script, grace_s, status):
    monkeypatch.chdir(tmp_path)
    with kept("inf", "sh", "-c", script, grace_s=grace_s) as (process, pipe):
        while not Path("ready").exists():
            time.sleep(0.01)
        pipe.write(b"t")
        pipe.flush()
        told = json.loads(process.stdout.read())
    assert told["status"] == status


def is_gone(pid):
    for _ in range(2000):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or ") Z" in status.read_text():
            return True
        time.sleep(0.01)
    return False
