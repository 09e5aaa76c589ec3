"""What lies in a watch folder, and being woken when something changes there.

The sweep is the truth; events only say where to look first. inotify loses events when its queue overflows and gives
none at all, and no error either, for what another machine writes to a network share.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.ingest.settling import FileStat
from filmscand.daemon.station.configuration import Watch, WatchMode

log = logging.getLogger(__name__)

DONE_FOLDER = "_done"
FAILED_FOLDER = "_failed"
DUPLICATES_FOLDER = "_duplicates"
_OUR_FOLDERS = frozenset({DONE_FOLDER, FAILED_FOLDER, DUPLICATES_FOLDER})
_FOREIGN_FOLDERS = frozenset({"__macosx", "#recycle", "$recycle.bin", "lost+found", "system volume information"})
_FOREIGN_FILES = frozenset({"thumbs.db", "desktop.ini"})
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".partial", "~")
_NETWORK = re.compile(r"nfs\d*|cifs|smb3|smbfs|fuse\..*|9p|vboxsf|prl_fs|virtiofs|ceph|glusterfs|afs")


def is_network_mount(folder: Path, mountinfo: str | None = None) -> bool:
    """Tell whether events of a folder cannot be trusted, because others write to it behind the kernel's back.

    Parameters
    ----------
    folder : Path
        An absolute folder.
    mountinfo : str, optional
        Text of /proc/self/mountinfo (proc_pid_mountinfo(5)).
    """
    text = Path("/proc/self/mountinfo").read_text() if mountinfo is None else mountinfo
    mounts = [_mount(line) for line in text.splitlines() if " - " in line]
    # Of several mounts on one point, the last one is what is seen.
    above = [
        (len(point.parts), order, kind) for order, (point, kind) in enumerate(mounts) if folder.is_relative_to(point)
    ]
    return bool(above) and _NETWORK.fullmatch(max(above)[2]) is not None


def sweep(root: Path) -> dict[str, FileStat]:
    """Look at every file of a watch folder that may become a frame.

    Returns
    -------
    dict of str to FileStat
        By path below the folder. Links, empty files, hidden and unfinished ones, and the folders that we or others
        keep for themselves, are left out.

    Raises
    ------
    OSError
        If the folder cannot be read. A subfolder that cannot be read is logged and left out.
    """
    return dict(_files_below(root, PurePosixPath()))


def is_candidate_path(path: PurePosixPath) -> bool:
    """Tell by its name whether a path below a watch folder may be taken up."""
    return _takes_file(path.name) and all(_takes_folder(part) for part in path.parts[:-1])


def is_being_written(path: Path) -> bool:
    """Tell whether a local process has a file open for writing.

    A read lease is refused while a writer has the file open. It needs a local file system and the file's owner; where
    it cannot be had for another reason nothing is known, and that is no "yes".
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return False


def require_apart(watches: tuple[Watch, ...], outputs: dict[str, Path]) -> None:
    """Refuse watch folders that lie in one another, or that hold something that the service writes.

    Links are followed, which the configuration alone cannot do.

    Raises
    ------
    ConfigError
        If two of them overlap.
    """
    places = [(f"watch folder {watch.path}", watch.path.resolve(), True) for watch in watches]
    places += [(f"{name} {path}", path.resolve(), False) for name, path in outputs.items()]
    for index, (name, place, watched) in enumerate(places):
        for other_name, other, other_watched in places[index + 1 :]:
            nested = other.is_relative_to(place) or place.is_relative_to(other)
            if nested and (watched or other_watched):
                raise ConfigError(f"{name} and {other_name} overlap: expected folders apart from each other")


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """What the events said since the last time.

    Attributes
    ----------
    ended : frozenset of str
        Files that were closed, or moved in.
    dirty : frozenset of str
        Other files that something happened to.
    """

    ended: frozenset[str]
    dirty: frozenset[str]


class WatchEvents(FileSystemEventHandler):
    """Events of one watch folder: they mark paths, and wake whoever waits.

    Parameters
    ----------
    root : Path
        The watch folder.
    wake : threading.Event
        Set at each event.
    """

    def __init__(self, root: Path, wake: threading.Event) -> None:
        self._root = root
        self._wake = wake
        self._lock = threading.Lock()
        self._ended: set[str] = set()
        self._dirty: set[str] = set()
        self._observer = Observer()

    def start(self) -> None:
        """Begin to listen.

        Raises
        ------
        OSError
            If the folder cannot be watched, or the system's limit of watches is reached.
        """
        self._observer.schedule(self, str(self._root), recursive=True)
        self._observer.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def collect(self) -> FolderChanges:
        """Return what was marked since the last call."""
        with self._lock:
            changes = FolderChanges(frozenset(self._ended), frozenset(self._dirty))
            self._ended.clear()
            self._dirty.clear()
        return changes

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Mark the path of an event (called by watchdog, on its own thread)."""
        if event.event_type in ("opened", "closed_no_write"):
            return
        moved = isinstance(event, FileMovedEvent)
        path = os.fsdecode(event.dest_path if moved else event.src_path)
        if not event.is_directory and self._mark(path, ended=moved or isinstance(event, FileClosedEvent)):
            self._wake.set()

    def _mark(self, path: str, *, ended: bool) -> bool:
        if not Path(path).is_relative_to(self._root):
            return False
        below = PurePosixPath(Path(path).relative_to(self._root))
        if not is_candidate_path(below):
            return False
        with self._lock:
            (self._ended if ended else self._dirty).add(str(below))
            if not ended:
                self._ended.discard(str(below))
        return True


def listen(watch: Watch, *, network: bool, wake: threading.Event) -> WatchEvents | None:
    """Listen to a watch folder, or return None where it has to be polled."""
    if watch.mode is WatchMode.POLL or (watch.mode is WatchMode.AUTO and network):
        return None
    events = WatchEvents(watch.path, wake)
    try:
        events.start()
    except OSError as error:
        log.warning("%s: no events (%s), the folder is polled", watch.path, error)
        return None
    return events


def _mount(line: str) -> tuple[Path, str]:
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split(" ")[4])
    return Path(point), after.split(" ")[0]


def _files_below(root: Path, below: PurePosixPath) -> Iterator[tuple[str, FileStat]]:
    with os.scandir(root / below) as entries:
        found = list(entries)
    for entry in found:
        if entry.is_symlink():
            continue
        if entry.is_dir(follow_symlinks=False):
            if _takes_folder(entry.name):
                yield from _subfolder(root, below / entry.name)
        elif _takes_file(entry.name) and (stat := _stat_of_entry(entry)) is not None:
            yield str(below / entry.name), stat


def _subfolder(root: Path, below: PurePosixPath) -> Iterator[tuple[str, FileStat]]:
    try:
        yield from _files_below(root, below)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: cannot read the folder: %s", root / below, error.strerror)


def _stat_of_entry(entry: os.DirEntry[str]) -> FileStat | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    plain = entry.is_file(follow_symlinks=False) and found.st_size > 0
    return FileStat(found.st_size, found.st_mtime_ns) if plain else None


def _takes_folder(name: str) -> bool:
    return not name.startswith((".", "@")) and name not in _OUR_FOLDERS and name.lower() not in _FOREIGN_FOLDERS


def _takes_file(name: str) -> bool:
    return not (name.startswith((".", "~")) or name.lower().endswith(_UNFINISHED) or name.lower() in _FOREIGN_FILES)
