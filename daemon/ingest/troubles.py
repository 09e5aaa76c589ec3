"""Files of a watch folder that cannot be taken or put away: told in one alarm for the folder, until it works."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from filmscand.daemon.core.errors import DaemonError, Fault, SourceChangedError, whose
from filmscand.daemon.database.alarms import Alarms
from filmscand.daemon.database.connection import reopen_database
from filmscand.daemon.ingest.plan import IngestPlan
from filmscand.daemon.station.rights import way_out

log = logging.getLogger(__name__)


def shown(path: str) -> str:
    """Return a file name as text that can be stored and shown: bytes that are no UTF-8 become `\\xe9`."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def is_text(path: str) -> bool:
    """Return whether a file name is UTF-8, so that it can be stored as it is."""
    return shown(path) == path


def restart_alarm(plan: IngestPlan) -> str:
    """Return the key of the alarm that the ingest of a watch folder ended and begins again."""
    return f"ingest:{plan.watch.path}"


def tell_of_restart(plan: IngestPlan, error: Exception) -> None:
    """Raise the alarm that the ingest of a watch folder ended unexpectedly, if the database can hold it."""
    with contextlib.suppress(sqlite3.Error, DaemonError), closing(reopen_database(plan.database)) as connection:
        told = shown(f"{plan.watch.path}: nothing is taken: unexpected {type(error).__name__}: {error}")
        Alarms(connection).raise_alarm(restart_alarm(plan), told)


@dataclass(frozen=True, slots=True)
class WatchedRights:
    """What the service needs of the files of a watch folder: to read them, or to write in their folders."""

    root: Path
    write: bool = False

    def way_out(self, path: str) -> str:
        """Return what has to be typed for one file; empty if it is open."""
        below = PurePosixPath(path)
        return way_out(self.root, below.parent if self.write else below, write=self.write)


class Troubles:
    """One alarm about all files of a watch folder that have the same kind of trouble.

    Parameters
    ----------
    alarms : Alarms
        The station's alarms.
    key : str
        Key of the alarm.
    many : callable
        Returns the first words of the alarm for a number of files; the message of the first file follows, and then
        what opens the files of other owners and folders.
    watched : WatchedRights, optional
        What the files and folders have to allow; default: nothing is said about their rights.
    """

    def __init__(
        self, alarms: Alarms, key: str, many: Callable[[int], str], watched: WatchedRights | None = None
    ) -> None:
        self._alarms = alarms
        self._key = key
        self._many = many
        self._watched = watched
        self._messages: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._messages)

    def __contains__(self, path: object) -> bool:
        return path in self._messages

    def safely(self, path: str, action: Callable[[], object]) -> bool:
        """Do something for one file; an error concerns this file only. Return whether there was none.

        Raises
        ------
        sqlite3.Error
            The database does not work.
        """
        try:
            action()
        except sqlite3.Error as error:
            if whose(error) is not Fault.FRAME:
                raise
            self.note(path, f"{path}: {type(error).__name__}: {error}")
        except SourceChangedError:
            # It is being replaced: the next sweep sees what became of it.
            return False
        except DaemonError as error:
            self.note(path, str(error))
        except Exception as error:
            if path not in self:
                log.exception("%s: unexpected error", shown(path))
            self.note(path, f"{path}: unexpected {type(error).__name__}: {error}")
        else:
            self.end(path)
            return True
        return False

    def note(self, path: str, message: str) -> None:
        """Note a file's trouble and raise the alarm; the log hears of it once."""
        way = self._way_out(path)
        message = shown(message if way in message else f"{message}. {way}")
        if self._messages.get(path) != message:
            log.error("%s; tried again until it works", message)
        self._messages[path] = message
        self._alarms.raise_alarm(self._key, self._summary())

    def _summary(self) -> str:
        first, *others = self._messages.values()
        if not others:
            return first
        ways = dict.fromkeys(shown(self._way_out(path)) for path in self._messages)
        more = [way for way in ways if way and way not in first]
        return "; ".join([self._many(len(self._messages)), f"the first: {first}", *more])

    def _way_out(self, path: str) -> str:
        return "" if self._watched is None else self._watched.way_out(path)

    def end(self, path: str) -> None:
        """Note that a file has no trouble any more; the alarm ends with the last one."""
        if self._messages.pop(path, None) is not None and not self._messages:
            self._alarms.clear(self._key)

    def keep(self, paths: set[str]) -> None:
        """Forget the files that are not among these; an alarm of an earlier run ends too if none is left."""
        self._messages = {path: message for path, message in self._messages.items() if path in paths}
        if not self._messages:
            self._alarms.clear(self._key)
