"""What `filmscand scan` and `filmscand session` show: progress, questions and results."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import complain, say
from filmscand.daemon.cli.stations import print_answer
from filmscand.daemon.database.session_records import SessionState
from filmscand.daemon.station.configuration import Station

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.progress import Progress

    from filmscand.daemon.maintenance.desk.desk import Desk
    from filmscand.daemon.maintenance.sessions.follow import Answer
    from filmscand.daemon.maintenance.sessions.report import ScanReport
    from filmscand.drivers.scanner.device_info import DeviceInfo

_FRAMES: Final = (
    Column("frame", Kind.NAME),
    Column("outcome"),
    *(Column(title, Kind.NUMBER) for title in ("leakage", "threshold", "defects")),
    Column("remarks", Kind.TEXT),
)
_DEVICES: Final = (
    Column("device", Kind.NAME),
    Column("scanner", Kind.NAME),
    Column("infrared"),
    Column("recipe"),
    Column("remarks", Kind.TEXT),
)


def follow(station: Station, config: Path | None, desk: Desk, session_id: int, *, as_json: bool) -> ScanReport:
    """Wait for a session and its cleaning; on a terminal, show progress and ask what to do about problems."""
    from filmscand.daemon.maintenance.sessions.follow import Follower, is_terminal

    with _progress() as bars:
        ask = bars.ask if is_terminal() and not as_json else None
        return Follower(station, config, desk, session_id, ask).follow(bars.show)


@contextmanager
def _progress() -> Iterator[Bars]:
    from filmscand.daemon.cli.screen.bars import progress_bars

    with progress_bars(keep=True) as progress:
        yield Bars(progress)


class Bars:
    """Two progress bars: slides scanned and slides cleaned."""

    def __init__(self, progress: Progress) -> None:
        from filmscand.daemon.cli.screen.bars import add_bar

        self._progress = progress
        self._scanned = add_bar(progress, "scanned")
        self._cleaned = add_bar(progress, "cleaned")

    def show(self, report: ScanReport) -> None:
        """Show the progress of a session."""
        session = report.session
        over = session.state is SessionState.FINISHED
        taken = len(report.frames) if over else sum(frame.taken != "reserved" for frame in report.frames)
        total = taken if over else session.plan.frames
        of = "" if total is None else f" of {total}"
        state = f"{session.state}{f': {session.reason}' if session.reason else ''} {session.message}".strip()
        self._scanned.show(taken + session.fraction, f"{taken}{of}", total=total, state=state)
        self._cleaned.show(report.cleaned, f"{report.cleaned}{of}", total=total)

    def ask(self, report: ScanReport) -> Answer:
        """Ask the person at the terminal what shall become of a halted session; return the answer."""
        session = report.session
        self._progress.stop()
        complain(f"{session.state}: {session.message}")
        from filmscand.daemon.maintenance.sessions.follow import Answer

        skips = f"s and Enter leaves out slide {report.frames[-1].position}, " if report.waits_at_slide else ""
        complain(f"{session.advice} Enter goes on, {skips}Ctrl-D ends the session.".strip())
        answer = _answer(may_skip=report.waits_at_slide)
        if answer is not Answer.END:
            self._progress.start()
        return answer


def _answer(*, may_skip: bool) -> Answer:
    """Read what the person types, until it is one of the answers."""
    from filmscand.daemon.maintenance.sessions.follow import Answer

    known = {"": Answer.GO_ON, **({"s": Answer.SKIP} if may_skip else {})}
    while True:
        try:
            typed = input().strip().lower()
        except EOFError:
            return Answer.END
        if typed in known:
            return known[typed]
        complain(f"expected {'Enter, s and Enter' if may_skip else 'Enter'} or Ctrl-D, found {typed!r}")


def show_report(station: Station, report: ScanReport, *, as_json: bool) -> None:
    """Print the report of a session."""
    if as_json:
        print_answer(station, report.summary())
        return
    rows = []
    for frame in report.frames:
        numbers = (_number(frame.leakage, 3), _number(frame.threshold, 3), _number(frame.defects, 0))
        remarks = ", ".join((*frame.flags, *frame.warnings, *([frame.error] if frame.error else [])))
        rows.append((frame.frame, frame.outcome or frame.taken, *numbers, remarks))
    show_table(_FRAMES, rows)
    session = report.session
    say(f"session {session.session_id}: {session.reason or session.state}, {report.captured} slides captured")
    for text in filter(None, (session.message, session.advice)):
        complain(text)


def parse_positions(text: str) -> tuple[int, ...]:
    """Return the positions that a text such as "1,3-6" names, ascending.

    Raises
    ------
    ValueError
        The text names no positions.
    """
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        # No strip or holder has a thousand frames.
        if not all(end.isdecimal() for end in ends) or not 1 <= int(ends[0]) <= int(ends[1]) < 1000:
            raise ValueError(f"expected positions such as 1,3-6, found {text!r}")
        found.update(range(int(ends[0]), int(ends[1]) + 1))
    return tuple(sorted(found))


def show_devices(station: Station, devices: Sequence[DeviceInfo], *, as_json: bool) -> None:
    """Print the scanners that were found."""
    if as_json:
        print_answer(station, {"devices": devices})
        return
    words = {True: "yes", False: "no", None: "unknown"}
    rows = []
    for device in devices:
        remarks = device.problem or ("" if device.recipe else "no recipe drives it")
        scanner = f"{device.vendor} {device.model}"
        rows.append((device.device, scanner, words[device.infrared], device.recipe or "-", remarks))
    show_table(_DEVICES, rows)
    if not devices:
        say("no scanner was found; run `filmscand doctor` for possible reasons")


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
