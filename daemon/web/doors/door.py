"""What every door answers, and the simplest of them: this machine's own loopback address."""

from __future__ import annotations

import ipaddress
from typing import Final, Protocol
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from filmscand.daemon.web.access import AT_THE_STATION, Visitor

# What a proxy adds; a browser and a tunnel never send one of them.
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
Refusal = tuple[int, str]


class Door(Protocol):
    """One way in.

    Attributes
    ----------
    asks_for_login : bool
        Whether nobody gets anything here who has neither logged in nor a token.
    """

    asks_for_login: bool

    def refusal(self, scope: Scope, /) -> Refusal | None:
        """Return the status and the reason for a connection that nobody may use, None for one that is all right."""

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this station."""

    def origin(self, scope: Scope, /) -> str:
        """Return the origin of the station's own pages, as a browser sends it."""

    def visitor(self, scope: Scope, /) -> Visitor | None:
        """Return who sent a request, None if nobody knows: then a login is asked for."""


class Loopback:
    """This machine's own address: whoever works at the station needs no login."""

    asks_for_login = False

    def refusal(self, scope: Scope, /) -> Refusal | None:
        """Refuse what a proxy passes on: its users are elsewhere, and would all be operators here."""
        headers = Headers(scope=scope)
        if any(name in headers for name in FORWARDED):
            return 403, "a proxy passed this on: name it in page.trusted_proxy, and its users in page.users"
        return None

    def knows(self, host: str) -> bool:
        """Return whether a Host header names this machine; any port will do, for a tunnel may have another one."""
        return is_this_machine(host)

    def origin(self, scope: Scope, /) -> str:
        """Return the origin that the browser's own address bar names."""
        return f"http://{Headers(scope=scope)['host']}"

    def visitor(self, _scope: Scope, /) -> Visitor | None:
        """Return an operator without a name."""
        return AT_THE_STATION


def is_this_machine(host: str) -> bool:
    """Return whether a Host header names this machine."""
    name = name_in(host)
    if name is None:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def name_in(host: str) -> str | None:
    """Return the name or address in a Host header, in small letters; None if the header is not of the right form."""
    try:
        # A name, an address or one in brackets, and a port.
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    return None if name is None or parts.netloc != host or "@" in host else name
