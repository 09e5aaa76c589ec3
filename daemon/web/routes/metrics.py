"""/metrics: the station in numbers, in the text format of Prometheus.

The numbers are those of the status, read anew for each scrape, so that counting in this process has nothing to add.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse

from filmscand.daemon.database.keeping.audits import AuditSummary
from filmscand.daemon.maintenance.status import StationStatus
from filmscand.daemon.web.routes.health import health_of
from filmscand.daemon.web.site import site_of

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter()
# Name, explanation, and field of `TargetStatus`. A target that works has no time since when it fails.
_REPLICAS: Final = (
    ("rolls_verified", "Sealed rolls whose copy at the target is right", "verified"),
    ("rolls_waiting", "Sealed rolls that wait for their copy, or are being copied", "waiting"),
    ("rolls_blocked", "Sealed rolls whose copy needs a person", "blocked"),
    ("verified_timestamp_seconds", "When a copy was found right last", "last_verified_at"),
    ("failing_since_timestamp_seconds", "Since when the target has failed", "failing_since"),
)


@router.get("/metrics", response_class=PlainTextResponse, tags=["health"])
def metrics(request: Request) -> PlainTextResponse:
    """Return the station in numbers, for Prometheus."""
    site = site_of(request)
    text = metrics_text(site.board.fresh().status, healthy=health_of(site).healthy)
    return PlainTextResponse(text, media_type=MEDIA_TYPE)


def metrics_text(status: StationStatus, *, healthy: bool) -> str:
    """Return the text of a scrape; a number that is not known is left out."""
    return "".join(_lines(status, healthy))


def _lines(status: StationStatus, healthy: bool) -> Iterator[str]:
    yield from _gauge("filmscand_healthy", "1 if the service can make progress", {"": float(healthy)})
    yield from _gauge("filmscand_frames", "Frames by state", status.states, "state")
    yield from _gauge("filmscand_frames_finished", "Finished frames by outcome", status.outcomes, "outcome")
    yield from _gauge(
        "filmscand_queue_length",
        "Frames that wait for cleaning or are being cleaned",
        {"": status.states["queued"] + status.states["processing"]},
    )
    yield from _gauge("filmscand_queue_left_seconds", "Time until the queue is empty", {"": status.left_s})
    seconds = [frame.seconds for frame in status.last_frames if frame.seconds is not None]
    yield from _gauge(
        "filmscand_frame_seconds_median",
        "Median time for one of the last 20 frames",
        {"": statistics.median(seconds) if seconds else None},
    )
    yield from _gauge("filmscand_archive_free_bytes", "Free space for the archive", {"": status.free_bytes})
    yield from _gauge("filmscand_archive_free_frames", "Frames that fit into it", {"": status.free_frames})
    alarms = Counter(alarm.key for alarm in status.alarms)
    yield from _gauge("filmscand_alarms", "Alarms that are not cleared", {"": len(status.alarms)})
    yield from _gauge("filmscand_alarm", "1 for each alarm that is not cleared", dict.fromkeys(alarms, 1), "key")
    sessions = Counter(session.state for session in status.sessions if session.state != "finished")
    yield from _gauge("filmscand_sessions", "Unfinished scan sessions", {"": sum(sessions.values())})
    yield from _gauge("filmscand_sessions_by_state", "Unfinished scan sessions by state", sessions, "state")
    yield from _gauge("filmscand_files_arriving", "Files that are not in the archive yet", {"": status.arriving})
    yield from _gauge("filmscand_files_waiting", "Files that wait for another or a person", {"": len(status.waiting)})
    yield from _gauge("filmscand_files_rejected", "Files in the folders _failed", {"": status.failed_files})
    for name, help_text, field in _REPLICAS:
        values = {one.target: getattr(one, field) for one in status.replication}
        yield from _gauge(f"filmscand_replica_{name}", help_text, values, "target")
    if status.audit is not None:
        yield from _audit_lines(status.audit)


def _audit_lines(audit: AuditSummary) -> Iterator[str]:
    yield from _gauge(
        "filmscand_audit_last_timestamp_seconds", "When a part of the archive was read back last", {"": audit.last_at}
    )
    yield from _gauge(
        "filmscand_audit_oldest_timestamp_seconds",
        "When the part was read back that was read longest ago",
        {"": audit.oldest_at},
    )
    yield from _gauge(
        "filmscand_audit_share", "Part of the archive that was read within the period, 0 to 1", {"": audit.share}
    )
    yield from _gauge("filmscand_damaged_files", "Files not as recorded", {"": audit.damaged_files})
    yield from _gauge("filmscand_frozen_rolls", "Rolls that take nothing for that", {"": len(audit.frozen_rolls)})


def _gauge(name: str, help_text: str, values: Mapping[str, float | None], label: str = "") -> Iterator[str]:
    known = {key: value for key, value in values.items() if value is not None}
    if not known:
        return
    yield f"# HELP {name} {help_text}\n# TYPE {name} gauge\n"
    for key, value in known.items():
        yield f'{name}{{{label}="{_escaped(key)}"}} {_number(value)}\n' if label else f"{name} {_number(value)}\n"


def _number(value: float) -> str:
    # %g would round bytes to six digits.
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
