from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from filmscand.kernel_cache import choose_folder

# Even root cannot make a folder here.
NOWHERE = Path("/proc/nowhere")


def chosen(source, **environment):
    choose_folder(environment, source)
    return environment.get("NUMBA_CACHE_DIR")


def test_a_source_folder_that_can_be_written_keeps_the_kernels(tmp_path):
    assert chosen(tmp_path, HOME=str(tmp_path)) is None


def test_a_named_folder_that_can_be_written_stays(tmp_path):
    assert chosen(NOWHERE, NUMBA_CACHE_DIR=str(tmp_path / "kernels")) == str(tmp_path / "kernels")


def test_a_read_only_source_keeps_the_kernels_in_the_users_cache(tmp_path):
    assert chosen(NOWHERE, HOME=str(tmp_path)) == str(tmp_path / ".cache/filmscand/numba")


def test_a_user_without_a_home_keeps_them_in_a_temporary_folder_of_its_own():
    folder = Path(chosen(NOWHERE, HOME="/proc/nowhere", NUMBA_CACHE_DIR="/proc/nowhere"))
    assert folder.stat().st_uid == os.getuid()
    assert not folder.stat().st_mode & 0o022


def test_a_temporary_folder_that_others_may_write_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted = tmp_path / f"filmscand-kernels-{os.getuid()}"
    planted.mkdir()
    planted.chmod(0o777)
    assert chosen(NOWHERE) != str(planted)


def test_the_folder_is_chosen_when_the_package_is_loaded():
    script = "import os, filmscand; print(os.environ.get('NUMBA_CACHE_DIR'))"
    environment = {**os.environ, "NUMBA_CACHE_DIR": "/tmp"}
    answer = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout == "/tmp\n"
