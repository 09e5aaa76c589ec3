"""Photographs for training come out of Debian's packages as they are, or not at all."""

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from training.gather_photos import PACKAGES, GatheringFailed, Package, gather

CONTROL = (
    "Package: some-backgrounds\nVersion: 1\nArchitecture: all\nMaintainer: nobody <a@b.c>\nDescription: pictures\n"
)
PICTURES = {"usr/share/pictures/Rocks.jpg": b"rocks", "usr/share/pictures/Sky/contents/2560x1600.jpg": b"sky"}


@pytest.fixture
def mirror(tmp_path) -> str:
    """Address of a mirror with one real package."""
    tree = tmp_path / "tree"
    for path, content in (PICTURES | {"DEBIAN/control": CONTROL.encode()}).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_bytes(content)
    built = tmp_path / "pool" / "some-backgrounds_1_all.deb"
    built.parent.mkdir()
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, built], check=True, stdout=subprocess.DEVNULL)
    return built.parent.as_uri() + "/"


@pytest.fixture
def package(mirror) -> Package:
    name = "some-backgrounds_1_all.deb"
    content = Path(mirror.removeprefix("file://"), name).read_bytes()
    pictures = ("Rocks.jpg", "Sky/contents/2560x1600.jpg")
    return Package(name, hashlib.sha256(content).hexdigest(), "usr/share/pictures", pictures)


def test_photographs_are_named_by_package_and_picture(mirror, package, tmp_path):
    paths = gather([package], tmp_path / "photos", mirror)
    assert {path.name: path.read_bytes() for path in paths} == {
        "some-backgrounds-rocks.jpg": b"rocks",
        "some-backgrounds-sky.jpg": b"sky",
    }


def test_a_package_with_other_bytes_is_refused_and_leaves_nothing(mirror, package, tmp_path):
    with pytest.raises(GatheringFailed, match=f"expected sha256 {'0' * 64}, found {package.sha256}"):
        gather([replace(package, sha256="0" * 64)], tmp_path / "photos", mirror)
    assert not list((tmp_path / "photos").iterdir())


def test_a_photograph_that_a_package_lacks_is_named(mirror, package, tmp_path):
    with pytest.raises(GatheringFailed, match=r"expected the photograph \./usr/share/pictures/Sea\.jpg"):
        gather([replace(package, pictures=("Sea.jpg",))], tmp_path / "photos", mirror)


def test_no_two_photographs_go_by_one_name():
    names = [(package.name, Path(picture).parts[0].lower()) for package in PACKAGES for picture in package.pictures]
    assert len(set(names)) == len(names) == 58
