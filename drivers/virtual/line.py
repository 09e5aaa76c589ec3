"""The control connection of one client, and the faults that cut it, hold it or fill it with rubbish."""

from __future__ import annotations

import math
import random
import select
import socket
import threading
import time

from filmscand.drivers.virtual.device import Mechanics
from filmscand.drivers.virtual.faults import STATUS_OF, Fault, FaultKind, Moment, Plane

# A pause between looks at whether the client, or the whole scanner, has gone while the line is held.
LOOK_S = 0.05
RUBBISH = random.Random(6566).randbytes(256)


class Hangup(Exception):
    """The session ends: the client left, or a fault cuts the line."""


class Line:
    """What can happen on the line before an answer goes out."""

    def __init__(self, connection: socket.socket, machine: Mechanics, stopping: threading.Event) -> None:
        self._connection = connection
        self._machine = machine
        self._stopping = stopping

    def due(self, moment: Moment, slide: int | None = None, plane: Plane = Plane.PICTURE) -> Fault | None:
        """Give the fault that the answer has to tell; a fault that lets no answer come is played here.

        Raises
        ------
        Hangup
            After a fault that ends the session.
        """
        fault = self._machine.faults.take(moment, slide or self._machine.coming_slide(), plane)
        if fault is None or fault.kind in STATUS_OF:
            return fault
        if fault.kind is FaultKind.STALL:
            self.hold()
        elif fault.kind is FaultKind.GARBAGE:
            self._connection.sendall(RUBBISH)
        raise Hangup(fault.kind)

    def hold(self, duration_s: float = math.inf) -> None:
        """Keep the client waiting.

        Raises
        ------
        Hangup
            If it leaves, or the scanner stops.
        """
        watch = select.poll()
        watch.register(self._connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            # A client that is killed while the scanner is busy must not keep it from the next one.
            if self._stopping.is_set() or watch.poll(min(LOOK_S, left_s) * 1000):
                raise Hangup("the client left, or the scanner stops")
