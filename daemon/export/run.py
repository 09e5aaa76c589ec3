"""Exports frames and rolls: one after the other, named where they cannot be exported, and again after a kill."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from filmscand.daemon.archive.tree import Archive
from filmscand.daemon.core.errors import ArchiveUnwritableError, DaemonError, StorageFullError
from filmscand.daemon.core.exit_status import Exit
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.core.visible import message_of
from filmscand.daemon.export.finished import PictureFormat
from filmscand.daemon.export.given import NAME, ExportFolderError, Given, GivenAway, holding
from filmscand.daemon.export.ocfl import is_storage_root, make_storage_root
from filmscand.daemon.export.pictures import Pictures
from filmscand.daemon.export.rolls import RollFormat, give_roll, require_whole
from filmscand.daemon.station.configuration import Station
from filmscand.drivers.base import DriverError

ExportFormat = PictureFormat | RollFormat
# Called with the number of frames that are done, and the name of the last one.
Progress = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class NotGiven:
    """A frame that could not be exported, or a roll, and why."""

    frame: str
    error: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What came of an export.

    Attributes
    ----------
    to : Path
        The export folder.
    format : str
        As what.
    given : tuple of Given
        Files that were written now.
    kept : int
        Files that were there already as they would have been made.
    failed : tuple of NotGiven
        Frames and rolls that could not be exported.
    manifest : Path
        The list of everything that was given away into this folder.
    """

    to: Path
    format: str
    given: tuple[Given, ...]
    kept: int
    failed: tuple[NotGiven, ...]
    manifest: Path

    @property
    def exit_status(self) -> Exit:
        """Exit status of the command."""
        return Exit.of(len(self.failed), len(self.given) + self.kept + len(self.failed))


def require_elsewhere(folder: Path, station: Station) -> None:
    """Require that an export folder lies neither in the archive nor in a watch folder, nor around one of them.

    Raises
    ------
    ExportFolderError
        It does: exported files would be taken for the archive's own, or for new scans.
    """
    for place in (station.archive, *(watch.path for watch in station.watch)):
        there, here = place.resolve(), folder.resolve()
        if here.is_relative_to(there) or there.is_relative_to(here):
            raise ExportFolderError(f"{folder}: expected a folder outside {place}, which this station reads or writes")


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """Where and how frames are exported.

    Attributes
    ----------
    folder : Path
        The export folder.
    format : ExportFormat
        As what.
    memory_limit_bytes : int
        Memory that one frame may take.
    """

    folder: Path
    format: ExportFormat
    memory_limit_bytes: int


def export(archive: Archive, frames: Iterable[FrameId], order: ExportOrder, show: Progress) -> ExportReport:
    """Export frames into a folder.

    It can be killed at any moment and be run again: files that are done are recognised by their hashes, and nothing has
    its name before it is complete.

    Parameters
    ----------
    show : callable
        Told how far it is.

    Raises
    ------
    ExportFolderError
        The folder cannot take this export, or another export writes there.
    StorageFullError, ArchiveUnwritableError
        The export folder's disk does not take it. What is done is done.
    """
    listed = sorted(frames)
    folder, format = order.folder, order.format
    with holding(folder):
        away = GivenAway(folder)
        _require_kind(folder, format)
        running = _Run(archive, folder, away, show)
        if isinstance(format, PictureFormat):
            running.give_pictures(listed, format, order.memory_limit_bytes)
        else:
            running.give_rolls(listed, format)
        away.settle()
    return ExportReport(folder, str(format), tuple(running.given), running.kept, tuple(running.failed), folder / NAME)


@dataclass(slots=True)
class _Run:
    """One export, and what came of it up to now."""

    archive: Archive
    folder: Path
    away: GivenAway
    show: Progress
    given: list[Given] = field(default_factory=list)
    kept: int = 0
    failed: list[NotGiven] = field(default_factory=list)

    def give_pictures(self, frames: Sequence[FrameId], format: PictureFormat, memory_limit_bytes: int) -> None:
        with closing(Pictures(self.archive, self.folder, format, memory_limit_bytes)) as pictures:
            for done, frame in enumerate(frames, 1):
                with self._naming(str(frame)):
                    self._count(pictures.give(frame, self.away))
                self.show(done, frame.stem)

    def give_rolls(self, frames: Sequence[FrameId], format: RollFormat) -> None:
        done = 0
        for roll, within in groupby(frames, lambda frame: frame.roll_folder):
            chosen = list(within)
            with self._naming(roll.as_posix()):
                require_whole(self.archive, roll, chosen)
                given, content = give_roll(self.archive, roll, self.folder, format, self.away)
                self.failed += [NotGiven(str(frame), why) for frame, why in content.left_out]
                if content.frames:
                    self._count(given)
            done += len(chosen)
            self.show(done, roll.name)

    def _count(self, given: Given | None) -> None:
        if given is None:
            self.kept += 1
        else:
            self.given.append(given)

    @contextmanager
    def _naming(self, frame: str) -> Iterator[None]:
        """Note what keeps one frame from being exported; only the export folder's disk ends the export."""
        try:
            yield
        except (StorageFullError, ArchiveUnwritableError):
            raise
        except (DaemonError, DriverError, OSError) as error:
            self.failed.append(NotGiven(frame, message_of(error)))
        # A file that nobody foresaw must not keep the others from being exported.
        except Exception as error:
            self.failed.append(NotGiven(frame, f"{type(error).__name__}: {error}"))


def _require_kind(folder: Path, format: ExportFormat) -> None:
    """Require that OCFL objects and other files do not come into one folder: then it would be no storage root."""
    if format is RollFormat.OCFL:
        make_storage_root(folder)
    elif is_storage_root(folder):
        raise ExportFolderError(f"{folder}: this is an OCFL storage root, which holds no other files")
