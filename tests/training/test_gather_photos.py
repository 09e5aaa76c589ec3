"""Photographs for training come out of Debian's packages as they are, or not at all."""

import hashlib
import io
import subprocess
import urllib.request
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.gather_photos import GatheringFailed, Package, file_name, gather, load_packages

CONTROL = (
    "Package: some-backgrounds\nVersion: 1\nArchitecture: all\nMaintainer: nobody <a@b.c>\nDescription: pictures\n"
)
GREY = np.full((20, 30, 3), 90, np.uint8)
PACKED = io.BytesIO()
with zipfile.ZipFile(PACKED, "w") as packed:
    packed.writestr("textures/Gravel.jpg", b"gravel")
    packed.writestr("textures/Grass.png", cv2.imencode(".png", GREY)[1].tobytes())
PICTURES = {
    "usr/share/games/base.pk3": PACKED.getvalue(),
    "usr/share/pictures/Rocks.jpg": b"rocks",
    "usr/share/pictures/Sky/contents/2560x1600.jpg": b"sky",
    "usr/share/more/Fog.png": cv2.imencode(".png", GREY)[1].tobytes(),
    "usr/share/more/broken.png": b"?",
}


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


def test_a_picture_that_is_no_jpeg_becomes_one(mirror, package, tmp_path):
    other = replace(package, folder="usr/share/more", pictures=("Fog.png",))
    paths = gather([package, other], tmp_path / "photos", mirror)
    assert [path.name for path in paths][2:] == ["some-backgrounds-fog.jpg"]
    assert np.abs(cv2.imread(str(paths[2])).astype(int) - GREY).max() <= 2
    broken = replace(other, pictures=("broken.png",))
    with pytest.raises(GatheringFailed, match=r"usr/share/more/broken\.png: expected a picture that can be read"):
        gather([broken], tmp_path / "photos", mirror)
    assert sorted(path.name for path in (tmp_path / "photos").iterdir()) == sorted(path.name for path in paths)


def test_photographs_in_a_zip_file_of_a_package_are_named_by_their_files(mirror, package, tmp_path):
    game = replace(package, folder="usr/share/games", archive="base.pk3")
    several = replace(game, pictures=("textures/Gravel.jpg", "textures/Grass.png"))
    paths = gather([several], tmp_path / "photos", mirror)
    assert [path.name for path in paths] == ["some-backgrounds-gravel.jpg", "some-backgrounds-grass.jpg"]
    assert paths[0].read_bytes() == b"gravel"
    with pytest.raises(GatheringFailed, match=r"usr/share/games/textures/Sand\.jpg, found none of that name"):
        gather([replace(game, pictures=("textures/Sand.jpg",))], tmp_path / "photos", mirror)
    with pytest.raises(GatheringFailed, match=r"expected the photograph .*Gravel\.jpg, found none of that name"):
        gather([replace(several, archive="other.pk3")], tmp_path / "photos", mirror)


def test_a_package_with_photographs_in_two_folders_is_fetched_once(mirror, package, tmp_path, monkeypatch):
    fetched, fetch = [], urllib.request.urlopen
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, **more: fetched.append(url) or fetch(url, **more))
    parts = [replace(package, pictures=(picture,)) for picture in package.pictures]
    assert len(gather(parts, tmp_path / "photos", mirror)) == 2
    assert fetched == [mirror + package.path]


def test_a_package_with_other_bytes_is_refused_and_leaves_nothing(mirror, package, tmp_path):
    with pytest.raises(GatheringFailed, match=f"expected sha256 {'0' * 64}, found {package.sha256}"):
        gather([replace(package, sha256="0" * 64)], tmp_path / "photos", mirror)
    assert not list((tmp_path / "photos").iterdir())


def test_a_photograph_that_a_package_lacks_is_named(mirror, package, tmp_path):
    with pytest.raises(GatheringFailed, match=r"expected the photograph \./usr/share/pictures/Sea\.jpg"):
        gather([replace(package, pictures=("Sea.jpg",))], tmp_path / "photos", mirror)


def test_no_two_photographs_go_by_one_name():
    packages = load_packages()
    names = [file_name(package, picture) for package in packages for picture in package.pictures]
    assert len(set(names)) == len(names) == 458
    paths = [package.path for package in packages]
    assert paths == sorted(paths)
