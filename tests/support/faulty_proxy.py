"""A TCP proxy of the tests before a real server: it passes requests on, and makes faults as a test tells it.

""        passes everything on
"500"     answers a new connection with status 500, and closes it
"cut"     closes a connection after 2000 bytes of the request, or 200 bytes of the answer
"silent"  takes the request, and never answers
"slow"    passes the answer on in small pieces with pauses
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_SENT_BYTES, _ANSWERED_BYTES = 2000, 200
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FaultyProxy:
    """The proxy; `fault` is what the next connections meet.

    With `left_bytes` so many bytes pass without a fault; then every connection is cut, and new ones meet `fault`.
    """

    def __init__(self, address):
        parts = urlsplit(address)
        self._server = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.fault, self.left_bytes, self.met = "", None, []
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop()

    def _drop(self):
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            fault = "" if self.left_bytes is not None and self.left_bytes > 0 else self.fault
            self.met.append(fault)
            threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, client, fault):
        with client, suppress(OSError):
            self._open.append(client)
            if fault == "500":
                client.recv(65536)
                client.sendall(_ERROR)
                # What is left unread would reset the connection before the answer is read.
                client.shutdown(socket.SHUT_WR)
                while client.recv(65536):
                    pass
                return
            if fault == "silent":
                while client.recv(65536):
                    pass
                return
            with socket.create_connection(self._server) as server:
                self._open.append(server)
                back = threading.Thread(target=self._pass, args=(server, client, fault, _ANSWERED_BYTES), daemon=True)
                back.start()
                self._pass(client, server, "cut" if fault == "cut" else "", _SENT_BYTES)
                back.join()

    def _pass(self, source, target, fault, cut_bytes):
        passed = 0
        with suppress(OSError):
            while piece := source.recv(65536):
                passed += len(piece)
                if self.left_bytes is not None:
                    self.left_bytes -= len(piece)
                    if self.left_bytes <= 0 and not fault:
                        self._drop()
                        break
                if fault == "cut" and passed > cut_bytes:
                    break
                if fault == "slow":
                    for start in range(0, len(piece), 16384):
                        time.sleep(0.01)
                        target.sendall(piece[start : start + 16384])
                else:
                    target.sendall(piece)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR if fault == "cut" else socket.SHUT_WR)


@contextmanager
def faulty_proxy(address):
    """Run the proxy around the block."""
    proxy = FaultyProxy(address)
    try:
        yield proxy
    finally:
        proxy.close()
