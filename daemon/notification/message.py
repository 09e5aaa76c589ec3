"""One message of a station: what is told, as JSON for programs and as text for people."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from filmscand.daemon.core.visible import visible

# Lines of the text; the JSON holds everything. Many channels shorten a message of more than 2000 characters.
_LINES = 20


class DeliveryError(Exception):
    """A message did not arrive; the text says why, and holds no secret."""


@dataclass(frozen=True, slots=True)
class AlarmNews:
    """One alarm, as a message tells it; `since` is when it was raised, UTC in ISO 8601, None if that is not known."""

    key: str
    message: str
    since: str | None

    @classmethod
    def of(cls, key: str, message: str, raised_at: float) -> AlarmNews:
        """Return the news of an alarm that was raised `raised_at` seconds after the epoch; 0: not known when."""
        return cls(visible(key), visible(message), clock(raised_at))


@dataclass(frozen=True, slots=True)
class SessionNews:
    """A session that is over, as a message tells it; `frames` is the number of slides that were asked for, if any."""

    session: int
    roll: str
    reason: str
    frames: int | None
    captured: int
    lost: int
    message: str


@dataclass(frozen=True, slots=True)
class Message:
    """What one message tells.

    Attributes
    ----------
    station : Path
        Folder of the station.
    raised : tuple of AlarmNews
        Alarms that are new.
    standing : tuple of AlarmNews
        Alarms that were told before and still stand.
    cleared : tuple of AlarmNews
        Alarms that were told before and have ended.
    finished : tuple of SessionNews
        Sessions that are over.
    unreached_since : str or None
        Since when messages to this target failed, UTC in ISO 8601.
    test : bool
        A person asked for it, and nothing is told.
    host : str
        Name of the station's machine.
    """

    station: Path
    raised: tuple[AlarmNews, ...] = ()
    standing: tuple[AlarmNews, ...] = ()
    cleared: tuple[AlarmNews, ...] = ()
    finished: tuple[SessionNews, ...] = ()
    unreached_since: str | None = None
    test: bool = False
    host: str = field(default_factory=socket.gethostname)

    @property
    def title(self) -> str:
        """One line: the machine, and what is told, most urgent first."""
        parts = [
            "test of the notifications" if self.test else "",
            _count(len(self.raised), "new alarm"),
            "" if self.raised else _count(len(self.standing), "alarm", " still raised"),
            _count(len(self.cleared), "alarm", " cleared"),
            f"roll {self.finished[0].roll} is finished" if len(self.finished) == 1 else "",
            f"{len(self.finished)} rolls are finished" if len(self.finished) > 1 else "",
        ]
        return f"{self.host}: {', '.join(filter(None, parts)) or 'notifications arrive again'}"

    @property
    def text(self) -> str:
        """The message for a person, one line for each alarm and session."""
        lines = [
            *(f"New alarm: {alarm.message}" for alarm in self.raised),
            *map(_session_line, self.finished),
            *(f"Still raised: {alarm.message}" for alarm in self.standing),
            *(f"Cleared: {alarm.message}" for alarm in self.cleared),
        ]
        if self.test:
            lines.append("This is a test. Notifications of this station arrive here.")
        if self.unreached_since is not None:
            lines.append(f"Messages to this target failed since {self.unreached_since}.")
        if len(lines) > _LINES:
            lines[_LINES:] = [f"and {len(lines) - _LINES} more: see `filmscand status`"]
        return "\n".join(lines)

    def as_json(self) -> bytes:
        """Return the message as JSON in ASCII; `text` begins with the title, because many programs show it alone."""
        document = {
            "text": f"{self.title}\n{self.text}",
            "title": self.title,
            "station": visible(self.station),
            "host": self.host,
            "test": self.test,
            "raised": [asdict(one) for one in self.raised],
            "standing": [asdict(one) for one in self.standing],
            "cleared": [asdict(one) for one in self.cleared],
            "finished": [asdict(one) for one in self.finished],
            "unreached_since": self.unreached_since,
        }
        return json.dumps(document).encode("ascii")


def clock(at: float) -> str | None:
    """Return a time in seconds since the epoch as UTC in ISO 8601; None for 0, a time that is not known."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds") if at else None


def _count(number: int, noun: str, then: str = "") -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}{then}" if number else ""


def _session_line(session: SessionNews) -> str:
    asked = "" if session.frames is None else f" of {session.frames}"
    lost = f", {session.lost} lost" if session.lost else ""
    remark = f". {session.message}" if session.message else ""
    return f"Finished ({session.reason}): roll {session.roll}, {session.captured}{asked} slides captured{lost}{remark}"
