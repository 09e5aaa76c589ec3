"""The event stream: what changed, heartbeats, and clients that are slow or vanish."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import ExitStack

from filmscand.daemon.core.process_id import ProcessId
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.queue import Queue
from filmscand.daemon.web.board import Board
from filmscand.daemon.web.events import event_stream


def test_a_stream_begins_with_the_status_and_tells_each_change(page, connection, frames):
    with page.events() as next_event:
        name, status = next_event()
        assert (name, status["states"]["queued"]) == ("status", 1)
        Queue(connection).take(ProcessId(1, 1), 60.0)
        events = [next_event(), next_event()]
    told = dict(events)
    assert told["status"]["in_work"] == ["museum/box-1/roll-a_0003"]
    assert [(move["roll"], move["stem"], move["state"]) for move in told["frames"]] == [
        ("museum/box-1/roll-a", "roll-a_0003", "processing")
    ]


def test_the_status_of_the_stream_is_that_of_the_api(page, frames):
    with page.events() as next_event:
        _, status = next_event()
    answer = page.get("/api/status").json
    assert {**answer, "free_bytes": 0, "free_frames": 0} == {**status, "free_bytes": 0, "free_frames": 0}


def test_a_silent_station_sends_heartbeats(connection, station):
    board = Board(station)
    board.start()

    async def collect():
        found = []
        async for event in event_stream(board, heartbeat_s=0.2):
            found.append(event)
            if event.startswith(b": heartbeat"):
                board.close()
        return found

    found = asyncio.run(asyncio.wait_for(collect(), 30))
    assert found[0] == b"retry: 2000\n\n"
    assert found[-1] == b": heartbeat\n\n"


def test_a_proxy_is_told_to_pass_each_event_on_at_once(page):
    with socket.create_connection(("127.0.0.1", page.port)) as client, client.makefile("rb") as answer:
        client.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = [line.strip().lower() for line in iter(answer.readline, b"\r\n")]
    assert b"x-accel-buffering: no" in head


def test_twenty_streams_beside_one_that_never_reads_are_all_told(page, connection):
    silent = socket.create_connection(("127.0.0.1", page.port))
    silent.sendall(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    with ExitStack() as stack:
        streams = [stack.enter_context(page.events()) for _ in range(20)]
        assert {stream()[0] for stream in streams} == {"status"}
        Alarms(connection).raise_alarm("archive", "read-only")
        for stream in streams:
            name, status = stream()
            while not status["alarms"]:
                name, status = stream()
            assert (name, status["alarms"][0]["key"]) == ("status", "archive")
    silent.close()
    assert page.get("/healthz").status == 200


def test_a_client_that_vanishes_makes_room_for_another(page, monkeypatch):
    monkeypatch.setattr("filmscand.daemon.web.routes.api.STREAMS_AT_MOST", 1)
    with page.events() as next_event:
        assert next_event()[0] == "status"
        answer = page.get("/api/events")
        assert (answer.status, answer.json["detail"]) == (503, "1 event streams are open already")
    end_s = time.monotonic() + 20
    while page.server._site.streams and time.monotonic() < end_s:
        time.sleep(0.05)
    with page.events() as next_event:
        assert next_event()[0] == "status"


def test_a_service_that_stops_ends_its_streams(page):
    with page.events() as next_event:
        assert next_event()[0] == "status"
        began_s = time.monotonic()
        assert page.server.stop()
        assert next_event()[0] in ("end", "status")
        assert time.monotonic() - began_s < 30
