"""Prints the state of a station for a person: a summary, alarms, files that wait, sessions and the last frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from filmscand.daemon.cli.screen.table import Column, Kind, show_table
from filmscand.daemon.cli.screen.terminal import say, say_labelled

if TYPE_CHECKING:
    from filmscand.daemon.database.keeping.audits import AuditSummary
    from filmscand.daemon.database.keeping.replicas import TargetStatus
    from filmscand.daemon.maintenance.status import FrameStatus, SessionStatus, StationStatus

_WAITING: Final = (Column("waiting file", Kind.NAME), Column("state"), Column("reason", Kind.TEXT))
_SESSIONS: Final = (
    Column("session", Kind.NUMBER),
    Column("roll", Kind.NAME),
    Column("scanner", Kind.NAME),
    Column("state"),
    Column("slides"),
    Column("remarks", Kind.TEXT),
)
_LAST_FRAMES: Final = (
    Column("frame", Kind.NAME),
    Column("outcome"),
    *(Column(title, Kind.NUMBER) for title in ("leakage", "threshold", "defects", "s")),
    Column("remarks", Kind.TEXT),
)


def show_status(status: StationStatus) -> None:
    """Print the state of the station."""
    for label, text in _lines(status):
        say_labelled(label, text, "red" if label == "alarm" else None)
    waiting = [(f"{file.watch}/{file.path}", file.state, file.reason or "") for file in status.waiting]
    sessions = [_session(session) for session in status.sessions]
    frames = [_frame(frame) for frame in status.last_frames]
    for columns, rows in ((_SESSIONS, sessions), (_WAITING, waiting), (_LAST_FRAMES, frames)):
        if rows:
            say()
            show_table(columns, rows)


def _lines(status: StationStatus) -> Iterator[tuple[str, str]]:
    service = status.service
    since = f", process {service.pid}, since {_clock(service.started_at)}" if service.running else ""
    yield "service", f"{'running' if service.running else 'not running'}{since}"
    yield "frames", _counts(status.states) or "none yet"
    if outcomes := _counts(status.outcomes):
        yield "finished", outcomes
    yield "arriving", f"{status.arriving} files"
    for path in status.arriving_files:
        yield "", path
    if status.failed_files:
        yield "rejected", f"{status.failed_files} files in _failed, each with the reason beside it"
    for frame in status.in_work:
        yield "cleaning", frame
    if status.free_bytes is not None:
        yield "free space", f"{status.free_frames} frames ({status.free_bytes / 1e9:.1f} GB)"
    if status.left_s:
        yield "time left", f"{status.left_s / 60:.0f} min"
    if status.audit is not None and status.audit.parts:
        yield "last audit", _audit(status.audit)
    for target in status.replication:
        yield from _copies(target)
    for alarm in status.alarms:
        yield "alarm", alarm.message


def _audit(audit: AuditSummary) -> str:
    damaged = f"{audit.damaged_files} damaged in {', '.join(audit.frozen_rolls)}" if audit.frozen_rolls else "no damage"
    share = f"{math.floor(100 * (audit.share or 0.0))} % of the archive read in time"
    return f"{_clock(audit.last_at)}, {share}, {damaged}"


def _copies(target: TargetStatus) -> Iterator[tuple[str, str]]:
    rolls = f"{target.verified} of {target.verified + target.waiting} sealed rolls verified"
    person = f", {target.blocked} need a person" if target.blocked else ""
    yield "copies", f"{target.target}: {rolls}{person} ({target.place})"
    if (one := target.copying) is not None:
        size = f"{one.bytes_done / 1e9:.2f} of {one.bytes / 1e9:.2f} GB"
        yield "", f"copying {one.roll}: {one.files_done} of {one.files} files, {size}"
    if target.failing_since is not None:
        yield "", f"failing since {_clock(target.failing_since)}, next try {_clock(target.next_try_at)}: {target.error}"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _session(session: SessionStatus) -> tuple[str, ...]:
    slides = f"{session.captured}" + ("" if session.frames is None else f" of {session.frames}")
    lost = [f"{session.lost} lost"] if session.lost else []
    remarks = "; ".join([*lost, *filter(None, (session.message, session.advice))])
    state = session.state + (f": {session.reason}" if session.reason else "")
    return str(session.session), session.roll, session.device, state, slides, remarks


def _frame(frame: FrameStatus) -> tuple[str, ...]:
    numbers = (_number(frame.leakage, 3), _number(frame.threshold, 3), _number(frame.defects, 0))
    return frame.frame, frame.outcome, *numbers, _number(frame.seconds, 2), frame.error or ""


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _clock(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
