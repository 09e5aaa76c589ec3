"""The guard before every route: refuses what another site caused, what the visitor may not do, and what is too large.

A page on another site can make a browser on this machine send requests to 127.0.0.1. Four checks keep it out:

Host     a name that the attacker let point to 127.0.0.1 (DNS rebinding) arrives in the Host header, and is refused
Origin   what changes something has to come from the page itself, or from a program that is no browser
body     it has to be JSON by its type, which no form of another site can send without asking first (CORS)
headers  no other site may show, embed or read an answer (CSP, CORP, no CORS)
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmscand.daemon.web.access import AT_THE_STATION, CHANGING, READING, introduce, may

METHODS: Final = (*sorted(READING), *sorted(CHANGING))
# Nothing that is read has a body; a program that sends one all the same gets a clear answer.
BODY_LIMIT_BYTES: Final = 64 << 10
# The largest change: captions of the 9,999 frames that a roll can have, 100 bytes each.
CHANGE_LIMIT_BYTES: Final = 1 << 20
JSON_TYPE: Final = "application/json"
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
    """ASGI middleware that lets only requests pass that this machine's own people and programs sent.

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
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._app(introduce({**scope, "method": method}, AT_THE_STATION), receive, _with_headers(send))


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
    if method not in READING and not _is_own(headers):
        yield 403, "this request comes from another site"
    if method not in METHODS:
        yield 405, f"expected one of {', '.join(METHODS)}"
    if not may(AT_THE_STATION, method):
        yield 403, "this changes something, and needs the role operator"
    if len(scope["raw_path"]) + len(scope["query_string"]) > TARGET_LIMIT_BYTES:
        yield 414, f"the address is longer than {TARGET_LIMIT_BYTES} bytes"
    if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_LIMIT_BYTES:
        yield 431, f"the headers are larger than {HEADERS_LIMIT_BYTES} bytes"
    limit_bytes = CHANGE_LIMIT_BYTES if method in CHANGING else BODY_LIMIT_BYTES
    if "transfer-encoding" in headers:
        # Its length is not known before it has been read.
        yield 413, "the length of the body is not told; expected a Content-Length"
    if _body_bytes(headers) > limit_bytes:
        yield 413, f"the request is larger than {limit_bytes} bytes"
    if method in CHANGING and not _is_json(headers):
        yield 415, f"expected a body of the type {JSON_TYPE}"


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


def _body_bytes(headers: Headers) -> float:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else math.inf


def _is_json(headers: Headers) -> bool:
    """Return whether the type of a request's body is JSON; parameters such as the charset are ignored."""
    types = headers.getlist("content-type")
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == JSON_TYPE


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _PRIVATE_HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
