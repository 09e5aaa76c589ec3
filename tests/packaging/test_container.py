"""The recipe of the image, the compose file and the first start, as far as they can be told without an image."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.web.doors.passwords import is_password

HOUSE = Path(__file__).parents[2]
PACKAGING = HOUSE / "packaging"
CONTAINERFILE = (PACKAGING / "Containerfile").read_text().replace("\\\n", "")
# What `make dist` puts into dist/, by the names in make_dist.sh.
BUILT = {"dist/filmscand-*.whl", "dist/filmscand-*.cdx.json", "dist/THIRD-PARTY-LICENSES"}


@pytest.fixture(scope="module")
def service():
    return yaml.safe_load((PACKAGING / "compose.yaml").read_text())["services"]["filmscand"]


def copied():
    lines = re.findall(r"^COPY (?!--from)(.*)$", CONTAINERFILE, re.MULTILINE)
    return {word for line in lines for word in line.split()[:-1]}


def test_everything_that_the_image_copies_is_there_or_made_by_make_dist():
    built = {name for name in copied() if name.startswith("dist/")}
    assert built == BUILT
    assert [name for name in copied() - built if not (HOUSE / name).exists()] == []
    assert (PACKAGING / "requirements.lock").is_file()
    ignored = (HOUSE / ".containerignore").read_text().split()
    assert {f"!{name.split('/')[0]}" for name in copied()} <= set(ignored)


def test_the_image_runs_as_an_ordinary_user_and_starts_programs_that_are_there():
    user = re.search(r"^USER (\d+):(\d+)$", CONTAINERFILE, re.MULTILINE)
    assert user is not None
    assert f"--uid {user[1]} " in CONTAINERFILE
    inside = {Path(path).name for path in re.findall(r"/usr/libexec/filmscand/([\w.]+)\"", CONTAINERFILE)}
    assert inside == {path.name for path in (PACKAGING / "container").iterdir() if path.is_file()}
    assert os.access(PACKAGING / "container" / "start.sh", os.X_OK)


def test_no_compiler_is_in_the_last_stage():
    last = CONTAINERFILE.rpartition("\nFROM ")[2]
    assert "python3" in last
    assert not re.search(r"\b(gcc|libsane-dev|python3-dev|binutils)\b", last)


def test_the_container_may_write_nothing_but_its_volumes(service):
    folders = {volume.split(":")[-1] for volume in service["volumes"] if not volume.endswith(":ro")}
    assert service["read_only"] is True
    assert {"/var/lib/filmscand", "/var/cache/filmscand", "/dev/bus/usb"} <= folders
    assert {"/archive", "/drop"} <= folders
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "VOLUME" not in re.findall(r"^[A-Z]+", CONTAINERFILE, re.MULTILINE)


def test_it_is_given_as_long_to_stop_as_the_unit(service):
    unit = (HOUSE / "systemd" / "filmscand.service").read_text()
    assert f"TimeoutStopSec={service['stop_grace_period'].removesuffix('s')}\n" in unit


def test_the_page_is_published_on_this_machine_alone_unless_somebody_says_otherwise(service):
    assert service["ports"] == ["${FILMSCAND_LISTEN:-127.0.0.1}:8420:8420"]


class FirstStart:
    """start.sh with the real commands, but for those that compile and serve."""

    def __init__(self, folder):
        self.station, programs = folder / "station", folder / "bin"
        self.station.mkdir()
        programs.mkdir()
        program = programs / "filmscand"
        program.write_text(
            '#!/bin/sh\ncase $1 in warm-up | run) echo "$1" ;;'
            f' *) exec {sys.executable} -m filmscand.daemon.cli "$@" ;; esac\n'
        )
        program.chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "FILMSCAND_STATION": str(self.station),
            "CONFIGURATION_DIRECTORY": str(folder / "etc"),
        }

    def run(self, *words, hosts="localhost 127.0.0.1"):
        environment = {**self.environment, "FILMSCAND_HOSTS": hosts}
        command = [PACKAGING / "container" / "start.sh", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True)


@pytest.fixture
def first(tmp_path):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return FirstStart(tmp_path)


def test_the_first_start_writes_a_configuration_that_lets_one_user_in_by_tls(first):
    done = first.run(hosts="station.lab.example.org  192.168.7.5")
    assert done.stdout.split() == ["warm-up", "run"]
    station = load_station(first.station / "station.yaml")
    assert (str(station.archive), str(station.watch[0].path)) == ("/archive", "/drop")
    assert station.page.hosts == ("station.lab.example.org", "192.168.7.5")
    assert (str(station.page.address), station.page.needs_login) == ("0.0.0.0", True)
    password = (first.station / "first-password").read_text().strip()
    assert len(password) == 20
    assert is_password(station.page.users[0].password.get_secret_value(), password)
    assert password not in done.stderr
    certificate = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "subjectAltName", "-in", station.page.certificate],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "DNS:station.lab.example.org, IP Address:192.168.7.5" in certificate.stdout
    assert {oct(path.stat().st_mode & 0o777) for path in first.station.iterdir() if "cert" not in path.name} == {
        "0o600"
    }


def test_a_configuration_that_is_there_is_left_alone(first):
    (first.station / "station.yaml").write_text("archive: elsewhere\n")
    assert first.run().stdout.split() == ["warm-up", "run"]
    assert {path.name for path in first.station.iterdir()} == {"station.yaml"}


def test_another_command_runs_in_place_of_the_service(first):
    assert "filmscand" in first.run("filmscand", "--version").stdout
    assert list(first.station.iterdir()) == []
