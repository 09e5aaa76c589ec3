"""A command that asks the running service through its local socket: one request of the API for each deed."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from filmscand.daemon.core.errors import DaemonError, IntegrityError
from filmscand.daemon.database.session_records import Wish
from filmscand.daemon.maintenance.sessions.order import NoScannerError, SessionOrder
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.service_socket import connect_locally

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.desk.by_oneself import OwnDesk
    from filmscand.daemon.maintenance.reclean import Changes, RecleanReport
    from filmscand.daemon.maintenance.sealing.roll import Sealed
    from filmscand.daemon.maintenance.status import StationStatus

T = TypeVar("T")

# A service that answers at all answers in milliseconds; its disks may take longer, and it says so after 15 s.
_PATIENCE_S: Final = 30.0
# SANE may look for scanners for a minute.
_SCANNERS_S: Final = 120.0
# Every file of a roll is read back.
_SEALING_S: Final = 6 * 3600.0
_KINDS: Final[Mapping[str, type[DaemonError]]] = {"integrity": IntegrityError, "scanner": NoScannerError}


class ServiceSilentError(DaemonError):
    """The running service did not answer."""


class ServiceRefusedError(DaemonError):
    """The running service refused; the text says why."""


class LocalService:
    """The running service of a station, as programs of this machine ask it.

    Parameters
    ----------
    station : Station
        The station whose socket is used.
    """

    def __init__(self, station: Station) -> None:
        self._station = station

    def get(self, path: str) -> Any:
        """Return what an address of the API tells."""
        return self._ask("GET", path, None, _PATIENCE_S)

    def post(self, path: str, content: Any, timeout_s: float = _PATIENCE_S) -> Any:
        """Send JSON to an address of the API; return the answer.

        Raises
        ------
        ServiceRefusedError, IntegrityError, NoScannerError
            The service refused.
        ServiceSilentError
            It stopped meanwhile, or took too long.
        """
        return self._ask("POST", path, to_json(content), timeout_s)

    def _ask(self, method: str, path: str, body: bytes | None, timeout_s: float) -> Any:
        connection = _Connection(self._station, timeout_s)
        try:
            connection.request(method, path, body, {} if body is None else {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServiceSilentError(
                f"{self._station.root}: the running service did not answer ({error!r}). What was asked for may still "
                "happen: see `filmscand status`"
            ) from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise _refusal(content)
        return from_json(content)


class ServiceDesk:
    """Hands everything in at the running service.

    Parameters
    ----------
    service : LocalService
        The service.
    own : OwnDesk
        Reads the status if the service is silent, which is what the status is asked for.
    """

    def __init__(self, service: LocalService, own: OwnDesk) -> None:
        self._service = service
        self._own = own

    def status(self) -> StationStatus:
        """Return the state of the station, as the service sees it at this moment."""
        from filmscand.daemon.maintenance.status import StationStatus

        try:
            found = self._service.get("/api/status?now=true")
        except ServiceSilentError:
            return self._own.status()
        return _read(StationStatus, found)

    def order(self, order: SessionOrder) -> int:
        """Queue a scanning session; the service looks for the scanner."""
        content = order.model_dump(mode="json")
        return int(self._service.post("/api/sessions", content, _SCANNERS_S)["session"])

    def tell(self, session_id: int, wish: Wish) -> None:
        """Tell a session something."""
        self._service.post(f"/api/sessions/{session_id}/{wish}", {})

    def skip(self, session_id: int) -> None:
        """Skip the slide that a session waits at."""
        self._service.post(f"/api/sessions/{session_id}/skip", {})

    def reclean(self, names: Iterable[str], changes: Changes, *, failed: bool) -> RecleanReport:
        """Queue frames to be cleaned again."""
        from filmscand.daemon.maintenance.reclean import RecleanReport

        wanted = {"frames": list(names), "failed": failed, "sensitivity": changes.sensitivity, "film": changes.film}
        return _read(RecleanReport, self._service.post("/api/reclean", wanted))

    def seal(self, roll: str, labels: Mapping[str, str]) -> Sealed:
        """Seal a roll."""
        from filmscand.daemon.maintenance.sealing.roll import Sealed

        return _read(Sealed, self._service.post(f"/api/rolls/{quote(roll)}/seal", {"labels": dict(labels)}, _SEALING_S))


class _Connection(http.client.HTTPConnection):
    """HTTP through the local socket of a station."""

    def __init__(self, station: Station, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._station = station
        self._timeout_s = timeout_s

    def connect(self) -> None:
        found = connect_locally(self._station, self._timeout_s)
        if found is None:
            raise ConnectionRefusedError("the service has stopped")
        self.sock: socket.socket = found


def find_service(station: Station) -> LocalService | None:
    """Return the running service of a station, None if none listens or if this user may not ask it."""
    found = connect_locally(station, _PATIENCE_S)
    if found is None:
        return None
    found.close()
    return LocalService(station)


def _read(kind: type[T], content: Any) -> T:
    return TypeAdapter(kind).validate_python(content)


def _refusal(content: bytes) -> DaemonError:
    try:
        problem = from_json(content)
        return _KINDS.get(problem.get("kind", ""), ServiceRefusedError)(problem["detail"])
    except (ValueError, KeyError, AttributeError, TypeError):
        return ServiceRefusedError(content.decode(errors="replace").strip() or "the service refused without a reason")
