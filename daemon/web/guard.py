"""The guard before every route: refuses what another site caused, what the visitor may not do, and what is too large.

A page on another site can make a browser on this machine send requests to 127.0.0.1. Four checks keep it out:

Host     a name that the attacker let point to 127.0.0.1 (DNS rebinding) arrives in the Host header, and is refused
Origin   what changes something has to come from the page itself, or from a program that is no browser
body     it has to be JSON by its type, which no form of another site can send without asking first (CORS)
headers  no other site may show, embed or read an answer (CSP, CORP, no CORS)

One thing is shared: pages of other sites may read the pictures of the IIIF Image API where a login is asked for (CORS
for everybody, without cookies). They need a token, which a browser never sends by itself. Where no login is asked for,
on this machine's own address, any site could read them: there is no CORS.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmscand.daemon.web.access import CHANGING, FOR_PROGRAMS, IIIF, READING, Visitor, introduce, is_open, may
from filmscand.daemon.web.doors.door import Door

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
_DOOR: Final = "filmscand.door"
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

_SHARED_HEADERS: Final = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT_HEADERS: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "Authorization",
    "Access-Control-Max-Age": "86400",
}


class Guard:
    """ASGI middleware that lets only requests pass that this machine's own people and programs sent.

    Parameters
    ----------
    app : ASGIApp
        What is guarded.
    door : Door
        The way by which the requests come in.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return
        headers = Headers(scope=scope)
        more = _SHARED_HEADERS if _is_shared(scope, self._door) else {}
        send = _with_headers(send, more)
        refusal = self._refuse(scope, headers)
        if refusal is None and _is_preflight(scope, headers, self._door):
            await Response(status_code=204, headers=_PREFLIGHT_HEADERS)(scope, receive, send)
            return
        visitor = self._door.visitor(scope) if refusal is None else None
        if refusal is None:
            refusal = _refuse_visitor(scope, visitor)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        # A HEAD is answered as a GET; the server leaves out the body.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        passed = {**scope, "method": method, _DOOR: self._door}
        await self._app(introduce(passed, visitor), receive, send)

    def _refuse(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the answer to a request that must not pass whoever sent it, None for one that may."""
        for status, reason in _refusals(scope, headers, self._door):
            more = {"Allow": ", ".join(METHODS)} if status == 405 else {}
            return _closing(reason, status, more)
        return None


def door_of(scope: Scope) -> Door:
    """Return the door by which a request came in."""
    door: Door = scope[_DOOR]
    return door


def _refuse_visitor(scope: Scope, visitor: Visitor | None) -> Response | None:
    """Return the answer to a request that this visitor may not send, None for one that passes."""
    method, path = scope["method"], scope["path"]
    if is_open(method, path) or (visitor is not None and may(visitor, method)):
        return None
    if visitor is not None:
        return _closing(f"this changes something, and needs the role operator; {visitor.name} is a viewer", 403, {})
    if method in READING and not path.startswith(FOR_PROGRAMS):
        return RedirectResponse(f"/login?next={quote(path)}", 303)
    return _closing("log in first, or send a token", 401, {"WWW-Authenticate": "Bearer"})


def _closing(reason: str, status: int, more: Mapping[str, str]) -> Response:
    # The body of a refused request is not read: the connection cannot be used again.
    return PlainTextResponse(f"{reason}\n", status, {**more, "Connection": "close"})


def _refusals(scope: Scope, headers: Headers, door: Door) -> Iterator[tuple[int, str]]:
    if (refusal := door.refusal(scope)) is not None:
        yield refusal
    if len(headers.getlist("host")) != 1 or not door.knows(headers["host"]):
        yield 421, "expected a name or an address of this station in the Host header, such as 127.0.0.1 or localhost"
    # A browser asks first whether a page of another site may read a picture with a token: it is a reading request.
    method = "GET" if _is_preflight(scope, headers, door) else scope["method"]
    if method not in READING and not _is_own(headers, door.origin(scope)):
        yield 403, "this request comes from another site"
    if method not in METHODS:
        yield 405, f"expected one of {', '.join(METHODS)}"
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


def _is_shared(scope: Scope, door: Door) -> bool:
    return door.asks_for_login and scope["path"].startswith(IIIF)


def _is_preflight(scope: Scope, headers: Headers, door: Door) -> bool:
    asks = scope["method"] == "OPTIONS" and headers.get("access-control-request-method") in READING
    return asks and _is_shared(scope, door)


def _is_own(headers: Headers, own: str) -> bool:
    """Return whether a request may come from the station's own page, or from a program that is no browser."""
    if headers.get("origin", own) != own:
        return False
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _body_bytes(headers: Headers) -> float:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else math.inf


def _is_json(headers: Headers) -> bool:
    """Return whether the type of a request's body is JSON; parameters such as the charset are ignored."""
    types = headers.getlist("content-type")
    return len(types) == 1 and types[0].partition(";")[0].strip().lower() == JSON_TYPE


def _with_headers(send: Send, more: Mapping[str, str]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**_PRIVATE_HEADERS, **more}.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers
