"""Which frames a person chose: by the station's database, or without one by the folders of the archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from filmscand.daemon.archive.frames.frame_folder import frames_of
from filmscand.daemon.core.errors import FrameMissingError
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_to_read
from filmscand.daemon.database.sheets.selection import Selector, select_frames


def chosen_frames(root: Path, selectors: Sequence[Selector], database: Path | None) -> list[FrameId]:
    """Return the frames that selectors choose, each once, sorted.

    Parameters
    ----------
    root : Path
        Top of the archive.
    database : Path or None
        The station's database; None: only the archive tells which frames there are.

    Raises
    ------
    FrameMissingError
        A selector chooses no frame.
    """
    if database is None:
        return _chosen(selectors, lambda selector: _in_folders(root, selector))
    with closing(open_to_read(database)) as connection:
        return _chosen(selectors, lambda selector: select_frames(connection, selector))


def _chosen(selectors: Iterable[Selector], find: Callable[[Selector], Iterable[FrameId]]) -> list[FrameId]:
    found: set[FrameId] = set()
    for selector in selectors:
        frames = set(find(selector))
        if not frames:
            raise FrameMissingError(f"the archive has no frame of {_name(selector)}")
        found |= frames
    return sorted(found)


def _in_folders(root: Path, selector: Selector) -> Iterator[FrameId]:
    rolls = {selector.roll or "*", selector.other_roll or selector.roll or "*"}
    for roll in rolls:
        for folder in sorted(root.glob(f"{selector.collection}/{selector.box or '*'}/{roll}")):
            yield from (frame for frame in frames_of(root, folder) if selector.chooses(frame))


def _name(selector: Selector) -> str:
    return "/".join(filter(None, (selector.collection, selector.box, selector.other_roll or selector.roll)))
