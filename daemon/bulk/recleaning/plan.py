"""Which frames a run cleans: those that were chosen, without those that are as wanted already."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from filmscand.daemon.archive.records.sidecar import Revision, made_from
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.bulk.recleaning.comparison import Recleaned, compare
from filmscand.daemon.cleaning.recipe import recipe_of
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.frames import JobOutcome, JobState
from filmscand.daemon.database.sheets.cleanings import Findings, FrameCleaning, Setting
from filmscand.daemon.maintenance.identity import connect_station, identity_problem
from filmscand.daemon.maintenance.reclean import Changes, NoSuchFramesError, selected_frames
from filmscand.daemon.station.configuration import Cleaning, Station
from filmscand.daemon.station.rights import require_changeable
from filmscand.ir.identity import engine_identity, release_of

# Stands for "another engine than that of this installation, newer or older".
THIS_ENGINE: Final = "this"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which frames are asked for; each condition makes them fewer.

    Attributes
    ----------
    names : tuple of str
        Selectors (`Selector.parse`); none: the whole station.
    failed : bool
        Only frames that failed or were set aside.
    flagged : collection of FrameId, or None
        Only these frames.
    engine_older_than : str or None
        Only frames whose revision was made by an engine of an older version, or, for `THIS_ENGINE`, by any engine but
        that of this installation.
    """

    names: tuple[str, ...] = ()
    failed: bool = False
    flagged: Collection[FrameId] | None = None
    engine_older_than: str | None = None


@dataclass(slots=True)
class Plan:
    """What a run does.

    Attributes
    ----------
    due : list of FrameCleaning
        Frames to clean, as they are.
    queued : list of FrameCleaning
        Frames that wait in the queue, or are being cleaned, with the settings that are wanted now: those that an
        earlier run left there.
    done : list of Recleaned
        Frames whose revision was made from the same inputs, options and engine: nothing is done for them.
    skipped : list of str
        Frames that are queued with other settings, or are not in the archive yet.
    """

    due: list[FrameCleaning] = field(default_factory=list)
    queued: list[FrameCleaning] = field(default_factory=list)
    done: list[Recleaned] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def frames(self) -> int:
        """Number of frames to clean."""
        return len(self.due) + len(self.queued)


@contextmanager
def opened(station: Station, *, to_write: bool) -> Iterator[sqlite3.Connection]:
    """Open the database of a station (a context manager); `to_write`: a run on a cluster writes to it.

    Raises
    ------
    NoSuchFramesError
        The station has none.
    NotYourStationError
        This user may not write to it.
    DaemonError
        Database and archive do not know each other.
    """
    problem = identity_problem(station)
    if problem is not None:
        raise problem
    if not station.database.exists():
        raise NoSuchFramesError(f"{station.database}: this station has never archived a frame")
    if to_write:
        require_changeable(station)
    with closing(connect_station(station) if to_write else open_to_read(station.database)) as connection:
        yield connection


def plan_recleaning(
    connection: sqlite3.Connection, archive: Archive, cleaning: Cleaning, asked: tuple[Choice, Changes]
) -> Plan:
    """Return what is to be done; nothing is changed.

    Parameters
    ----------
    cleaning : Cleaning
        Detector and models of the station.
    asked : tuple of Choice and Changes
        Which frames, and with what they are to be cleaned.

    Raises
    ------
    NoSuchFramesError
        A name matches no frame.
    RollSealedError
        A frame is in a sealed roll that lost its mark (`bagit.txt`).
    RollFrozenError
        A frame is in a damaged roll.
    """
    choice, changes = asked
    plan, wanted = Plan(), Wanted(cleaning, changes)
    for one in selected_frames(connection, choice.names, failed=choice.failed):
        if _is_chosen(one, archive, choice):
            _place(plan, one, archive, wanted)
    # A roll is sealed or not: asked once for each.
    for frame in {one.frame.roll_folder: one.frame for one in plan.due}.values():
        archive.require_cleanable(frame)
    return plan


class Wanted:
    """What the revision of each frame has to be made from (`Revision.made_from`).

    Parameters
    ----------
    cleaning : Cleaning
        Detector and models of the station.
    changes : Changes
        Changes of the frames' settings.
    """

    def __init__(self, cleaning: Cleaning, changes: Changes) -> None:
        self._cleaning = cleaning
        self._changes = changes
        # Most frames have one of a few settings.
        self._recipes: dict[Setting, str] = {}

    def setting(self, frame: FrameCleaning) -> Setting:
        """Return the settings that a frame is to be cleaned with."""
        film, sensitivity, fourth = frame.setting
        changes = self._changes
        return Setting(
            changes.film or film, sensitivity if changes.sensitivity is None else changes.sensitivity, fourth
        )

    def made_from(self, frame: FrameCleaning) -> str | None:
        """Return what the frame's revision has to be made from; None where the database does not know its originals."""
        if not frame.inputs_sha256:
            return None
        setting = self.setting(frame)
        if setting not in self._recipes:
            request = CleanRequest(**setting._asdict())
            self._recipes[setting] = recipe_of(request, self._cleaning, models_may_be_gone=True).digest
        return made_from(self._recipes[setting], frame.inputs_sha256)


def _is_chosen(one: FrameCleaning, archive: Archive, choice: Choice) -> bool:
    if choice.flagged is not None and one.frame not in choice.flagged:
        return False
    if choice.engine_older_than is None:
        return True
    label = one.engine or _engine_in_archive(one, archive)
    return label is not None and is_older(label, choice.engine_older_than)


def _engine_in_archive(one: FrameCleaning, archive: Archive) -> str | None:
    """Return the label of the engine of a frame that an earlier version cleaned, or that failed; None without any."""
    if one.state is JobState.RESERVED or not archive.is_complete(one.frame):
        return None
    return archive.read_sidecar(one.frame).current.engine


def is_older(label: str, than: str) -> bool:
    """Return whether an engine is older than a version; see `Choice.engine_older_than`.

    Parameters
    ----------
    label : str
        Label of the engine. One without a digest is of the first versions, which did not tell.
    """
    version, _, digest = label.partition(" ")
    if than == THIS_ENGINE:
        return label != engine_identity().label
    return not digest or _release(version) < _release(than)


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version's release; none where the version is not known."""
    numbers = release_of(version).split(".")
    return tuple(map(int, numbers)) if all(number.isdecimal() for number in numbers) else ()


def _place(plan: Plan, one: FrameCleaning, archive: Archive, wanted: Wanted) -> None:
    if one.state is JobState.FINISHED:
        target = wanted.made_from(one)
        if one.outcome is JobOutcome.ARCHIVED and target is not None and target == one.made_from:
            plan.done.append(compare(one, one._replace(is_new=False)))
        else:
            # Digests are half of a record's memory, and a plan may hold a million of them.
            plan.due.append(one._replace(inputs_sha256=(), made_from=None))
    elif one.state is not JobState.RESERVED and one.setting == wanted.setting(one) and archive.is_complete(one.frame):
        plan.queued.append(_as_archived(one, archive))
    else:
        plan.skipped.append(str(one.frame))


def _as_archived(one: FrameCleaning, archive: Archive) -> FrameCleaning:
    """Return a queued frame as it was: the queue forgets the report of a frame that is cleaned again."""
    return one._replace(findings=_findings(archive.read_sidecar(one.frame).current), outcome=None)


def _findings(revision: Revision) -> Findings:
    report = revision.report
    return Findings(report.method, report.coverage, report.defects_found, report.defects_left, revision.warnings)


def names_of(frames: Iterable[FrameCleaning]) -> list[str]:
    """Return selectors of exactly these frames: `ROLL_0007` may be a roll's name, too, and `ROLL_0007-0007` is not."""
    return [f"{one.frame}-{one.frame.number:04d}" for one in frames]
