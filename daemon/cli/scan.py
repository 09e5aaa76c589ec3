"""What `filmscand scan` and `filmscand session` do: queue sessions, follow them, and print progress and results."""

from __future__ import annotations

import sys
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.database.session_records import ScannerProfile, ScanPlan, SessionState, Wish
from filmscand.daemon.station.configuration import Station

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence

    from filmscand.daemon.archive.tree import Archive
    from filmscand.daemon.maintenance.session_report import ScanReport
    from filmscand.drivers.sane.listing import DeviceInfo

# Window of the estimate of the time left, seconds. A slide takes a minute, so the default half minute is too short.
_ESTIMATE_S = 3600.0


class NoScannerError(DaemonError):
    """No scanner was named, and the number of scanners found is not one."""


@dataclass(frozen=True, slots=True)
class ScanArguments:
    """Arguments of `filmscand scan`; None leaves a value to the station or to the scanner."""

    roll: str
    collection: str
    box: str
    first_number: int | None
    frames: int | None
    film: str
    device: str | None
    operator: str | None
    profile: ScannerProfile


def queue_session(station: Station, arguments: ScanArguments) -> int:
    """Queue a session, and return its number.

    Parameters
    ----------
    station : Station
        Station that scans.
    arguments : ScanArguments
        What to scan, and how.

    Raises
    ------
    NoScannerError
        No scanner was named, and the number of scanners with a recipe is not one.
    RollSealedError
        The roll is sealed.
    """
    from filmscand.daemon.core.film_kind import FilmKind
    from filmscand.daemon.database.sessions import Sessions
    from filmscand.daemon.maintenance.identity import bound_archive, open_station

    plan = ScanPlan(
        collection=arguments.collection,
        box=arguments.box,
        roll=arguments.roll,
        frames=arguments.frames,
        film=FilmKind(arguments.film),
        scanner=arguments.profile,
        device=arguments.device or only_scanner(station),
        operator=arguments.operator,
        sensitivity=station.cleaning.sensitivity,
    )
    with closing(open_station(station)) as connection:
        archive = bound_archive(station, connection)
        archive.require_open(plan.frame(plan.first_number))
        number = arguments.first_number or _next_number(connection, archive, plan)
        return Sessions(connection).add(plan.model_copy(update={"first_number": number})).session_id


def _next_number(connection: sqlite3.Connection, archive: Archive, plan: ScanPlan) -> int:
    """Return the number after the highest one of the roll in archive and database."""
    from filmscand.daemon.database.sessions import highest_number

    in_archive = archive.next_number(plan.collection, plan.box, plan.roll)
    return max(in_archive, highest_number(connection, plan.place) + 1)


def only_scanner(station: Station) -> str:
    """Return the only scanner that a recipe drives; see `queue_session`."""
    from filmscand.drivers.sane.devices import list_devices

    found = [device for device in list_devices(station.scanners.hosts, probe=False) if device.recipe is not None]
    if len(found) != 1:
        names = ", ".join(device.device for device in found) or "none"
        raise NoScannerError(f"expected one scanner, found {names}; name one by --device, see `filmscand devices`")
    return found[0].device


def follow(station: Station, config: Path | None, session_id: int, *, as_json: bool) -> ScanReport:
    """Wait for a session and its cleaning; on a terminal, show progress and ask what to do about problems."""
    from filmscand.daemon.maintenance.scan_follow import Follower, is_terminal

    with _progress() as bars:
        ask = bars.ask if is_terminal() and not as_json else None
        return Follower(station, config, session_id, ask).follow(bars.show)


@contextmanager
def _progress() -> Iterator[Bars]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[state]}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, disable=not sys.stderr.isatty(), speed_estimate_period=_ESTIMATE_S
    ) as progress:
        yield Bars(progress)


class Bars:
    """Two progress bars: slides scanned and slides cleaned."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._scanned = self._bar("scanned")
        self._cleaned = self._bar("cleaned")

    def show(self, report: ScanReport) -> None:
        """Show the progress of a session."""
        session = report.session
        over = session.state is SessionState.FINISHED
        taken = len(report.frames) if over else sum(frame.taken != "reserved" for frame in report.frames)
        total = taken if over else session.plan.frames
        of = "" if total is None else f" of {total}"
        state = f"{session.state}{f': {session.reason}' if session.reason else ''} {session.message}"
        self._update(self._scanned, taken + session.fraction, total, f"{taken}{of}", state)
        self._update(self._cleaned, report.cleaned, total, f"{report.cleaned}{of}", "")

    def ask(self, report: ScanReport) -> bool:
        """Ask the person at the terminal whether a halted session shall go on; return the answer."""
        session = report.session
        self._progress.stop()
        console = self._progress.console
        console.print(f"[bold yellow]{session.state}[/] {escape(session.message)}", soft_wrap=True)
        console.print(f"{escape(session.advice)} [bold]Enter[/] goes on, Ctrl-D ends the session.", soft_wrap=True)
        try:
            console.input()
        except EOFError:
            return False
        self._progress.start()
        return True

    def _bar(self, name: str) -> TaskID:
        return self._progress.add_task(name, total=None, count="", state="")

    def _update(self, bar: TaskID, done: float, total: int | None, count: str, state: str) -> None:
        self._progress.update(bar, completed=done, total=total, count=count, state=escape(state.strip()))


def show_report(report: ScanReport, *, as_json: bool) -> None:
    """Print the report of a session."""
    if as_json:
        print_json(report.summary())
        return
    table = Table(box=None)
    table.add_column("frame", no_wrap=True, overflow="ignore")
    for title in ("outcome", "leakage", "threshold", "defects", "remarks"):
        table.add_column(title)
    for frame in report.frames:
        numbers = (_number(frame.leakage, 3), _number(frame.threshold, 3), _number(frame.defects, 0))
        remarks = ", ".join((*frame.flags, *frame.warnings, *([frame.error] if frame.error else [])))
        table.add_row(escape(frame.frame), str(frame.outcome or frame.taken), *numbers, escape(remarks))
    Console().print(table)
    session = report.session
    print(f"session {session.session_id}: {session.reason or session.state}, {report.captured} slides captured")
    for text in filter(None, (session.message, session.advice)):
        print(f"filmscand: {text}", file=sys.stderr)


def tell_session(station: Station, session_id: int, wish: Wish) -> None:
    """Tell a session to pause, resume or cancel.

    Raises
    ------
    SessionError
        There is no session of this number, or it is over.
    """
    from filmscand.daemon.database.connection import reopen_database
    from filmscand.daemon.database.sessions import SessionError, Sessions

    if not station.database.exists():
        raise SessionError(f"there is no session {session_id}")
    with closing(reopen_database(station.database)) as connection:
        Sessions(connection).ask(session_id, wish)


def show_devices(devices: Sequence[DeviceInfo], *, as_json: bool) -> None:
    """Print the scanners that SANE sees."""
    if as_json:
        print_json({"devices": devices})
        return
    table = Table(box=None)
    table.add_column("device", no_wrap=True, overflow="ignore")
    for title in ("scanner", "infrared", "recipe", "remarks"):
        table.add_column(title)
    words = {True: "yes", False: "no", None: "unknown"}
    for device in devices:
        remarks = device.problem or ("" if device.recipe else "no recipe drives it")
        table.add_row(
            escape(device.device),
            escape(f"{device.vendor} {device.model}"),
            words[device.infrared],
            device.recipe or "-",
            escape(remarks),
        )
    if devices:
        Console().print(table)
    else:
        print("SANE sees no scanner; run `filmscand doctor` for possible reasons")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
