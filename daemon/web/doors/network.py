"""The door to the network: known names, a login or a token, and no proxy is believed but the named one."""

from __future__ import annotations

import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from filmscand.daemon.station.page import Page
from filmscand.daemon.web.access import Visitor
from filmscand.daemon.web.doors.door import FORWARDED, Refusal, is_this_machine, name_in
from filmscand.daemon.web.doors.logins import Logins

COOKIE: Final = "filmscand"
_BEARER: Final = "bearer "


class Network:
    """The way in from other machines, directly by TLS or through the trusted proxy.

    Parameters
    ----------
    page : Page
        The page's section of the configuration.
    """

    asks_for_login = True

    def __init__(self, page: Page) -> None:
        self.logins = Logins(page.users)
        self._hosts = page.known_hosts
        self._proxy = page.trusted_proxy
        self._only_proxy = page.trusted_proxy is not None and page.certificate is None
        self._is_loopback = page.is_loopback

    def refusal(self, scope: Scope, /) -> Refusal | None:
        """Refuse who goes round the proxy, and a proxy that nobody named."""
        if self._from_proxy(scope):
            return None
        if self._only_proxy:
            return 403, "this page is reached through its proxy only"
        if any(name in Headers(scope=scope) for name in FORWARDED):
            return 403, "a proxy passed this on that is not the one in page.trusted_proxy"
        return None

    def knows(self, host: str) -> bool:
        """Return whether a Host header has one of the names in the configuration; on loopback also its own."""
        return name_in(host) in self._hosts or (self._is_loopback and is_this_machine(host))

    def origin(self, scope: Scope, /) -> str:
        """Return the origin of the page; through the proxy it tells whether the browser spoke TLS."""
        return f"{self.scheme(scope)}://{Headers(scope=scope)['host']}"

    def visitor(self, scope: Scope, /) -> Visitor | None:
        """Return who has logged in, or whose token this is."""
        headers = Headers(scope=scope)
        authorization = headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            return self.logins.by_token(authorization[len(_BEARER) :].strip())
        key = key_in(headers)
        return None if key is None else self.logins.by_cookie(key)

    def scheme(self, scope: Scope) -> str:
        """Return "https" if the browser speaks TLS to the station or to its proxy."""
        if self._from_proxy(scope):
            return "https" if Headers(scope=scope).get("x-forwarded-proto", "") == "https" else "http"
        return str(scope["scheme"])

    def address(self, scope: Scope) -> str:
        """Return the address of the visitor's machine; the last that the proxy names, as it wrote that one itself."""
        named = Headers(scope=scope).getlist("x-forwarded-for")
        if self._from_proxy(scope) and named:
            return named[-1].rpartition(",")[2].strip()
        return _peer(scope)

    def _from_proxy(self, scope: Scope) -> bool:
        return self._proxy is not None and _peer(scope) == self._proxy


def key_in(headers: Headers) -> str | None:
    """Return the key of the login's cookie, None if there is none."""
    try:
        found = SimpleCookie("; ".join(headers.getlist("cookie"))).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    if client is None:
        return ""
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return str(client[0])
    # A socket of both families tells IPv4 addresses as IPv6.
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
