"""Words, strings and arrays of the SANE network protocol (version 3), encoded as sanei_wire does.

A word has 32 bits and is big-endian. A string is its length, which counts the closing NUL, and then its bytes. Nothing
is padded.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from enum import IntEnum

PORT = 6566
PROTOCOL_VERSION = (1 << 24) | 3
END_OF_FRAME = 0xFFFFFFFF
# Longest string that is accepted, in bytes. A client that announces a longer one does not speak this protocol.
LONGEST_STRING_BYTES = 1 << 16


class Procedure(IntEnum):
    """Calls of a client."""

    INIT = 0
    GET_DEVICES = 1
    OPEN = 2
    CLOSE = 3
    GET_OPTION_DESCRIPTORS = 4
    CONTROL_OPTION = 5
    GET_PARAMETERS = 6
    START = 7
    CANCEL = 8
    AUTHORIZE = 9
    EXIT = 10


class Status(IntEnum):
    """SANE's status codes."""

    GOOD = 0
    UNSUPPORTED = 1
    CANCELLED = 2
    DEVICE_BUSY = 3
    INVAL = 4
    EOF = 5
    JAMMED = 6
    NO_DOCS = 7
    COVER_OPEN = 8
    IO_ERROR = 9
    NO_MEM = 10
    ACCESS_DENIED = 11


class WireError(Exception):
    """The client has left, or sent something that is not this protocol."""


class Reader:
    """Decodes what a client sends."""

    def __init__(self, connection: socket.socket) -> None:
        self._stream = connection.makefile("rb")

    def bytes(self, count: int) -> bytes:
        """Read exactly `count` bytes.

        Raises
        ------
        WireError
            If the connection ends before.
        """
        data = self._stream.read(count)
        if data is None or len(data) != count:
            raise WireError("the client closed the connection")
        return data

    def word(self) -> int:
        """Read a signed word."""
        return int(struct.unpack(">i", self.bytes(4))[0])

    def string(self) -> str:
        """Read a string; NULL gives "".

        Raises
        ------
        WireError
            If the announced length is impossible.
        """
        length = self.word()
        if not 0 <= length <= LONGEST_STRING_BYTES:
            raise WireError(f"expected a string of 0 to {LONGEST_STRING_BYTES} bytes, found {length}")
        return self.bytes(length).rstrip(b"\0").decode("latin-1")

    def close(self) -> None:
        """Release the connection's buffer."""
        self._stream.close()


def word(value: int) -> bytes:
    """Encode a word."""
    return struct.pack(">I", value & 0xFFFFFFFF)


def words(*values: int) -> bytes:
    """Encode words one after another."""
    return b"".join(word(value) for value in values)


def string(text: str | None) -> bytes:
    """Encode a string; None is NULL."""
    if text is None:
        return word(0)
    coded = text.encode("latin-1") + b"\0"
    return word(len(coded)) + coded


def pointer(coded: bytes | None) -> bytes:
    """Encode a pointer: a word that says whether it is NULL, then its target."""
    return word(1) if coded is None else word(0) + coded


def pointer_array(items: Iterable[bytes]) -> bytes:
    """Encode a NULL-terminated array of pointers."""
    coded = [pointer(item) for item in items]
    return word(len(coded) + 1) + b"".join(coded) + pointer(None)
