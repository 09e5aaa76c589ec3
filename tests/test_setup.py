"""The script that installs Debian packages, with a machine's programs in the place of the real apt-get."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "setup" / "system_packages.sh"


class Machine:
    """A machine that has only the programs it was given; `installed` is what apt-get was told."""

    def __init__(self, folder):
        self.folder, self.told = folder, folder / "told"
        folder.mkdir()
        for name in ("sh", "env"):
            (folder / name).symlink_to(shutil.which(name))

    def add(self, name, body="exit 0"):
        program = self.folder / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        return self

    def add_apt_get(self, status=0):
        return self.add("apt-get", f'echo "$@" >>{self.told}\nexit {status}')

    def of_user(self, number):
        return self.add("id", f"echo {number}")

    def run(self):
        return subprocess.run(
            [SCRIPT, "browser"], env={"PATH": str(self.folder)}, capture_output=True, text=True, check=False
        )


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path / "bin")


def test_chromium_is_installed_for_the_tests_where_it_is_missing(machine):
    done = machine.of_user(0).add_apt_get().run()
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.told.read_text().splitlines() == [
        "update -qq",
        "install -y -qq --no-install-recommends chromium",
    ]


def test_nothing_is_asked_where_chromium_is_there(machine):
    done = machine.of_user(0).add_apt_get().add("chromium").run()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not machine.told.exists()


def test_who_is_not_root_asks_sudo(machine):
    machine.of_user(1000).add_apt_get().add("sudo", f'echo sudo >>{machine.told}\nexec "$@"')
    assert machine.run().returncode == 0
    assert machine.told.read_text().splitlines() == [
        "sudo",
        "update -qq",
        "sudo",
        "install -y -qq --no-install-recommends chromium",
    ]


@pytest.mark.parametrize("prepare", [lambda m: m, lambda m: m.add_apt_get(100)], ids=["no apt-get", "no network"])
def test_a_machine_that_cannot_have_it_is_told_what_is_skipped_and_goes_on(machine, prepare):
    done = prepare(machine.of_user(0)).run()
    assert done.returncode == 0
    assert "the tests of the page in a browser are skipped" in done.stderr
    assert "apt-get install chromium" in done.stderr
