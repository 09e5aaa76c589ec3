"""A client of SANE's network protocol, written independently of the virtual scanner's own encoding."""

from __future__ import annotations

import socket
import struct
from typing import Any, NamedTuple

INIT, GET_DEVICES, OPEN, CLOSE, GET_OPTIONS, CONTROL, GET_PARAMETERS, START, CANCEL = range(9)
GET, SET = 0, 1
BUTTON = 4
END_OF_FRAME = 0xFFFFFFFF


class Control(NamedTuple):
    """Answer to a call that gets or sets an option."""

    status: int
    info: int
    words: tuple[int, ...]


class SaneClient:
    """One connection to a scanner; `open` before any call that needs a handle."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.create_connection((address, 6566), timeout=10)
        self.send(INIT, 0x01000003, "a test")
        self.init_status, self.version = self.word(), self.word()
        self.handle = 0

    def __enter__(self) -> SaneClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *parts: int | str) -> None:
        self.socket.sendall(b"".join(_encode(part) for part in parts))

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError("the scanner closed the connection")
            data += part
        return data

    def word(self) -> int:
        return int(struct.unpack(">I", self.read(4))[0])

    def string(self) -> str:
        return self.read(self.word()).rstrip(b"\0").decode()

    def open(self, device: str) -> int:
        self.send(OPEN, device)
        status, self.handle = self.word(), self.word()
        self.string()
        return status

    def close_handle(self) -> int:
        self.send(CLOSE, self.handle)
        return self.word()

    def control(self, index: int, action: int, value: int = 0, kind: int = 1) -> Control:
        self.send(CONTROL, self.handle, index, action, kind, *((0, 0) if kind == BUTTON else (4, 1, value)))
        status, info, _kind, _size = (self.word() for _ in range(4))
        words = tuple(self.word() for _ in range(self.word()))
        self.string()
        return Control(status, info, words)

    def parameters(self) -> tuple[int, ...]:
        self.send(GET_PARAMETERS, self.handle)
        return tuple(self.word() for _ in range(7))

    def start(self) -> tuple[int, int]:
        """Start a frame; return the status and the port of the data connection."""
        self.send(START, self.handle)
        status, port, _byte_order = self.word(), self.word(), self.word()
        self.string()
        return status, port

    def read_frame(self, port: int) -> tuple[bytes, int | None]:
        """Read a frame to its end; return its bytes and the final status, None if the connection just ended."""
        frame = b""
        with socket.create_connection((self.address, port), timeout=10) as data, data.makefile("rb") as stream:
            while head := stream.read(4):
                (length,) = struct.unpack(">I", head)
                if length == END_OF_FRAME:
                    return frame, stream.read(1)[0]
                frame += stream.read(length)
        return frame, None

    def cancel(self) -> int:
        self.send(CANCEL, self.handle)
        return self.word()


def _encode(part: Any) -> bytes:
    if isinstance(part, str):
        text = part.encode() + b"\0"
        return struct.pack(">I", len(text)) + text
    return struct.pack(">I", part & 0xFFFFFFFF)
