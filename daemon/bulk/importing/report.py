"""What became of every file of an import, for a person, a spreadsheet and programs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.visible import visible


class Fate(StrEnum):
    """What became of one file.

    IMPORTED: it is in the archive now, and its frame is queued. DUPLICATE: the archive had it. REJECTED: a person has
    to look. WAITING: nothing is wrong with it, and the next import takes it. IGNORED: passed over for its name, such as
    hidden files and the private folders of other programs.
    """

    IMPORTED = "imported"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    WAITING = "waiting"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class FileFate:
    """What became of one file.

    Attributes
    ----------
    path : str
        The file, below the imported folder.
    frame : str or None
        The frame that it became, or that had it.
    roll : str or None
        Name of its roll as the folder gives it, before anything was imported (`--dry-run`).
    reason : str or None
        Why it was not imported.
    """

    path: str
    fate: Fate
    frame: str | None = None
    roll: str | None = None
    reason: str | None = None


Tell = Callable[[FileFate], None]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """The result of an import.

    Attributes
    ----------
    folder : Path
        The folder that was imported.
    dry_run : bool
        Nothing was imported; "imported" means that it would be.
    files : tuple of FileFate
        Every file.
    """

    folder: Path
    dry_run: bool
    files: tuple[FileFate, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many files have each fate."""
        found = Counter(file.fate for file in self.files)
        return {str(fate): found[fate] for fate in Fate}

    @property
    def frames(self) -> int:
        """How many frames the imported files make; 0 if nothing was imported."""
        return len({file.frame for file in self.files if file.fate is Fate.IMPORTED and file.frame is not None})

    @property
    def exit_status(self) -> Exit:
        """Exit status of the command: part failed where a file was rejected or waits, failed where every one was."""
        files = [file for file in self.files if file.fate is not Fate.IGNORED]
        return Exit.of(sum(file.fate in (Fate.REJECTED, Fate.WAITING) for file in files), len(files))

    def as_csv(self) -> bytes:
        """Return the report as a table for a spreadsheet, one file a line."""
        text = io.StringIO()
        table = csv.writer(text)
        table.writerow(("path", "fate", "frame", "roll", "reason"))
        for file in self.files:
            table.writerow((visible(file.path), file.fate, file.frame, file.roll, file.reason and visible(file.reason)))
        return text.getvalue().encode()
