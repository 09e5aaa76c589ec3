"""What is looked up of a group of files before it is decided about: their content, and their hashes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from filmscand.daemon.bulk.importing.files import Group, Tree
from filmscand.daemon.core.errors import SourceChangedError, SourceUnreadableError, reading_source
from filmscand.daemon.core.inspection import Inspector
from filmscand.daemon.core.request import Role
from filmscand.daemon.database.candidates import Candidate, CandidateState
from filmscand.daemon.database.frames import SourceFile
from filmscand.daemon.ingest.claiming.halves import hash_source
from filmscand.daemon.ingest.pairs.looking import Looked, look_into
from filmscand.daemon.ingest.pairs.pairing import Arrived, Decision, PairRules, decide_pairs
from filmscand.daemon.ingest.troubles import WatchedRights
from filmscand.daemon.ingest.watching.content import read_content
from filmscand.daemon.station.configuration import Watch
from filmscand.drivers.files.errors import FilmFileError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LookedFile:
    """One file, looked into.

    Attributes
    ----------
    looked : Looked or None
        What it holds; None if it cannot be taken.
    problem : str or None
        Why it cannot be taken.
    source : SourceFile or None
        Its hash; its role is that of a picture. None if it was not read from beginning to end.
    flags : tuple of str
        Flags that a frame gets for this file.
    """

    path: str
    looked: Looked | None
    problem: str | None = None
    source: SourceFile | None = None
    flags: tuple[str, ...] = ()


def look_at_group(
    inspector: Inspector, watch: Watch, tree: Tree, group: Group, *, whole: bool
) -> tuple[LookedFile, ...]:
    """Look into the files of a group.

    Parameters
    ----------
    whole : bool
        Read each file from its beginning to its end for gaps and hash. Otherwise only as much as shows its layout.
    """
    return tuple(_look_at(inspector, watch, tree, path, whole=whole) for path in group)


def _look_at(inspector: Inspector, watch: Watch, tree: Tree, path: str, *, whole: bool) -> LookedFile:
    try:
        with reading_source(watch.path / path):
            looked = look_into(inspector, watch, path)
        if not whole:
            return LookedFile(path, looked)
        flags = read_content(watch.path, path, hashed=False).flags
        # What was just read lies in memory: reading it again costs no disk.
        source = hash_source(watch.path, path, tree.films[path], Role.RAW)
    except FilmFileError as error:
        return LookedFile(path, None, str(error))
    except (SourceChangedError, SourceUnreadableError) as error:
        way = WatchedRights(watch.path).way_out(path)
        return LookedFile(path, None, f"{error}. {way}" if way else str(error))
    # A file that nobody foresaw must not keep the others from being imported.
    except Exception as error:
        log.exception("%s: unexpected error", path)
        return LookedFile(path, None, f"unexpected {type(error).__name__}: {error}")
    return LookedFile(path, looked, None, source, flags)


def decide(watch: Watch, tree: Tree, files: Sequence[LookedFile]) -> list[Decision]:
    """Decide which of the files of a group make a frame, by the rules of the watch folders.

    The candidates of the decisions are no rows of the database yet.
    """
    arrived = [_arrived(watch, tree, file.path, file.looked) for file in files if file.looked is not None]
    return decide_pairs(arrived, (), PairRules(watch.pair, 0.0), now=0.0)


def _arrived(watch: Watch, tree: Tree, path: str, looked: Looked) -> Arrived:
    candidate = Candidate(
        candidate_id=0,
        watch=str(watch.path),
        path=path,
        size_bytes=tree.films[path].size_bytes,
        mtime_ns=tree.films[path].mtime_ns,
        state=CandidateState.COMPLETE,
        reason=None,
        in_place=True,
        job_id=None,
        retries=0,
        not_before=0.0,
        seen_at=0.0,
        changed_at=0.0,
    )
    return Arrived(candidate, looked.holds_infrared, looked.doubt, looked.is_picture)
