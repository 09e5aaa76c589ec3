"""The list of a roll's frames, `metadata/frames.csv`: for a spreadsheet, or for a program that reads no JSON.

UTF-8, separated by commas, one frame a line. The columns frame, caption, date, mount, turn and mirrored are those of a
list of captions (`review.caption_list`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Final

from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.core.decision import verdict_of
from filmscand.daemon.core.description.record import NOTHING
from filmscand.daemon.core.request import Role

_FILES: Final = (Role.RAW, Role.INFRARED, Role.CLEAN, Role.MASK, Role.ACCESS)
_WHAT: Final = ("", "_bytes", "_sha512")
COLUMNS: Final = (
    "frame",
    "number",
    "caption",
    "date",
    "mount",
    "turn",
    "mirrored",
    "film",
    "captured_at",
    "scanner",
    "resolution_dpi",
    "rows",
    "cols",
    "revision",
    "revisions",
    "cleaned_at",
    "method",
    "sensitivity",
    "defects",
    "verdict",
    "flags",
    "warnings",
    *(f"{role}{what}" for role in _FILES for what in _WHAT),
)


def frame_list(sidecars: Iterable[Sidecar]) -> bytes:
    """Return the content of the list; of each frame, the files of the revision that counts."""
    text = io.StringIO(newline="")
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for sidecar in sidecars:
        rows.writerow({**_described(sidecar), **_captured(sidecar), **_cleaned(sidecar), **_files(sidecar)})
    return text.getvalue().encode()


def _described(sidecar: Sidecar) -> dict[str, object]:
    written = sidecar.description or NOTHING
    return {
        "frame": sidecar.frame_id.stem,
        "number": sidecar.frame.number,
        "caption": written.caption,
        "date": written.date,
        "mount": written.mount_number,
        "turn": written.turn,
        "mirrored": "yes" if written.mirrored else "no",
    }


def _captured(sidecar: Sidecar) -> dict[str, object]:
    capture = sidecar.capture
    return {
        "film": sidecar.film,
        "captured_at": None if capture.captured_at is None else capture.captured_at.isoformat(),
        "scanner": " ".join(name for name in (capture.make, capture.model) if name),
        "resolution_dpi": capture.resolution_dpi,
        "rows": capture.rows,
        "cols": capture.cols,
        "flags": " ".join(sidecar.flags),
    }


def _cleaned(sidecar: Sidecar) -> dict[str, object]:
    current = sidecar.current
    return {
        "revision": current.number,
        "revisions": len(sidecar.revisions),
        "cleaned_at": current.created_at.isoformat(),
        "method": current.report.method,
        "sensitivity": current.options.sensitivity,
        "defects": current.report.defects_found,
        "verdict": verdict_of(sidecar.decisions, current.number),
        "warnings": " ".join(current.warnings),
    }


def _files(sidecar: Sidecar) -> dict[str, object]:
    found = {}
    for file in (*sidecar.originals, *sidecar.current.files):
        found[str(file.role)] = file.name
        found[f"{file.role}_bytes"] = str(file.size_bytes)
        found[f"{file.role}_sha512"] = file.sha512
    return dict(found)
