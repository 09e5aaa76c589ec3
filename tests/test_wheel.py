"""The wheel carries everything that a station needs, and nothing that is for the checkout alone."""

from __future__ import annotations

import email
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
FOLDERS = ("film", "ir", "drivers", "daemon", "config")
BUILT_FROM = (
    *("pyproject.toml", "MANIFEST.in", "CHANGELOG.md", "LICENSE", ".git_archival.txt"),
    *("packaging/index.md", "systemd", "src"),
)
# Files for the checkout alone, some of which an sdist would take up by itself.
CHECKOUT = ("README.md", "Makefile", "CONTRIBUTING.md", "requirements.lock", "docs", "setup", "packaging", "tests")
COMMITS = {f"GIT_{who}_{what}": "filmscand" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.egg-info")


def copy_sources(folder, *more):
    """Copy what a build needs: a build folder in the checkout would add files of long ago."""
    for name in (*BUILT_FROM, *FOLDERS, *more):
        copy(name, folder)


def copy(name, folder):
    source, target = HOUSE / name, folder / name
    target.parent.mkdir(exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=NOT_SHIPPED, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)


def git(folder, *words):
    subprocess.run(["git", "-C", str(folder), *words], env={**os.environ, **COMMITS}, check=True, capture_output=True)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source archive of a tagged commit, and the wheel that was built from it, offline."""
    source = tmp_path_factory.mktemp("source")
    copy_sources(source, *CHECKOUT)
    git(source, "init", "--quiet")
    git(source, "add", ".")
    git(source, "commit", "--quiet", "--message", "as it is")
    git(source, "tag", "v9.8.7")
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("filmscand-*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The wheel, unpacked as an installer would."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def files_below(folder: Path, *names: str) -> set[str]:
    paths = (path for name in names for path in (folder / name).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in paths if "__pycache__" not in path.parts}


def test_every_file_of_every_package_is_in_the_wheel(installed):
    assert files_below(installed / "filmscand", *FOLDERS) == files_below(HOUSE, *FOLDERS)
    assert not [path for path in installed.rglob("*") if path.is_symlink()]


def test_nothing_else_is_installed(installed):
    folders = {path.name for path in installed.iterdir() if ".dist-info" not in path.name and ".data" not in path.name}
    assert folders == {"filmscand"}


def test_the_source_archive_holds_the_package_as_real_files_and_no_tests(built):
    with tarfile.open(next(built.glob("filmscand-*.tar.gz"))) as archive:
        members = archive.getmembers()
    files = {member.name.split("/", 1)[1] for member in members if member.isfile()}
    assert not [member.name for member in members if not (member.isfile() or member.isdir())]
    assert {name for name in files if name.startswith("src/filmscand/daemon/")} == {
        f"src/filmscand/{name}" for name in files_below(HOUSE, "daemon")
    }
    assert {name.split("/")[0] for name in files if "/" in name} == {"src", "systemd", "packaging"}
    assert not set(CHECKOUT) & files
    assert {name for name in files if name.startswith("packaging/")} == {"packaging/index.md"}


def test_the_version_is_that_of_the_tag(built):
    assert {file.name for file in built.iterdir()} == {"filmscand-9.8.7.tar.gz", "filmscand-9.8.7-py3-none-any.whl"}


def test_sources_without_git_tell_a_development_version(tmp_path):
    copy_sources(tmp_path)
    answer = subprocess.run([sys.executable, "-m", "setuptools_scm"], cwd=tmp_path, capture_output=True, text=True)
    assert answer.stdout.strip() == "0.1.0.dev0", answer.stderr


def test_the_page_of_an_index_shows_everything_it_links_to(installed):
    metadata = email.message_from_string((next(installed.glob("*.dist-info")) / "METADATA").read_text())
    text = metadata.get_payload()
    assert "pipx install filmscand" in text
    assert re.findall(r"\]\((?!https:)([^)]*)\)", text) == []
    extras = set(metadata.get_all("Provides-Extra"))
    assert {"scanner", "notify", "s3", "cluster", "evaluate"} <= extras


def test_the_licences_of_what_is_inside_come_with_it(installed):
    licences = next(installed.glob("*.dist-info")) / "licenses"
    texts = [file.read_text() for file in licences.rglob("*") if file.is_file()]
    assert any("Apache License" in text for text in texts)
    assert any("OpenSeadragon contributors" in text for text in texts)


@pytest.mark.parametrize("name", ["defects", "defects-infrared"])
def test_each_installed_detector_is_the_one_that_its_card_describes(installed, name):
    model = (installed / "filmscand" / "ir" / "models" / f"{name}.onnx").read_bytes()
    card = json.loads((installed / "filmscand" / "ir" / "models" / f"{name}.json").read_text())
    assert hashlib.sha256(model).hexdigest() == card["sha256"]
    assert len(model) < 6_000_000


def test_the_systemd_files_lie_in_share(installed):
    share = next(installed.glob("*.data")) / "data" / "share" / "filmscand"
    assert files_below(share, "systemd") == files_below(HOUSE, "systemd")


def test_the_installed_program_finds_its_recipes_without_the_checkout(installed, tmp_path):
    program = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "import filmscand.daemon.cli.app, filmscand.drivers.scanner.recipes, filmscand.ir\n"
        f"assert filmscand.daemon.cli.app.__file__.startswith({str(installed)!r}), filmscand.daemon.cli.app.__file__\n"
        "print(*(recipe.name for recipe in filmscand.drivers.scanner.recipes.load_recipes()))"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    # command.yaml is an example to copy: it drives no scanner of SANE.
    recipes = {file.stem for file in (HOUSE / "config" / "scanners").glob("*.yaml")} - {"command"}
    assert set(answer.stdout.split()) == recipes


def test_the_console_script_is_named(installed):
    points = next(installed.glob("*.dist-info")) / "entry_points.txt"
    assert "filmscand = filmscand.daemon.cli:main" in points.read_text()
