"""Browsers that watch a station, as its page.js does it, and a clock for the answers of its status."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

# As the page: it is read again after a change, at most so often.
_PAUSE_S: Final = 1.0
_PROBE_PAUSE_S: Final = 0.05
_TIMEOUT_S: Final = 60.0


class Watcher(threading.Thread):
    """A browser at the station's page: it follows the event stream and reads the page again when the status changed.

    Attributes
    ----------
    events, readings : int
        Events of the stream, and how often the page was read.
    """

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.events = self.readings = 0
        self.problem: Exception | None = None
        self._port = port
        self._stopped = threading.Event()
        self._changed = threading.Event()
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._stream = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)

    def run(self) -> None:
        """Follow the stream until the watcher is told to stop."""
        self._reader.start()
        try:
            self._stream.request("GET", "/api/events")
            answer = self._stream.getresponse()
            for line in iter(answer.readline, b""):
                if self._stopped.is_set():
                    break
                self.events += line.startswith(b"event: ")
                if line == b"event: status\n":
                    self._changed.set()
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: the stream was closed while it was read.
            if not self._stopped.is_set():
                self.problem = error

    def stop(self) -> None:
        """Close the stream."""
        self._stopped.set()
        self._changed.set()
        with suppress(OSError):
            if self._stream.sock is not None:
                self._stream.sock.shutdown(2)
        self.join(_TIMEOUT_S)
        self._reader.join(_TIMEOUT_S)
        self._stream.close()

    def _read_on(self) -> None:
        while not self._stopped.is_set():
            self._changed.wait()
            self._changed.clear()
            if not self._stopped.is_set():
                fetch(self._port, "/")
                self.readings += 1
            self._stopped.wait(_PAUSE_S)


@contextmanager
def watched(port: int, count: int) -> Iterator[list[Watcher]]:
    """Let so many browsers watch a station around the block; one whose stream broke is an error."""
    watchers = [Watcher(port) for _ in range(count)]
    for watcher in watchers:
        watcher.start()
    try:
        yield watchers
    finally:
        for watcher in watchers:
            watcher.stop()
    for watcher in watchers:
        if watcher.problem is not None:
            raise SystemExit(f"an event stream broke: {watcher.problem}")


class StatusClock(threading.Thread):
    """Asks for the status again and again; `seconds` has the time of each answer."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self._port = port
        self._stopped = threading.Event()

    def run(self) -> None:
        """Ask until it is told to stop."""
        while not self._stopped.wait(_PROBE_PAUSE_S):
            began_s = time.perf_counter()
            fetch(self._port, "/api/status")
            self.seconds.append(time.perf_counter() - began_s)

    def stop(self) -> None:
        """End asking."""
        self._stopped.set()
        self.join(_TIMEOUT_S)


def fetch(port: int, path: str) -> bytes:
    """Return the body of a page; an answer other than 200 is an error."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise SystemExit(f"{path}: expected 200, found {answer.status}")
    return body
