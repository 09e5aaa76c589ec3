"""Processes are known by number and start."""

import os
import subprocess
import sys

from filmscand.daemon.core.process_id import ProcessId, identify, is_alive, this_process


def test_this_process_is_alive():
    assert is_alive(this_process())


def test_a_later_process_with_the_same_number_is_another_one():
    me = this_process()
    assert not is_alive(ProcessId(me.pid, me.born - 1))


def test_a_number_without_a_process_has_no_identity():
    assert identify(2**22 + 1) is None
    assert not is_alive(ProcessId(2**22 + 1, 1))


def test_a_zombie_has_an_identity_and_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", "print(flush=True); input()"], stdin=-1, stdout=-1) as process:
        process.stdout.readline()
        identity = identify(process.pid)
        assert is_alive(identity)
        process.kill()
        # Wait until the process is a zombie, without collecting it.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert identify(process.pid) == identity
        assert not is_alive(identity)
    assert identify(process.pid) is None


def test_a_name_with_brackets_and_spaces_does_not_confuse(tmp_path):
    program = tmp_path / "a) b (c"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([str(program), "60"]) as process:
        assert is_alive(identify(process.pid))
        process.kill()
