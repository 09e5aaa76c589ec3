"""A command that does the work itself: it writes to the database and to the archive."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from filmscand.daemon.database.session_records import Wish
from filmscand.daemon.maintenance.sessions.order import SessionOrder, queue_session, skip_slide, tell_session
from filmscand.daemon.station.configuration import Station

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.reclean import Changes, RecleanReport
    from filmscand.daemon.maintenance.sealing.roll import Sealed
    from filmscand.daemon.maintenance.status import StationStatus


class OwnDesk:
    """Does everything in this process; what a method loads is loaded when it is called, for status is asked often.

    Parameters
    ----------
    station : Station
        The station.
    """

    def __init__(self, station: Station) -> None:
        self._station = station

    def status(self) -> StationStatus:
        """Read the state of the station from its database and disks."""
        from filmscand.daemon.maintenance.status import station_status

        return station_status(self._station)

    def order(self, order: SessionOrder) -> int:
        """Queue a scanning session; see `queue_session`."""
        return queue_session(self._station, order)

    def tell(self, session_id: int, wish: Wish) -> None:
        """Tell a session something; see `tell_session`."""
        tell_session(self._station, session_id, wish)

    def skip(self, session_id: int) -> None:
        """Skip a slide; see `skip_slide`."""
        skip_slide(self._station, session_id)

    def reclean(self, names: Iterable[str], changes: Changes, *, failed: bool) -> RecleanReport:
        """Queue frames; see `queue_again`."""
        from filmscand.daemon.maintenance.reclean import queue_again

        return queue_again(self._station, names, changes, failed=failed)

    def seal(self, roll: str, labels: Mapping[str, str]) -> Sealed:
        """Seal a roll; see `maintenance.sealing.seal`."""
        from filmscand.daemon.maintenance.sealing.seal import seal

        return seal(self._station, roll, labels)
