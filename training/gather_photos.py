"""Gather free photographs out of Debian's packages: `python -m training.gather_photos DIR`.

Photographs of a dozen places are too few to learn what pictures look like. These are in Debian's main section, where
each package's `copyright` names who made them; they are put into a folder outside the project.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MIRROR = "https://deb.debian.org/debian/pool/main/"
_TIMEOUT_S = 60


class GatheringFailed(Exception):
    """A package is not what was expected; another mirror may have it."""


@dataclass(frozen=True, slots=True)
class Package:
    """A package with photographs.

    Parameters
    ----------
    path : str
        Its file below the mirror's `pool/main/`.
    sha256 : str
        Of that file.
    folder : str
        Where its pictures lie.
    pictures : tuple of str
        Paths of the photographs below that folder; the other pictures are drawn.
    """

    path: str
    sha256: str
    folder: str
    pictures: tuple[str, ...]

    @property
    def name(self) -> str:
        """Its name without the version."""
        return PurePosixPath(self.path).name.split("_")[0]


def _named(names: str, pattern: str = "{}.jpg") -> tuple[str, ...]:
    return tuple(pattern.format(name) for name in names.split())


PACKAGES = (
    Package(
        "g/gnome-backgrounds/gnome-backgrounds_3.38.0-1_all.deb",
        "76d8a4c52e5f346d9cb08bc8a1f58ad443d2bae211721af8a7248457c7a520e8",
        "usr/share/backgrounds/gnome",
        _named("ColdWarm Icetwigs SeaSunset Road Wood Acrylic Dark_Ivy"),
    ),
    Package(
        "l/lomiri-wallpapers/lomiri-wallpapers-16.04_20.04.0-2_all.deb",
        "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
        "usr/share/backgrounds",
        _named(
            "Bridge_by_Sander_Klootwijk Dragonfly_by_Bolly Picture_0B_by_freespace Picture_1A_by_freespace"
            " Wine_by_Jakkub_Mede aitzgorri_by_Aitzol_Berasategi free_by_Peter_Nerlich friends_by_Aitzol_Berasategi"
            " greentock_by_Peter_Nerlich life_by_Aitzol_Berasategi picosdeeuropa_by_Aitzol_Berasategi"
            " seeding_by_Clements_Engelhardt sunset_by_Aitzol_Berasategi"
        ),
    ),
    Package(
        "l/lomiri-wallpapers/lomiri-wallpapers-20.04_20.04.0-2_all.deb",
        "d44e89b8473aafe64a5b678f014862dc31335aaaf18665c544d985d854f1a709",
        "usr/share/backgrounds",
        _named("Kleiber_by_Lukas_Baubkus"),
    ),
    Package(
        "m/mate-backgrounds/mate-backgrounds_1.26.0-1_all.deb",
        "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
        "usr/share/backgrounds/mate/nature",
        _named("Aqua Blinds Dune Garden GreenMeadow LadyBird RainDrops Storm TwoWings Wood YellowFlower"),
    ),
    Package(
        "p/plasma-workspace-wallpapers/plasma-workspace-wallpapers_5.27.5-2_all.deb",
        "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
        "usr/share/wallpapers",
        _named(
            "FallenLeaf Path DarkestHour summer_1am EveningGlow Grey Kite ColorfulCups OneStandsOut ColdRipple"
            " BytheWater",
            "{}/contents/images/2560x1600.jpg",
        ),
    ),
    Package(
        "u/ukui-wallpapers/ukui-wallpapers_20.04.4-1_all.deb",
        "3e9036f3e9fa197e3ff8fc6551eeba208f31ac99cba06da052e49a00d77ed62d",
        "usr/share/backgrounds",
        _named(
            "mountain flamingos horse sea still-life house mountain2 bridgecity mountain-range snowy-mountains"
            " bluebird sky sunf look bridgecity2"
        ),
    ),
)


def gather(packages: Sequence[Package], folder: Path, mirror: str = MIRROR) -> list[Path]:
    """Put the photographs of packages into a folder.

    Parameters
    ----------
    packages : sequence of Package
        Where to find them.
    folder : Path
        Where they go, as PACKAGE-PICTURE.jpg.
    mirror : str
        Address of a Debian mirror's `pool/main/`, with the slash.

    Returns
    -------
    list of Path
        Their files.

    Raises
    ------
    GatheringFailed
        A package has other bytes than expected, or lacks a photograph.
    OSError
        A package could not be fetched (`urllib.error.URLError`) or a file not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [path for package in packages for path in _gathered(package, folder, mirror)]


def _gathered(package: Package, folder: Path, mirror: str) -> list[Path]:
    with _members(_fetched(package, mirror)) as archive:
        return [_copied(archive, package, picture, folder) for picture in package.pictures]


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
        member = archive.extractfile(inside)
    except KeyError:
        member = None
    if member is None:
        raise GatheringFailed(f"{package.path}: expected the photograph {inside}, found none of that name")
    path = folder / f"{package.name}-{_stem(picture).lower()}.jpg"
    # Cut short, it would be trained on as it is.
    fresh = path.with_suffix(".part")
    fresh.write_bytes(member.read())
    fresh.replace(path)
    return path


def _stem(picture: str) -> str:
    """Return what tells a picture from the others: the first folder's name, or the file's where there is no folder."""
    return PurePosixPath(PurePosixPath(picture).parts[0]).stem


def main() -> None:
    """Gather them all."""
    parser = argparse.ArgumentParser(prog="python -m training.gather_photos", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the photographs go")
    parser.add_argument("--mirror", default=MIRROR, help="address of a Debian mirror's pool/main/")
    options = parser.parse_args()
    try:
        paths = gather(PACKAGES, options.folder, options.mirror)
    except (GatheringFailed, OSError) as error:
        sys.exit(f"gather_photos: {error}")
    print(f"{len(paths)} photographs in {options.folder}")


if __name__ == "__main__":
    main()
