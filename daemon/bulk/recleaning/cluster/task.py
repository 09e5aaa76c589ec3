"""What a worker of a cluster does: it says who it is, and cleans one frame at a time.

A worker has no database and no configuration: an order brings everything but the archive, which has to be mounted at
the same path as at the station.
"""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from pathlib import Path

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.cleaning.pipeline import clean_into_archive
from filmscand.daemon.core.errors import DaemonError, Fault, whose
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.request import CleanRequest, CleanResult
from filmscand.daemon.station.configuration import Cleaning
from filmscand.daemon.station.marker import Identity
from filmscand.ir.identity import engine_identity

# The kernels of one process may not run twice at once, and the memory of a worker is meant for one frame: a worker of
# several threads cleans one frame after the other.
_ONE_FRAME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Order:
    """One frame to clean.

    Attributes
    ----------
    archive : Path
        Top of the archive.
    identity : Identity
        The ids of the archive's marker.
    engine : str
        Label of the engine that is wanted.
    """

    archive: Path
    identity: Identity
    engine: str
    frame: FrameId
    request: CleanRequest
    cleaning: Cleaning


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a worker says of itself.

    Attributes
    ----------
    host : str
        Name of its machine.
    engine : str
        Label of its engine.
    problem : str or None
        Why it cannot use the archive.
    """

    host: str
    engine: str
    problem: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an order.

    Attributes
    ----------
    result : CleanResult or None
        None: `error` tells what happened, and `fault` whose fault it is.
    """

    result: CleanResult | None
    error: str | None = None
    fault: Fault | None = None


def introduce(archive: Path, identity: Identity) -> Introduction:
    """Say which engine this process has, and whether it finds the archive."""
    problem = None
    try:
        Archive(archive, identity).require_present()
    except (DaemonError, OSError) as error:
        problem = str(error)
    return Introduction(socket.gethostname(), engine_identity().label, problem)


def clean(order: Order) -> Answer:
    """Clean one frame; every error is part of the answer."""
    engine = engine_identity().label
    if engine != order.engine:
        # It was replaced after the introduction.
        found = f"{socket.gethostname()}: expected engine {order.engine}, found {engine}"
        return Answer(None, found, Fault.CONFIGURATION)
    archive = Archive(order.archive, order.identity)
    try:
        with _ONE_FRAME:
            return Answer(clean_into_archive(archive, order.frame, order.request, order.cleaning))
    except Exception as error:
        return Answer(None, f"{type(error).__name__}: {error}", _fault(error, archive))


def _fault(error: Exception, archive: Archive) -> Fault:
    fault = whose(error)
    if fault is Fault.FRAME:
        try:
            archive.require_present()
        except DaemonError:
            # Half a file was read when the share went: that says nothing about the frame.
            return Fault.WORLD
    return fault
