"""What a command can hand in, and the choice between the running service and the station itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from filmscand.daemon.database.session_records import Wish
from filmscand.daemon.maintenance.desk.at_service import ServiceDesk, find_service
from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
from filmscand.daemon.maintenance.sessions.order import SessionOrder
from filmscand.daemon.station.configuration import Station

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.reclean import Changes, RecleanReport
    from filmscand.daemon.maintenance.sealing.roll import Sealed
    from filmscand.daemon.maintenance.status import StationStatus


class Desk(Protocol):
    """Takes what a person wants of a station; every method raises the errors of the deed itself."""

    def status(self) -> StationStatus:
        """Return the state of the station."""

    def order(self, order: SessionOrder) -> int:
        """Queue a scanning session, and return its number."""

    def tell(self, session_id: int, wish: Wish) -> None:
        """Tell a session to pause, resume or cancel."""

    def skip(self, session_id: int) -> None:
        """Tell a halted session to go on without the slide that halted it."""

    def reclean(self, names: Iterable[str], changes: Changes, *, failed: bool) -> RecleanReport:
        """Queue frames to be cleaned again; return at once."""

    def seal(self, roll: str, labels: Mapping[str, str]) -> Sealed:
        """Seal a roll."""


def desk_of(station: Station) -> Desk:
    """Return the desk of the running service if this user may use its socket, else one's own."""
    own = OwnDesk(station)
    service = find_service(station)
    return own if service is None else ServiceDesk(service, own)
