"""The sources of the Debian package, judged without building it; packaging/try_deb.sh tries the built one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
DEBIAN = HOUSE / "packaging" / "debian"
SCRIPTS = sorted(DEBIAN.glob("filmscand.p*[tm]"))
PROGRAMS = [HOUSE / "packaging" / name for name in ("make_deb.sh", "make_environment.sh", "try_deb.sh")]


def paragraphs(file):
    """Return the fields of each paragraph of a file in Debian's form (deb822)."""
    blocks = re.split(r"\n\s*\n", file.read_text().strip())
    fields = [re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)", block, re.MULTILINE) for block in blocks]
    return [dict(one) for one in fields]


def script(name):
    return (DEBIAN / f"filmscand.{name}").read_text()


def test_the_four_scripts_are_there():
    assert [path.suffix for path in SCRIPTS] == [".postinst", ".postrm", ".preinst", ".prerm"]


@pytest.mark.parametrize("path", SCRIPTS + PROGRAMS, ids=lambda path: path.name)
def test_a_script_is_a_shell_script_that_stops_at_the_first_error(path):
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0
    assert re.search(r"^set -eu?$", path.read_text(), re.MULTILINE)


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_has_nothing_to_say():
    found = subprocess.run(["shellcheck", *SCRIPTS, *PROGRAMS], capture_output=True, text=True, check=False)
    assert found.stdout == ""


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_debhelper_adds_its_part_to_each_script(path):
    assert path.read_text().splitlines().count("#DEBHELPER#") == 1


def test_the_package_depends_on_what_its_libraries_and_its_python_need():
    source, package = paragraphs(DEBIAN / "control")
    assert "debhelper-compat (= 13)" in source["Build-Depends"]
    depends = package["Depends"].split(", ")
    assert {"${shlibs:Depends}", "${misc:Depends}", "${python:Depends}"} <= set(depends)
    # Without it numba falls back to threads that must not be used by two callers at once.
    assert "libgomp1" in depends
    assert not [name for name in depends if "gcc" in name or "opencv" in name or name.endswith("-dev")]


def test_the_files_of_systemd_and_udev_are_those_of_the_installation_by_hand():
    rules = (DEBIAN / "rules").read_text()
    installed = dict(re.findall(r"install -Dm 644 systemd/(\S+) debian/filmscand\.(\w+)", rules))
    assert set(installed) == {path.name for path in (HOUSE / "systemd").iterdir()}
    assert set(installed.values()) == {"service", "sysusers", "tmpfiles", "udev"}


def test_the_unit_starts_the_program_where_the_package_puts_it():
    unit = (HOUSE / "systemd" / "filmscand.service").read_text()
    programs = set(re.findall(r"^Exec\w+=-?(\S+)", unit, re.MULTILINE))
    assert programs == {"/opt/filmscand/bin/filmscand"}
    assert (DEBIAN / "filmscand.links").read_text().split() == ["opt/filmscand/bin/filmscand", "usr/bin/filmscand"]
    assert "make_environment.sh *.whl $(OPT) /opt/filmscand" in (DEBIAN / "rules").read_text()


def test_a_running_service_is_stopped_before_its_program_is_replaced():
    assert "dh_installsystemd --no-restart-after-upgrade" in (DEBIAN / "rules").read_text()


def purged(tmp_path, *arguments):
    """Run postrm with the machine's folders below tmp_path; return its answer and the files that are left."""
    files = ["etc/filmscand/station.yaml", "var/cache/filmscand/numba/kernel.nbi"]
    files += [f"var/lib/filmscand/{name}" for name in ("archive/a/b/c/data/1.tif", "drop/2.tif", "station.db")]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("archive: /srv/film/archive  # on the array\n")
    here = re.sub(r"(?<![\w.])/(etc|var/cache)/filmscand", rf"{tmp_path}/\1/filmscand", script("postrm"))
    answer = subprocess.run(["sh", "-c", here, "postrm", *arguments], capture_output=True, text=True, check=True)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    return answer.stdout, set(files) - left


def test_removal_deletes_nothing_and_says_where_the_archive_is(tmp_path):
    told, gone = purged(tmp_path, "remove")
    assert gone == set()
    assert "archive, drop folder and database stay as they are in /var/lib/filmscand" in told
    assert "archive stays as well: /srv/film/archive\n" in told


def test_purge_deletes_configuration_and_kernels_and_nothing_of_the_station(tmp_path):
    told, gone = purged(tmp_path, "purge")
    assert gone == {"etc/filmscand/station.yaml", "var/cache/filmscand/numba/kernel.nbi"}
    assert "archive stays as well: /srv/film/archive\n" in told


def test_an_update_deletes_and_says_nothing(tmp_path):
    assert purged(tmp_path, "upgrade", "0.2.0") == ("", set())


@pytest.mark.parametrize(("step", "status"), [("install", 1), ("upgrade", 0)])
def test_an_installation_by_hand_is_never_mixed_with_the_package(tmp_path, step, status):
    (tmp_path / "pyvenv.cfg").write_text("home = /usr/bin\n")
    here = script("preinst").replace("/opt/filmscand/pyvenv.cfg", f"{tmp_path}/pyvenv.cfg")
    answer = subprocess.run(["sh", "-c", here, "preinst", step], capture_output=True, text=True, check=False)
    assert answer.returncode == status
    assert ("mv /opt/filmscand /opt/filmscand.old" in answer.stderr) == bool(status)
