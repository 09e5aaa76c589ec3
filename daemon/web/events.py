"""The event stream of one client: what changed since its last look, and heartbeats.

    event: status   data: the status, as from /api/status
    event: frames   data: a list of frames that moved
    event: reload   data: {}      too much changed: read everything again
    : heartbeat                   nothing changed for a while

The stream pulls from the board whenever the client has taken the last event. Nothing is queued for a client, so a slow
one costs a socket buffer, and one that vanished without a word is dropped when its stream reaches its age.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

from filmscand.daemon.web.board import Board, Snapshot, move_json

_LOOK_S: Final = 0.5
# Shorter than the time after which proxies and phones close a silent connection (30 s and more).
HEARTBEAT_S: Final = 15.0
# A browser connects again by itself.
_STREAM_S: Final = 900.0


async def event_stream(board: Board, heartbeat_s: float = HEARTBEAT_S) -> AsyncIterator[bytes]:
    """Yield server-sent events until the board is closed or the stream has reached its age.

    Parameters
    ----------
    board : Board
        The board to read from.
    heartbeat_s : float
        Longest silence, seconds.
    """
    seen: Snapshot | None = None
    end_s = time.monotonic() + _STREAM_S
    told_s = time.monotonic()
    # The browser waits so long, in milliseconds, before it connects again.
    yield b"retry: 2000\n\n"
    while not board.closed and time.monotonic() < end_s:
        snapshot = board.newest()
        if snapshot is not None and (seen is None or snapshot.version != seen.version):
            for event in _events(board, seen, snapshot):
                yield event
            seen, told_s = snapshot, time.monotonic()
        elif time.monotonic() - told_s >= heartbeat_s:
            yield b": heartbeat\n\n"
            told_s = time.monotonic()
        await asyncio.sleep(_LOOK_S)


def _events(board: Board, seen: Snapshot | None, snapshot: Snapshot) -> Iterator[bytes]:
    if seen is None or seen.json != snapshot.json:
        yield _event("status", snapshot.json)
    if seen is None:
        return
    moves = board.moves_since(seen.version)
    if moves is None:
        yield _event("reload", b"{}")
    elif moves:
        yield _event("frames", move_json(moves))


def _event(name: str, data: bytes) -> bytes:
    # JSON of pydantic has no line breaks: one line of data is enough.
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
