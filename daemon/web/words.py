"""The codes of frames, files, sessions and alarms in words: what happened, and what a person should do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason code, its meaning, what to do about it (empty: nothing), and the number that it is based on, if any."""

    code: str
    meaning: str
    advice: str = ""
    number: str = ""


_LOOK = "Look at the result."
_REASONS: Final = (
    Reason("no_infrared", "There is no infrared: dust was looked for in the colours.", "Scan with infrared."),
    Reason("no_film", "Hardly any of the frame is film.", "Look at the scan."),
    Reason("infrared_constant", "The infrared is the same everywhere.", "Check the scanner's infrared."),
    Reason("frame_dark", "The picture is black.", "Look at the scan."),
    Reason("frame_too_small", "The picture has fewer than 16 rows or columns.", "Look at the scan."),
    Reason("frame_unexposed", "Nothing was exposed on this frame."),
    Reason("silver_film", "The infrared shows the picture, as on silver film: dust was looked for in the colours."),
    Reason("infrared_unusable", "The infrared is a copy of the picture.", "Check the scanner's infrared."),
    Reason(
        "infrared_foreign",
        "The infrared is of another film, or does not fit the picture in any way that was tried.",
        "Look for the right file, and clean the frame again.",
    ),
    Reason("strong_leakage", "Much of the picture shows in the infrared (Kodachrome): less certain.", _LOOK),
    Reason("infrared_clipped", "Clear film is clipped in the infrared: dust may be missed.", "Expose infrared less."),
    Reason("infrared_turned", "The infrared lay mirrored or turned, and was put right.", "Check the scanning program."),
    Reason("infrared_moved", "The infrared lay far off, and was moved back.", "Look at the edges of the frame."),
    Reason("infrared_inverted", "Dust was bright in the infrared, which was inverted.", "Check the scanning program."),
    Reason("picture_inverted", "The picture is a positive made from a negative; it was cleaned as the negative."),
    Reason("registration_unsure", "Where the infrared lies on the picture could not be measured well.", _LOOK),
    Reason("many_defects", "Over 8 % of the film was changed.", "Look at the result, and clean the film."),
    Reason("coverage_unusual", "Far more or far less was changed than on the other frames of the roll.", _LOOK),
    Reason("many_left", "Most of what looks like dust was left alone, because healing promised no gain.", _LOOK),
    Reason("detector_unsure", "Of many regions it is hardly sure whether they are dust.", _LOOK),
    Reason(
        "picture_clipped",
        "More is clipped than on the other frames of the roll: highlights are lost.",
        "Scan again with less exposure.",
    ),
    Reason("out_of_focus", "The grain is softer than on the other frames of the roll.", "Scan it again."),
    Reason("pair_timeout", "The infrared file did not come in time.", "Bring the infrared file; it is used then."),
    Reason("zeros_in_file", "The file had zeros where a part may be missing.", "Look at the scan."),
    Reason("time_in_future", "The file's time lies in the future.", "Set the clock of the computer that wrote it."),
    Reason("late_infrared", "The infrared came later; this revision uses it."),
    Reason("archived_again", "The picture was archived before, but its files were gone.", "See filmscand archive."),
    Reason("blank_clear", "There seems to be no film in the gate.", "Look at the scan."),
    Reason("blank_black", "The frame is only black.", "Look at the scan."),
    Reason("same_slide", "The same picture as the slide before: the feeder may not have moved.", "Look at both."),
    Reason("repeated_lines", "Many lines are equal: the carriage may have stopped.", "Scan it again."),
    Reason("holder_in_picture", "A mount covers much of the frame.", "See whether the slide sits askew."),
    Reason("after_interruption", "The first frame after an interruption.", "See whether a slide is missing before it."),
)
_BY_CODE: Final[Mapping[str, Reason]] = {reason.code: reason for reason in _REASONS}

FRAME_WORDS: Final[Mapping[str, str]] = {
    "reserved": "being captured",
    "queued": "waits for cleaning",
    "processing": "being cleaned",
    "archived": "done",
    "flagged": "look at it",
    "accepted": "accepted",
    "keep_raw": "keep the raw picture",
    "scan_again": "to be scanned again",
    "failed": "failed; the scan is safe",
    "set_aside": "set aside; the scan is safe",
    "dropped": "given up",
}
SESSION_WORDS: Final[Mapping[str, str]] = {
    "idle": "waits for its scanner",
    "warming": "the scanner warms up",
    "scanning": "scanning",
    "paused": "paused",
    "attention": "needs a person",
    "finished": "finished",
    "complete": "all slides scanned",
    "magazine_empty": "the magazine is empty",
    "cancelled": "cancelled",
    "failed": "failed",
}
# What becomes of a session that was told something; {} is its number.
SESSION_TOLD: Final[Mapping[str, str]] = {
    "pause": "Session {} pauses after the current slide.",
    "resume": "Session {} goes on.",
    "cancel": "Session {} ends after the current slide. What was scanned is kept.",
    "skip": "Session {} goes on without this slide, which is recorded as lost.",
}
FILM_WORDS: Final[Mapping[str, str]] = {
    "unknown": "not known",
    "slide": "slides",
    "negative": "colour negative",
    "kodachrome": "Kodachrome",
    "silver_negative": "black and white negative (silver)",
}
FILE_WORDS: Final[Mapping[str, str]] = {
    "seen": "just seen",
    "settling": "still being written, or incomplete",
    "complete": "complete",
    "wait_pair": "waits for its infrared or its picture",
    "claimed": "being copied into the archive",
    "ambiguous": "needs a person: it can be read in two ways",
    "quarantined": "cannot be taken",
}
COPY_WORDS: Final[Mapping[str, str]] = {
    "waiting": "waits to be copied",
    "copying": "is being copied",
    "verified": "copied, read back and right",
}
METHOD_WORDS: Final[Mapping[str, str]] = {
    "infrared": "by the infrared",
    "fusion": "by infrared and colours together",
    "detector": "by the colours alone",
    "none": "nothing was looked for",
}
_ALARM_WORDS: Final[Mapping[str, str]] = {
    "archive": "Archive",
    "database": "Database",
    "watch": "Watched folder",
    "unread": "Files that cannot be read",
    "file": "Files that cannot be taken",
    "put_away": "Files that cannot be moved away",
    "events": "Slow watching",
    "time": "A clock is wrong",
    "ingest": "Taking files",
    "worker": "Cleaning",
    "worker_start": "Cleaning",
    "model": "Model file",
    "session": "Scan session",
    "space": "Little room",
    "fixity": "Damaged roll",
    "notify": "Notifications",
    "replica": "Copies",
    "replica_roll": "Copies",
    "replica_damage": "A damaged copy",
    "seal_again": "A roll that was cleaned again",
    "page": "This page",
}


def reason(code: str) -> Reason:
    """Return a code in words; a code of another version stays as it is."""
    return _BY_CODE.get(code) or Reason(code, code.replace("_", " ").capitalize() + ".")


def reasons(codes: Iterable[str]) -> tuple[Reason, ...]:
    """Return codes in words, each once."""
    return tuple(reason(code) for code in dict.fromkeys(codes))


def needs_a_look(codes: Iterable[str]) -> bool:
    """Return whether a person should look at a frame with these codes."""
    return any(reason(code).advice for code in codes)


def alarm_title(key: str) -> str:
    """Return the part of the station that an alarm is about, in words."""
    return _ALARM_WORDS.get(key.split(":")[0], key)


def codes_to_review() -> tuple[str, ...]:
    """Return the codes of frames that a person should look at, the most urgent kind of advice first."""
    # What has to be scanned anew cannot be put right later; what only wants a look can.
    return tuple(one.code for one in sorted(_REASONS, key=lambda one: one.advice == _LOOK) if one.advice)


def frame_look(state: str, outcome: str | None, codes: Iterable[str], verdict: str | None = None) -> str:
    """Return how a frame is shown, a key of `FRAME_WORDS`: by its verdict, else its outcome, and whether it is flagged.

    A frame that has no outcome yet is shown by its state.
    """
    if verdict is not None:
        return verdict
    if outcome == "archived" and needs_a_look(codes):
        return "flagged"
    return outcome or state


def span(seconds: float | None) -> str:
    """Return a time span for a person: "40 s", "12 min", "3 h 5 min"."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"{max(0.0, seconds):.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} days"
