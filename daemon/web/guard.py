"""The guard before every route: refuses what another site caused, what changes something, and what is too large.

A page on another site can make a browser on this machine send requests to 127.0.0.1. Three checks keep it out:

Host     a name that the attacker let point to 127.0.0.1 (DNS rebinding) arrives in the Host header, and is refused
Origin   anything but GET and HEAD has to come from the page itself
headers  no other site may show, embed or read an answer (CSP, CORP, no CORS)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = ("GET", "HEAD")
# Nothing that is read has a body; a program that sends one all the same gets a clear answer.
BODY_LIMIT_BYTES: Final = 64 << 10
# The longest path of a route: three names of 64 characters, four digits, and the words around them.
TARGET_LIMIT_BYTES: Final = 2048
# Headers of a browser take about 1 KiB.
HEADERS_LIMIT_BYTES: Final = 16 << 10
_PRIVATE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """ASGI middleware that lets only harmless requests of this machine pass.

    Parameters
    ----------
    app : ASGIApp
        What is guarded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        refusal = refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, _with_headers(send))
            return
        # A HEAD is answered as a GET; the server leaves out the body.
        await self._app({**scope, "method": "GET"}, receive, _with_headers(send))


def refuse(scope: Scope) -> Response | None:
    """Return the answer to a request that must not pass, None for one that may."""
    headers = Headers(scope=scope)
    for status, reason in _refusals(scope, headers):
        more = {"Allow": ", ".join(METHODS)} if status == 405 else {}
        # The body of a refused request is not read: the connection cannot be used again.
        return PlainTextResponse(f"{reason}\n", status, {**more, "Connection": "close"})
    return None


def _refusals(scope: Scope, headers: Headers) -> Iterator[tuple[int, str]]:
    if len(headers.getlist("host")) != 1 or not is_this_machine(headers["host"]):
        yield 421, "expected the address of this machine in the Host header, such as 127.0.0.1 or localhost"
    method = scope["method"]
    if method not in METHODS:
        if not _is_own(headers):
            yield 403, "this request comes from another site"
        yield 405, "this version only shows: expected GET or HEAD"
    if len(scope["raw_path"]) + len(scope["query_string"]) > TARGET_LIMIT_BYTES:
        yield 414, f"the address is longer than {TARGET_LIMIT_BYTES} bytes"
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_LIMIT_BYTES:
        yield 431, f"the headers are larger than {HEADERS_LIMIT_BYTES} bytes"
    if _body_bytes(headers) > BODY_LIMIT_BYTES:
        yield 413, f"the request is larger than {BODY_LIMIT_BYTES} bytes"


def is_this_machine(host: str) -> bool:
    """Return whether a Host header names this machine; any port will do, for a tunnel may have another one."""
    try:
        # A name, an address or one in brackets, and a port.
        parts = urlsplit(f"//{host}")
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if name is None or parts.netloc != host or "@" in host:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own(headers: Headers) -> bool:
    """Return whether a request may come from the station's own page, or from a program that is no browser."""
    origin = headers.get("origin")
    if origin is not None and origin != f"http://{headers['host']}":
        return False
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _body_bytes(headers: Headers) -> int:
    if "transfer-encoding" in headers:
        # Its length is not known before it has been read, and no route reads one.
        return BODY_LIMIT_BYTES + 1
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else BODY_LIMIT_BYTES + 1


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _PRIVATE_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
