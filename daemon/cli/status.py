"""Prints the state of a station for a person: a summary, alarms, files that wait, sessions and the last frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from filmscand.daemon.maintenance.status import FrameStatus, SessionStatus, StationStatus


def show_status(status: StationStatus) -> None:
    """Print the state of the station."""
    console = Console()
    for line in _lines(status):
        console.print(line, soft_wrap=True)
    if status.sessions:
        console.print(_sessions(status.sessions))
    if status.waiting:
        console.print(_waiting(status))
    if status.last_frames:
        console.print(_last_frames(status.last_frames))


def _lines(status: StationStatus) -> Iterator[str]:
    service = status.service
    since = f", process {service.pid}, since {_clock(service.started_at)}" if service.running else ""
    yield f"service      [bold]{'running' if service.running else 'not running'}[/]{since}"
    yield "frames       " + (_counts(status.states) or "none yet")
    if outcomes := _counts(status.outcomes):
        yield f"finished     {outcomes}"
    yield f"arriving     {status.arriving} files"
    if status.failed_files:
        yield f"rejected     {status.failed_files} files in _failed, each with the reason beside it"
    for frame in status.in_work:
        yield f"cleaning     {escape(frame)}"
    if status.free_bytes is not None:
        yield f"free space   {status.free_frames} frames ({status.free_bytes / 1e9:.1f} GB)"
    if status.left_s:
        yield f"time left    {status.left_s / 60:.0f} min"
    for alarm in status.alarms:
        yield f"[bold red]alarm[/]        {escape(alarm.message)}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _waiting(status: StationStatus) -> Table:
    table = Table("waiting file", "state", "reason", box=None)
    for file in status.waiting:
        table.add_row(escape(f"{file.watch}/{file.path}"), file.state, escape(file.reason or ""))
    return table


def _sessions(sessions: tuple[SessionStatus, ...]) -> Table:
    table = Table("session", box=None)
    table.add_column("roll", no_wrap=True)
    for title in ("scanner", "state", "slides", "remarks"):
        table.add_column(title)
    for session in sessions:
        slides = f"{session.captured}" + ("" if session.frames is None else f" of {session.frames}")
        lost = [f"{session.lost} lost"] if session.lost else []
        remarks = "; ".join([*lost, *filter(None, (session.message, session.advice))])
        state = session.state + (f": {session.reason}" if session.reason else "")
        table.add_row(
            str(session.session), escape(session.roll), escape(session.device), state, slides, escape(remarks)
        )
    return table


def _last_frames(frames: tuple[FrameStatus, ...]) -> Table:
    table = Table(box=None)
    table.add_column("frame", no_wrap=True)
    for title in ("outcome", "leakage", "threshold", "defects", "s", "remarks"):
        table.add_column(title)
    for frame in frames:
        numbers = (_number(frame.leakage, 3), _number(frame.threshold, 3), _number(frame.defects, 0))
        table.add_row(
            escape(frame.frame), frame.outcome, *numbers, _number(frame.seconds, 2), escape(frame.error or "")
        )
    return table


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _clock(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
