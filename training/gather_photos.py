"""Download free photographs from Debian's packages: `python -m training.gather_photos DIR`.

Photographs of a dozen places are too few to learn what pictures look like. The packages are in Debian's main section;
the `copyright` file of each names the photographers. The folder lies outside the project.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import itertools
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import cv2
import numpy as np
import yaml

MIRROR = "https://deb.debian.org/debian/pool/main/"
_TIMEOUT_S = 60


class GatheringFailed(Exception):
    """A package or a photograph in it differs from `photo_packages.yaml`; another mirror may have the right one."""


@dataclass(frozen=True, slots=True)
class Package:
    """A folder of a Debian package with photographs.

    Parameters
    ----------
    path : str
        Path of the package below the mirror's `pool/main/`.
    sha256 : str
        SHA-256 of the package, hexadecimal.
    folder : str
        Folder of the pictures inside the package; a package with several folders is listed once for each.
    pictures : tuple of str
        Paths of the photographs below that folder. Pictures that are not listed are drawings, or of no use.
    archive : str
        Name of a zip file in that folder that holds the pictures, as in games; empty without one.
    """

    path: str
    sha256: str
    folder: str
    pictures: tuple[str, ...]
    archive: str = ""

    @property
    def name(self) -> str:
        """Name of the package, without its version."""
        return PurePosixPath(self.path).name.split("_")[0]


def load_packages() -> tuple[Package, ...]:
    """Read the list of packages, one entry for each folder with photographs."""
    entries = yaml.safe_load(Path(__file__).with_name("photo_packages.yaml").read_text())
    return tuple(Package(**entry | {"pictures": tuple(entry["pictures"])}) for entry in entries)


def gather(packages: Sequence[Package], folder: Path, mirror: str = MIRROR) -> list[Path]:
    """Download packages and copy their photographs into a folder.

    Parameters
    ----------
    packages : sequence of Package
        The packages; entries of one package follow each other.
    folder : Path
        Folder to write to, created if missing; `file_name` names the files.
    mirror : str
        Address of a Debian mirror's `pool/main/`, with the slash at its end.

    Returns
    -------
    list of Path
        The files written: a JPEG as it is in the package, another kind of picture as a JPEG of quality 95.

    Raises
    ------
    GatheringFailed
        A package has another SHA-256 than listed, or lacks a photograph.
    OSError
        A package could not be downloaded (`urllib.error.URLError`), or a file could not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_file = itertools.groupby(packages, lambda package: (package.path, package.sha256))
    return [path for _, folders in by_file for path in _gathered(list(folders), folder, mirror)]


def _gathered(folders: Sequence[Package], into: Path, mirror: str) -> list[Path]:
    """Copy the photographs of several folders of one package, which is downloaded once."""
    with _members(_fetched(folders[0], mirror)) as archive:
        return [_copied(archive, package, picture, into) for package in folders for picture in package.pictures]


def _fetched(package: Package, mirror: str) -> bytes:
    with urllib.request.urlopen(mirror + package.path, timeout=_TIMEOUT_S) as answer:
        content: bytes = answer.read()
    found = hashlib.sha256(content).hexdigest()
    if found != package.sha256:
        raise GatheringFailed(f"{mirror}{package.path}: expected sha256 {package.sha256}, found {found}")
    return content


def _members(content: bytes) -> tarfile.TarFile:
    files = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", "/dev/stdin"], input=content, stdout=subprocess.PIPE, check=True
    )
    return tarfile.open(fileobj=io.BytesIO(files.stdout))


def _copied(archive: tarfile.TarFile, package: Package, picture: str, folder: Path) -> Path:
    inside = f"./{package.folder}/{picture}"
    try:
        content = _zipped(archive, package, picture) if package.archive else _member(archive, inside).read()
    except KeyError:
        raise GatheringFailed(f"{package.path}: expected the photograph {inside}, found none of that name") from None
    path = folder / file_name(package, picture)
    # Written under another name first: a truncated photograph would be trained on.
    fresh = path.with_suffix(".part")
    fresh.write_bytes(_as_jpeg(content, inside))
    fresh.replace(path)
    return path


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    member = archive.extractfile(name)
    if member is None:
        raise KeyError(name)
    return member


def _zipped(archive: tarfile.TarFile, package: Package, picture: str) -> bytes:
    with zipfile.ZipFile(_member(archive, f"./{package.folder}/{package.archive}")) as pictures:
        return pictures.read(picture)


def _as_jpeg(content: bytes, name: str) -> bytes:
    if PurePosixPath(name).suffix.lower() in (".jpg", ".jpeg"):
        return content
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise GatheringFailed(f"{name}: expected a picture that can be read")
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def file_name(package: Package, picture: str) -> str:
    """Return the file name of a photograph: PACKAGE-PICTURE.jpg.

    PICTURE is the picture's first folder (backgrounds have one file for each size there), in a zip file its own stem.

    Parameters
    ----------
    package : Package
        The package that holds it.
    picture : str
        Path of the photograph as in `Package.pictures`.
    """
    path = PurePosixPath(picture)
    stem = path.stem if package.archive else PurePosixPath(path.parts[0]).stem
    return f"{package.name}-{stem.lower()}.jpg"


def main() -> None:
    """Gather all photographs of the list."""
    parser = argparse.ArgumentParser(prog="python -m training.gather_photos", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder for the photographs")
    parser.add_argument("--mirror", default=MIRROR, help="address of a Debian mirror's pool/main/")
    options = parser.parse_args()
    try:
        paths = gather(load_packages(), options.folder, options.mirror)
    except (GatheringFailed, OSError) as error:
        sys.exit(f"gather_photos: {error}")
    print(f"{len(paths)} photographs in {options.folder}")


if __name__ == "__main__":
    main()
