"""Notes in the archive that the loss of a frame is known and accepted: `verify` then takes it for no damage."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing

from filmscand.daemon.archive.records.events import Event, EventDetail, EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS, read_known
from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import DaemonError, FrameMissingError, IntegrityError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.station.configuration import Station


class NotLostError(DaemonError):
    """The frame's folder is there: nothing of it can be written off."""


def accept_losses(station: Station, names: Sequence[str], reason: str) -> tuple[str, ...]:
    """Note in the events of their rolls that frames are gone for good; return their names.

    Nothing else is changed: the frame's number stays taken, and a folder that comes back is verified as before.

    Parameters
    ----------
    names : sequence of str
        Frames as `collection/box/<roll>_<0007>`. If one of them is refused, none is noted.
    reason : str
        Why they are gone, for those who read the archive later.

    Raises
    ------
    NotLostError
        The folder of a frame is there.
    FrameMissingError
        Neither the database nor the archive ever knew a frame.
    IntegrityError
        The whole roll is gone.
    RollSealedError
        The roll is sealed: its bag has to be restored from a copy.
    """
    frames = [FrameId.from_name(name) for name in names]
    with closing(connect_station(station)) as connection:
        archive = bound_archive(station, connection)
        known = read_known(station.database)
        for frame in frames:
            archive.require_present()
            # Not require_open: a roll is frozen because the frame is gone.
            archive.require_unsealed(frame)
            _require_lost(archive, frame, in_database=frame in known.jobs)
        for frame in frames:
            detail = EventDetail(reason=reason)
            event = Event(type=EventType.LOSS, frame=str(frame), about=frame.stem, detail=detail)
            archive.append_events(frame, [event])
    return tuple(map(str, frames))


def _require_lost(archive: Archive, frame: FrameId, *, in_database: bool) -> None:
    folder, roll = archive.frame_folder(frame).path, archive.root / frame.roll_folder
    if os.path.lexists(folder):
        raise NotLostError(f"{folder}: the frame's folder is there; only a frame whose folder is gone can be accepted")
    if not (roll / EVENTS).is_file():
        raise IntegrityError(f"{roll}: the whole roll is gone, or its {EVENTS}; restore it from a copy of the archive")
    if not in_database and str(frame) not in {event.frame for event in read_events(roll / EVENTS)}:
        raise FrameMissingError(f"{frame}: neither the database nor the archive knows such a frame")
