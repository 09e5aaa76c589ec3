"""What the service's threads for targets have in common: a connection of their own, patience, and an end."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from filmscand.daemon.core.errors import Fault, whose
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.database.trouble import DatabaseReplacedError

log = logging.getLogger(__name__)


def keep_working(
    database: Path, work: Callable[[sqlite3.Connection], None], stop: threading.Event, pause_s: float, what: str
) -> None:
    """Do the work of a thread until it returns; after an error it begins anew, with another connection.

    Parameters
    ----------
    database : Path
        The station's database.
    work : callable
        Is given a connection; returns when it was told to stop.
    stop : Event
        Set when the service stops: after an error nothing is tried again.
    pause_s : float
        Seconds between an error and the next try.
    what : str
        What waits meanwhile, for the log: "notifications".
    """
    while True:
        try:
            with closing(reopen_database(database)) as connection:
                work(connection)
            return
        except DatabaseReplacedError:
            # The supervisor ends the service; nothing may be noted in another database.
            return
        except sqlite3.Error as error:
            log.warning("the database does not answer: %s", error)
        except Exception as error:
            if whose(error) is Fault.FRAME:
                log.exception("unexpected error of the %s", what)
            else:
                log.warning("%s wait: %s", what, message_of(error))
        if stop.wait(pause_s):
            return


def join_all(threads: Iterable[threading.Thread], at_most_s: float) -> bool:
    """Wait at most `at_most_s` seconds for threads to end, those that were started; return False if one has not."""
    deadline_s = time.monotonic() + at_most_s
    listed = list(threads)
    for thread in listed:
        if thread.ident is not None:
            thread.join(max(0.0, deadline_s - time.monotonic()))
    return not any(thread.is_alive() for thread in listed)
