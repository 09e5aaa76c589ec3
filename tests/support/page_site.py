"""The page of a station in a folder, served by a real server at a free port; no worker runs beside it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

from filmscand.daemon.core.timing import Timing
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.web.server import PageServer

QUICK = Timing(retry_first_s=0.1, retry_cap_s=0.2)


def no_bell():
    """Stand for the bell of a supervisor: none runs beside the page."""


@dataclass
class Answer:
    """An answer of the page."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()


@dataclass
class PageSite:
    """A page that is served, and a client that speaks to it without a browser's manners."""

    station: Station
    server: PageServer
    port: int
    tls: ssl.SSLContext | None = None
    rings: list[None] = field(default_factory=list)

    def get(self, path, **headers):
        return self.request("GET", path, **headers)

    def request(self, method, path, body=None, **headers):
        """Send one request; `headers` with `_` for `-`, and `Host` as the client would set it unless it is given."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = self.connect()
        try:
            connection.putrequest(method, path, skip_host="Host" in named, skip_accept_encoding=True)
            if body is not None and "Content-Length" not in named:
                named["Content-Length"] = str(len(body))
            for name, value in named.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def connect(self):
        if self.tls is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=self.tls)

    def post(self, path, content=None, **headers):
        """Send JSON as a program does."""
        body = json.dumps({} if content is None else content).encode()
        return self.request("POST", path, body, **{"Content_Type": "application/json", **headers})

    def send(self, content):
        """Send bytes as they are; return what comes back."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(65536), b""))

    @contextmanager
    def events(self):
        """Open the event stream; yields a function that returns the next event as its name and its data."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/api/events")
        answer = connection.getresponse()

        def next_event():
            name = ""
            for line in iter(answer.readline, b""):
                if line.startswith(b"event: "):
                    name = line[7:].strip().decode()
                elif line.startswith(b"data: "):
                    return name, json.loads(line[6:])
                elif line.startswith(b": "):
                    return "heartbeat", None
            return "end", None

        try:
            yield next_event
        finally:
            # Closing the connection alone leaves the answer's own file open.
            answer.close()
            connection.close()


def port_of(server, limit_s=30.0):
    """Wait until a page is served, and return its port."""
    end_s = time.monotonic() + limit_s
    while server.address is None:
        assert time.monotonic() < end_s, server.problem
        time.sleep(0.02)
    return int(server.address.rstrip("/").rpartition(":")[2])


@contextmanager
def served(station, tls=None):
    """Serve the page of a station around the block; its database is made where it is missing."""
    open_database(station.database).close()
    rings: list[None] = []
    server = PageServer(station, QUICK, lambda: rings.append(None))
    server.start()
    try:
        yield PageSite(station, server, port_of(server), tls, rings)
    finally:
        assert server.stop()
