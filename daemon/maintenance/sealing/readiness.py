"""What has to be true of a roll before it is sealed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.problem import ProblemKind
from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.known import recorded_sealing
from filmscand.daemon.archive.verify_rolls import verify_rolls
from filmscand.daemon.core.errors import IntegrityError, storing
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.database.frames import Roll, unfinished_frames
from filmscand.daemon.database.sessions import Sessions
from filmscand.daemon.maintenance.sealing.roll import RollToSeal, RollUnfinishedError

_NAMED_AT_MOST: Final = 5
# Size and time of the last change of each file of the payload.
Looks = dict[Path, tuple[int, int]]


def require_finished(roll: RollToSeal, frames: Sequence[FrameId]) -> None:
    """Require that every frame has its sidecar, and that nothing is under way for the roll.

    Raises
    ------
    RollUnfinishedError
        It names the first few that are not finished.
    """
    if not frames:
        raise RollUnfinishedError(f"{roll.name}: expected frames, found none")
    incomplete = [str(frame) for frame in frames if not roll.archive.is_complete(frame)]
    if roll.station.database.exists():
        with closing(open_database(roll.station.database)) as connection:
            incomplete += _under_way(connection, roll.place, roll.first.roll_folder)
    if incomplete:
        names = ", ".join(list(dict.fromkeys(incomplete))[:_NAMED_AT_MOST])
        raise RollUnfinishedError(f"expected a roll that is finished, found {names} unfinished or failed")


def require_never_sealed(roll: RollToSeal) -> None:
    """Require that the station does not remember an open roll as sealed."""
    if recorded_sealing(roll.station.database, roll.first.roll_folder) is not None:
        raise IntegrityError(
            f"{roll.folder / bag.DECLARATION}: the roll was sealed, and this file is gone; restore it from a copy of "
            "the archive, and run filmscand verify"
        )


def require_sound(roll: RollToSeal) -> None:
    """Read every file of the roll back from the disk, and compare it with all that is known of it.

    Raises
    ------
    IntegrityError
        A file is missing or differs from its record.
    RollUnfinishedError
        The payload has an empty folder.
    """
    report = verify_rolls(roll.archive, (roll.name,), roll.station.database)
    # What lies beside the files of a frame becomes a part of the bag, as notes do.
    damage = [problem for problem in report.problems if problem.is_damage and problem.kind is not ProblemKind.FOREIGN]
    if damage:
        raise IntegrityError("; ".join(map(str, damage)))
    require_no_empty_folder(roll.folder)


def require_no_empty_folder(folder: Path) -> None:
    """Require that no folder of the payload is empty: a bag cannot name it."""
    for path in bag.empty_folders(folder):
        raise RollUnfinishedError(f"{path}: expected no empty folder in a roll that is sealed; remove it")


def looks(folder: Path) -> Looks:
    """Return how each file of the payload looks from outside; no file is opened."""
    with storing(folder, "read"):
        found = {path: path.lstat() for path in bag.payload(folder)}
    return {path: (look.st_size, look.st_mtime_ns) for path, look in found.items()}


def require_unchanged(roll: RollToSeal, before: Looks) -> None:
    """Require that the files of the payload look as before."""
    if looks(roll.folder) != before:
        raise RollUnfinishedError(f"{roll.folder}: files came or changed while the roll was sealed")


def _under_way(connection: sqlite3.Connection, place: Roll, folder: Path) -> list[str]:
    frames = sorted(job.frame for job in unfinished_frames(connection) if job.frame.roll_folder == folder)
    sessions = [session for session in Sessions(connection).unfinished() if session.plan.place == place]
    return [*map(str, frames), *(f"session {session.session_id}" for session in sessions)]
