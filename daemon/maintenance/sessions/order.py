"""Orders scanning sessions and tells them what to do: the same checks for the command line, the page and the API."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from filmscand.daemon.core.errors import DaemonError, RollFrozenError, RollSealedError
from filmscand.daemon.core.film_kind import FilmKind
from filmscand.daemon.core.frame_id import MAX_NUMBER, FrameId
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.database.frames import Roll
from filmscand.daemon.database.session_records import ScannerProfile, ScanPlan, Session, Slug, Wish, ascending
from filmscand.daemon.database.sessions import NoSuchSessionError, Sessions, highest_number
from filmscand.daemon.maintenance.identity import bound_archive, connect_station
from filmscand.daemon.station.configuration import Station

if TYPE_CHECKING:
    # It loads numpy, which `filmscand session pause` does without.
    from filmscand.daemon.archive.tree import Archive


class NoScannerError(DaemonError):
    """No scanner was named, and the number of scanners found is not one."""


class SessionOrder(BaseModel):
    """What is to be scanned, and how; None leaves a value to the station or to the scanner.

    Attributes
    ----------
    first_number : int or None
        Number of the first frame on the roll; None: the next free one.
    frames : int or None
        Number of slides; None: until the magazine is empty.
    positions : tuple of int or None
        Frames of the strip or holder to scan, ascending, from 1.
    device : str or None
        Name of the scanner, as listed; None: the only one that a recipe drives.
    operator : str or None
        Name of the person who scans, for the record.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    roll: Slug
    collection: Slug = "unsorted"
    box: Slug = "unsorted"
    first_number: int | None = Field(default=None, ge=1, le=MAX_NUMBER)
    frames: int | None = Field(default=None, ge=1, le=MAX_NUMBER)
    # No strip or holder has a thousand frames.
    positions: Annotated[tuple[int, ...], Field(max_length=999), AfterValidator(ascending)] | None = None
    film: FilmKind = FilmKind.UNKNOWN
    device: str | None = Field(default=None, min_length=1, max_length=500)
    operator: str | None = Field(default=None, max_length=200)
    scanner: ScannerProfile = ScannerProfile()

    @model_validator(mode="after")
    def _one_count(self) -> SessionOrder:
        if self.frames is not None and self.positions is not None:
            raise ValueError("name frames or positions, not both")
        return self

    def plan(self, device: str, sensitivity: float) -> ScanPlan:
        """Return the plan of the session, with the first number still to be chosen."""
        return ScanPlan(
            collection=self.collection,
            box=self.box,
            roll=self.roll,
            frames=len(self.positions) if self.positions else self.frames,
            positions=self.positions,
            film=self.film,
            scanner=self.scanner,
            device=device,
            operator=self.operator,
            sensitivity=sensitivity,
        )


@dataclass(frozen=True, slots=True)
class NextFrame:
    """Where a roll goes on.

    Attributes
    ----------
    number : int
        The number after the highest one of the roll; 1 for a new roll.
    problem : str or None
        Why nothing can be added to the roll.
    """

    number: int
    problem: str | None


def queue_session(station: Station, order: SessionOrder) -> int:
    """Queue a session, and return its number; see `plan_session` for the errors."""
    return add_session(station, plan_session(station, order))


def plan_session(station: Station, order: SessionOrder) -> ScanPlan:
    """Return the plan of a session that can be scanned; nothing is queued yet.

    Raises
    ------
    NoScannerError
        No scanner was named, and the number of scanners with a recipe is not one.
    RollSealedError
        The roll is sealed.
    """
    plan = order.plan(order.device or only_scanner(station), station.cleaning.sensitivity)
    with closing(connect_station(station)) as connection:
        archive = bound_archive(station, connection)
        archive.require_open(plan.frame(plan.first_number))
        number = order.first_number or _next_number(connection, archive, plan.place)
    return plan.model_copy(update={"first_number": number})


def add_session(station: Station, plan: ScanPlan) -> int:
    """Queue a session, and return its number; the service starts it when its scanner is free."""
    with closing(reopen_database(station.database)) as connection:
        return Sessions(connection).add(plan).session_id


def next_frame(station: Station, place: Roll) -> NextFrame:
    """Return the number that the next frame of a roll gets."""
    with closing(connect_station(station)) as connection:
        archive = bound_archive(station, connection)
        number = _next_number(connection, archive, place)
        try:
            archive.require_open(FrameId(place.collection, place.box, place.roll, 1))
        except (RollSealedError, RollFrozenError) as error:
            return NextFrame(number, str(error))
        return NextFrame(number, None)


def _next_number(connection: sqlite3.Connection, archive: Archive, place: Roll) -> int:
    """Return the number after the highest one of the roll in archive and database."""
    in_archive = archive.next_number(place.collection, place.box, place.roll)
    return max(in_archive, highest_number(connection, place) + 1)


def only_scanner(station: Station) -> str:
    """Return the only scanner that a recipe drives; see `queue_session`."""
    from filmscand.daemon.scanning.drivers import drivers_of

    found = [device for device in drivers_of(station).list(probe=False) if device.recipe is not None]
    if len(found) != 1:
        names = ", ".join(device.device for device in found) or "none"
        raise NoScannerError(f"expected one scanner, found {names}; name one by --device, see `filmscand devices`")
    return found[0].device


def tell_session(station: Station, session_id: int, wish: Wish) -> Session:
    """Tell a session to pause, resume or cancel.

    Raises
    ------
    SessionError
        There is no session of this number, or it is over.
    """
    with closing(_database(station, session_id)) as connection:
        return Sessions(connection).ask(session_id, wish)


def skip_slide(station: Station, session_id: int) -> Session:
    """Tell a halted session to go on without the slide that halted it.

    Raises
    ------
    SessionError
        There is no session of this number, or it waits at no slide.
    """
    with closing(_database(station, session_id)) as connection:
        return Sessions(connection).ask_to_skip(session_id)


def _database(station: Station, session_id: int) -> sqlite3.Connection:
    if not station.database.exists():
        raise NoSuchSessionError(f"there is no session {session_id}")
    return reopen_database(station.database)
