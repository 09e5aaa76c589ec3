"""The local socket: its rights decide who comes in, and the kernel tells who it is."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from filmscand.daemon.station.rights import user_name
from filmscand.daemon.station.sections.page import Level
from filmscand.daemon.web.access import Visitor
from filmscand.daemon.web.doors.door import Loopback, Refusal

_PEER: Final = "peer_uid"
# struct ucred: process, user, group.
_CREDENTIALS: Final = struct.Struct("iII")


class LocalSocket(Loopback):
    """The socket of the service: everybody who may write to it is an operator, by the name of the user."""

    def refusal(self, _scope: Scope, /) -> Refusal | None:
        """Refuse nothing: who passes something on answers for it."""
        return None

    def visitor(self, scope: Scope, /) -> Visitor | None:
        """Return the user at the other end."""
        return Visitor(Level.OPERATOR, user_name(scope["state"][_PEER]))


class PeerProtocol(H11Protocol):
    """HTTP over a local socket; each request carries the number of the user who opened the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Note who is at the other end, as the kernel knows it."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _process, user, _group = _CREDENTIALS.unpack(credentials)
        self.app_state = {**self.app_state, _PEER: user}
