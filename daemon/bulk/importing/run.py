"""Runs an import, or only tells what one would do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from filmscand.daemon.bulk.importing.campaign import Campaign, require_apart, require_room_on_rolls
from filmscand.daemon.bulk.importing.claims import Claims
from filmscand.daemon.bulk.importing.files import Tree, grouped, picture_of, walk
from filmscand.daemon.bulk.importing.hands import Hands
from filmscand.daemon.bulk.importing.importer import HandTools, Importer
from filmscand.daemon.bulk.importing.looking import decide, look_at_group
from filmscand.daemon.bulk.importing.report import Fate, FileFate, ImportReport, Tell
from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.database.connection import open_to_read, reopen_database
from filmscand.daemon.ingest.pairs.pairing import ClaimFrame, LeaveToPerson, natural_key
from filmscand.daemon.maintenance.identity import connect_station
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.lock import sole_import

# More threads wait for the same disks; each has a process of 100 MB that looks into files.
_MOST_THREADS = 8


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: film files and their bytes."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int


def usual_threads() -> int:
    """Return how many threads an import uses where nobody says."""
    return min(_MOST_THREADS, len(os.sched_getaffinity(0)))


def import_folder(
    station: Station, campaign: Campaign, threads: int, show: Callable[[Progress], None] = lambda _: None
) -> ImportReport:
    """Import a folder; a killed import is continued by the next one of the same folder.

    Parameters
    ----------
    threads : int
        How many files are read and copied at the same time.
    show : callable
        Called with the progress after each file.

    Raises
    ------
    ConfigError, FrameIdError
        The folder overlaps with the station's, or a roll would get too many frames; nothing was imported.
    StationBusyError
        Another import runs.
    TransientError
        A disk or share failed on the way.
    """
    require_apart(station, campaign.path)
    with sole_import(station), closing(connect_station(station)) as connection:
        tree = _walked(campaign)
        told = _Told(tree, show)

        @contextmanager
        def tools() -> Iterator[HandTools]:
            with closing(reopen_database(station.database)) as own, closing(_inspector(station)) as inspector:
                yield HandTools(inspector, Claims.of(station, campaign, own))

        with Hands(threads, tools) as hands:
            Importer(campaign, Claims.of(station, campaign, connection), hands, threads, told.tell).run(tree)
    return told.report(campaign.path, dry_run=False)


def look_through(
    station: Station, campaign: Campaign, threads: int, show: Callable[[Progress], None] = lambda _: None
) -> ImportReport:
    """Tell what an import would do, and change nothing; see `import_folder`.

    Files are not read to their ends, so a picture that the archive has under another name is not noticed.
    """
    require_apart(station, campaign.path)
    tree = _walked(campaign)
    told = _Told(tree, show)
    known = _known_frames(station, campaign, tree)
    for path, frame in known.items():
        told.tell(FileFate(path, Fate.DUPLICATE, frame, reason=f"imported before, as {frame}"))
    with Hands(threads, lambda: closing(_inspector(station))) as hands:
        new = grouped((path for path in tree.films if path not in known), campaign.pair)
        look = partial(look_at_group, watch=campaign, tree=tree, whole=False)
        for future in [hands.give(partial(look, group=group)) for group in new]:
            files = future.result()
            for file in files:
                if file.looked is None:
                    told.tell(FileFate(file.path, Fate.REJECTED, reason=file.problem))
            for decision in decide(campaign, tree, files):
                _tell_plan(campaign, decision, told.tell)
    return told.report(campaign.path, dry_run=True)


def _tell_plan(campaign: Campaign, decision: object, tell: Tell) -> None:
    match decision:
        case ClaimFrame(picture, infrared):
            roll = campaign.roll_name(Path(picture.path), date.today())
            for row in (picture, infrared):
                if row is not None:
                    tell(FileFate(row.path, Fate.IMPORTED, roll=roll))
        case LeaveToPerson(row, reason):
            tell(FileFate(row.path, Fate.REJECTED, reason=reason))


def _known_frames(station: Station, campaign: Campaign, tree: Tree) -> dict[str, str]:
    with closing(open_to_read(station.database)) as connection:
        known, _ = Claims.of(station, campaign, connection).known(tree)
    return {path: str(job.frame) for path, job in known.items()}


def _walked(campaign: Campaign) -> Tree:
    tree = walk(campaign.path)
    pictures = (picture_of(group, campaign.pair) for group in grouped(tree.films, campaign.pair))
    require_room_on_rolls(campaign, pictures, date.today())
    return tree


def _inspector(station: Station) -> Inspector:
    return Inspector(station.workers.memory_limit_mib << 20)


class _Told:
    """Collects what became of each file, and tells how far the import is."""

    def __init__(self, tree: Tree, show: Callable[[Progress], None]) -> None:
        self._tree = tree
        self._show = show
        self._files = list(tree.others)
        self._done = self._done_bytes = 0
        self._all_bytes = tree.size_bytes

    def tell(self, file: FileFate) -> None:
        self._files.append(file)
        stat = self._tree.films.get(file.path)
        self._done += stat is not None
        self._done_bytes += 0 if stat is None else stat.size_bytes
        self._show(Progress(self._done, len(self._tree.films), self._done_bytes, self._all_bytes))

    def report(self, folder: Path, *, dry_run: bool) -> ImportReport:
        files = sorted(self._files, key=lambda file: natural_key(file.path))
        return ImportReport(folder, dry_run, tuple(files))
