"""The command of another healer: its arguments, and the error that each failure becomes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from filmscand.daemon.cleaning.healing.command import Healer
from filmscand.daemon.core.errors import Fault, HealerError, HealerUnusableError, whose
from filmscand.daemon.station.sections.cleaning import Cleaning

NAMES = "{picture} {mask} {output}"


def run(tmp_path, command, timeout_s=30.0):
    files = [tmp_path / name for name in ("a picture.tif", "mask.png", "healed.tif")]
    Healer(command, timeout_s).run(tmp_path, *files)


def test_the_files_stand_in_the_arguments_and_no_shell_reads_them(tmp_path):
    run(tmp_path, "sh -c 'printf \"%s\\n\" \"$@\" > words' sh {picture} -o{mask},8 {output} '$(id)' '*'")
    lines = (tmp_path / "words").read_text().splitlines()
    names = [f"{tmp_path}/a picture.tif", f"-o{tmp_path}/mask.png,8", f"{tmp_path}/healed.tif"]
    assert lines == [*names, "$(id)", "*"]


def test_a_command_that_fails_is_named_with_its_status_and_its_last_lines(tmp_path):
    with pytest.raises(HealerError, match="ended with status 3") as failed:
        run(tmp_path, f"sh -c 'seq 9; echo not \\\\033[31mred >&2; exit 3' sh {NAMES}")
    assert "cleaning.healer `sh -c" in str(failed.value)
    assert "6 | 7 | 8 | 9 | not " in str(failed.value)
    assert "\033" not in str(failed.value)
    assert whose(failed.value) is Fault.FRAME


@pytest.mark.parametrize(
    ("command", "timeout_s", "told"),
    [
        (f"sh -c 'kill -9 $$' sh {NAMES}", 30.0, "was ended by SIGKILL. It wrote nothing"),
        (f"sh -c 'echo at work; sleep 60' sh {NAMES}", 0.3, "took longer than 0.3 s and was killed. It last wrote: at"),
    ],
)
def test_a_command_that_does_not_end_by_itself_is_an_error_of_the_frame(tmp_path, command, timeout_s, told):
    with pytest.raises(HealerError, match=told):
        run(tmp_path, command, timeout_s)


def test_a_command_that_cannot_be_started_is_a_matter_of_the_configuration(tmp_path):
    with pytest.raises(HealerUnusableError, match="no-such-healer cannot be started") as failed:
        run(tmp_path, f"no-such-healer {NAMES}")
    assert whose(failed.value) is Fault.CONFIGURATION


HEAL = """
import sys
from pathlib import Path
from filmscand.daemon.cleaning.healing.command import Healer
folder = Path(sys.argv[1])
Healer(sys.argv[2], 60.0).run(folder, folder / "picture.tif", folder / "mask.png", folder / "healed.tif")
"""


def test_a_command_is_killed_with_the_worker_that_runs_it(tmp_path):
    pid = tmp_path / "pid"
    healing = f"sh -c 'sleep 60 & echo $! > {pid}; wait' sh {NAMES}"
    with subprocess.Popen([sys.executable, "-c", HEAL, str(tmp_path), healing]) as worker:
        while not pid.exists() or not pid.read_text():
            assert worker.poll() is None
            time.sleep(0.01)
        worker.kill()
    deadline_s = time.monotonic() + 30.0
    while is_running(int(pid.read_text())):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def is_running(pid):
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and ") Z" not in status.read_text()


def test_the_healer_is_that_of_the_configuration():
    assert Healer.of(Cleaning()) is None
    assert Healer.of(Cleaning(healer=f"heal {NAMES}", healer_timeout_s=9)) == Healer(f"heal {NAMES}", 9.0)
