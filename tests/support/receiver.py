"""A real web server on this machine that takes messages, and answers, is slow or breaks off as a test tells it."""

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The part of the address that may not be seen anywhere.
TOKEN = "T0KEN-of-the-lab"


@dataclass
class Receiver:
    """What the server got, and how it answers.

    Attributes
    ----------
    answer : int or str
        Status of the answer; "silent": none for two seconds; "cut": it closes the connection; "slow": a byte of the
        status line each tenth of a second.
    """

    answer: int | str = 200
    messages: list = field(default_factory=list)
    headers: list = field(default_factory=list)
    tries: int = 0
    address: str = ""
    location: str = ""

    def wait_for(self, count, at_most_s=30.0):
        """Wait until this many messages have come, and return them."""
        deadline_s = time.monotonic() + at_most_s
        while len(self.messages) < count:
            assert time.monotonic() < deadline_s, self.messages
            time.sleep(0.02)
        return self.messages

    def answer_to(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.tries += 1
        if self.answer == "cut":
            handler.connection.close()
        elif self.answer == "silent":
            time.sleep(2.0)
        elif self.answer == "slow":
            drip(handler)
        else:
            if self.answer < 300:
                self.headers.append(handler.headers)
                self.messages.append(json.loads(body))
            handler.send_response(self.answer)
            if self.location:
                handler.send_header("Location", self.location)
            handler.send_header("Content-Length", "0")
            handler.end_headers()


def drip(handler):
    for byte in b"HTTP/1.1 200 " + b"O" * 100:
        try:
            handler.wfile.write(bytes([byte]))
        except OSError:
            return
        time.sleep(0.1)


@contextmanager
def receiving(answer=200):
    """Run the server around the block."""
    receiver = Receiver(answer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            receiver.answer_to(self)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.address = f"http://127.0.0.1:{server.server_port}/services/{TOKEN}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
