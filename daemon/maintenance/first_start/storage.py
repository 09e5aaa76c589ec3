"""Whether the folders of a new station can be used: the checks of `filmscand doctor`, and those of a first start."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.maintenance.doctor import examine_storage
from filmscand.daemon.maintenance.first_start.ground import Ground
from filmscand.daemon.maintenance.first_start.unit import folders_of, hidden_by
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.disk import nearest_existing


def check_storage(station: Station, ground: Ground, system: Path = Path("/")) -> tuple[Check, ...]:
    """Return the results of all checks of the folders of a station that is about to be set up.

    Parameters
    ----------
    system : Path
        Root of the file system whose table of disks is read.
    """
    own = (*_unmounted(station, system), *_hidden(station, ground), *_reached(station, ground))
    return (*own, *examine_storage(station), *_certificates(station, ground))


def _unmounted(station: Station, system: Path) -> Iterator[Check]:
    """Yield the folders whose disk is in /etc/fstab and is not mounted: the archive would be made below the disk."""
    waiting = [point for point in _mount_points(system / "etc/fstab") if point.is_dir() and not point.is_mount()]
    for folder in folders_of(station):
        for point in waiting:
            if folder.is_relative_to(point):
                advice = f"mount it: `mount {point}`"
                yield Check(f"disk of {folder}", Verdict.FAILED, f"{point} is in /etc/fstab and not mounted", advice)


def _mount_points(table: Path) -> list[Path]:
    """Return the mount points of a table of disks (fstab(5)); one that is no path is left out."""
    if not table.is_file():
        return []
    lines = (line.split() for line in table.read_text(errors="surrogateescape").splitlines())
    fields = [words[1] for words in lines if len(words) > 1 and not words[0].startswith("#")]
    return [Path(_unescaped(field)) for field in fields if field.startswith("/") and field != "/"]


def _unescaped(field: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def _hidden(station: Station, ground: Ground) -> Iterator[Check]:
    if not ground.is_installed:
        return
    for folder in folders_of(station):
        if (hidden := hidden_by(folder)) is not None:
            advice = "choose a folder elsewhere, in /srv for example"
            yield Check(f"folder {folder}", Verdict.FAILED, f"the unit hides {hidden} from the service", advice)


def _reached(station: Station, ground: Ground) -> Iterator[Check]:
    """Yield the folders above that the user of the service may not enter."""
    if ground.owner.is_me:
        return
    for folder in folders_of(station):
        above = nearest_existing(folder.parent)
        if not ground.owner.may(above, write=False):
            advice = f"let this user in: `setfacl -m u:{ground.owner.name}:x {above}`, for each folder above it too"
            yield Check(f"folder {folder}", Verdict.FAILED, f"user {ground.owner.name} may not enter {above}", advice)


def _certificates(station: Station, ground: Ground) -> Iterator[Check]:
    for file in filter(None, (station.page.certificate, station.page.key)):
        name = f"file {file}"
        if not file.is_file():
            yield Check(name, Verdict.FAILED, "missing", "put the certificate and its key there (PEM)")
        elif ground.owner.run(["test", "-r", str(file)]).returncode != 0:
            advice = f"`chown {ground.owner.name} {file}`, and let it into the folders above"
            yield Check(name, Verdict.FAILED, f"user {ground.owner.name} may not read it", advice)
