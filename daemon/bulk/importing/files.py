"""The files of an import: found by the sweep of the watch folders, and grouped by the names that make one frame."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.bulk.importing.report import Fate, FileFate
from filmscand.daemon.core.errors import SourceUnreadableError, reading_source
from filmscand.daemon.ingest.pairs.looking import refused_by_name
from filmscand.daemon.ingest.pairs.pairing import is_named_like_half, natural_key, pair_keys
from filmscand.daemon.ingest.troubles import WatchedRights, is_text, shown
from filmscand.daemon.ingest.watching.arrivals import NO_TEXT
from filmscand.daemon.ingest.watching.settling import FileStat
from filmscand.daemon.ingest.watching.watch import LeftFiles, sweep
from filmscand.daemon.station.configuration import PairRule

# Files that may make one frame: each is a path below the folder.
Group = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """What lies below the folder.

    Attributes
    ----------
    films : mapping of str to FileStat
        Size and time of change of each file that may be a film scan.
    others : tuple of FileFate
        Every other file and folder, and why it is none.
    place : tuple of int
        Device and inode of the folder: a share that goes is no folder of deleted files.
    """

    films: Mapping[str, FileStat]
    others: tuple[FileFate, ...]
    place: tuple[int, int]

    @property
    def size_bytes(self) -> int:
        """The size of all film files together."""
        return sum(stat.size_bytes for stat in self.films.values())


def walk(root: Path) -> Tree:
    """List a folder and everything below it.

    Raises
    ------
    SourceChangedError, SourceUnreadableError
        The folder is missing or cannot be read.
    """
    left: LeftFiles = {}
    closed: dict[str, OSError] = {}
    ignored: list[str] = []
    with reading_source(root):
        place = _place_of(root)
        found = sweep(root, closed.__setitem__, left.__setitem__, ignored.append)
    rights = WatchedRights(root)
    others = [FileFate(path, Fate.IGNORED, reason="passed over for its name") for path in ignored]
    others += [FileFate(path, Fate.REJECTED, reason=str(why)) for path, (_, why) in left.items()]
    for path, error in closed.items():
        reason = f"cannot read the folder: {error.strerror}. {rights.way_out(path)}"
        others.append(FileFate(path, Fate.REJECTED, reason=reason.removesuffix(". ")))
    films: dict[str, FileStat] = {}
    for path, stat in found.items():
        refused = refused_by_name(path) if is_text(path) else NO_TEXT
        if refused is None:
            films[path] = stat
        else:
            others.append(FileFate(shown(path), Fate.REJECTED, reason=refused))
    return Tree(films, tuple(sorted(others, key=lambda other: natural_key(other.path))), place)


def require_there(root: Path, tree: Tree) -> None:
    """Require that the folder is still the one that was walked through.

    Raises
    ------
    SourceUnreadableError
        It is gone, or another disk is mounted there.
    """
    try:
        there = _place_of(root) == tree.place
    except OSError:
        there = False
    if not there:
        raise SourceUnreadableError(
            f"{root}: the folder went away during the import. Mount it, and run the same command again"
        )


def grouped(paths: Iterable[str], rule: PairRule) -> list[Group]:
    """Return the groups of files whose names may make one frame, in the natural order of their pictures.

    Parameters
    ----------
    rule : PairRule
        With `none` every file is a group of its own.
    """
    ordered = sorted(paths, key=natural_key)
    if rule is PairRule.NONE:
        return [(path,) for path in ordered]
    members: dict[str, list[str]] = {}
    by_key: dict[str, list[str]] = defaultdict(list)
    for path in ordered:
        group = [path]
        for known in {id(members[other]): members[other] for key in pair_keys(path) for other in by_key[key]}.values():
            group += known
        for other in group:
            members[other] = group
        for key in pair_keys(path):
            by_key[key].append(path)
    once = {id(group): group for group in members.values()}
    groups = [tuple(sorted(group, key=natural_key)) for group in once.values()]
    return sorted(groups, key=lambda group: natural_key(picture_of(group, rule)))


def picture_of(group: Group, rule: PairRule) -> str:
    """Return the file of a group that its frame is numbered by: the first that is not named like an infrared file."""
    return next((path for path in group if not is_named_like_half(path, rule)), group[0])


def _place_of(root: Path) -> tuple[int, int]:
    found = root.stat()
    return found.st_dev, found.st_ino
