"""The control connection of one client, and the faults that cut it, hold it or send random bytes over it."""

from __future__ import annotations

import math
import random
import select
import socket
import threading
import time

from filmscand.drivers.virtual.device import Mechanics
from filmscand.drivers.virtual.faults import STATUS_OF, Fault, FaultKind, Moment, Plane

# How often a waiting connection checks whether the client has left or the scanner stops, in seconds.
LOOK_S = 0.05
# Random bytes for the fault "garbage"; the same in each run.
GARBAGE = random.Random(6566).randbytes(256)


class Hangup(Exception):
    """The session ends: the client has left, or a fault cuts the connection."""


class ControlLine:
    """The control connection of one client, as far as faults and waiting times affect it.

    Parameters
    ----------
    connection : socket
        Connection to the client.
    machine : Mechanics
        The scanner.
    stopping : Event
        Set when the scanner stops.
    """

    def __init__(self, connection: socket.socket, machine: Mechanics, stopping: threading.Event) -> None:
        self._connection = connection
        self._machine = machine
        self._stopping = stopping

    def take_fault(self, moment: Moment, slide: int | None = None, plane: Plane = Plane.PICTURE) -> Fault | None:
        """Return the fault whose status the answer must report, or simulate a fault that prevents an answer.

        Parameters
        ----------
        moment : Moment
            The call to answer.
        slide : int or None
            Number of the slide, from 1; None for the slide that is scanned next.
        plane : Plane
            The pass.

        Returns
        -------
        Fault or None
            None if the answer is as usual.

        Raises
        ------
        Hangup
            After a fault that ends the session.
        """
        fault = self._machine.faults.take(moment, slide or self._machine.next_slide(), plane)
        if fault is None or fault.kind in STATUS_OF:
            return fault
        if fault.kind is FaultKind.STALL:
            self.wait()
        elif fault.kind is FaultKind.GARBAGE:
            self._connection.sendall(GARBAGE)
        raise Hangup(fault.kind)

    def wait(self, duration_s: float = math.inf) -> None:
        """Let the client wait for an answer.

        Raises
        ------
        Hangup
            If the client leaves or the scanner stops.
        """
        watch = select.poll()
        watch.register(self._connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        end_s = time.monotonic() + duration_s
        while (left_s := end_s - time.monotonic()) > 0:
            # A client that is killed while the scanner is busy must not block the next client.
            if self._stopping.is_set() or watch.poll(min(LOOK_S, left_s) * 1000):
                raise Hangup("the client has left, or the scanner stops")
