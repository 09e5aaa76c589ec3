"""Lists the files of a watch folder, and wakes the ingest thread when something changes there.

The sweep decides what is there; events only tell where to look first. inotify loses events when its queue overflows.
For files that another machine writes to a network share it gives no events at all, and no error either.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import re
import stat
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from filmscand.daemon.archive.files.source_file import folder_below
from filmscand.daemon.core.errors import ConfigError
from filmscand.daemon.ingest.watching.put_away import DONE_FOLDER, DUPLICATES_FOLDER, FAILED_FOLDER
from filmscand.daemon.ingest.watching.settling import FileStat
from filmscand.daemon.station.configuration import Watch, WatchMode

log = logging.getLogger(__name__)
# watchdog 7 warns when it cannot listen to two folders; the sweep lists them, and an alarm names them.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"watchdog\.")

_OUR_FOLDERS = frozenset({DONE_FOLDER, FAILED_FOLDER, DUPLICATES_FOLDER})
_FOREIGN_FOLDERS = frozenset({"__macosx", "#recycle", "$recycle.bin", "lost+found", "system volume information"})
_FOREIGN_FILES = frozenset({"thumbs.db", "desktop.ini"})
_UNFINISHED = (".part", ".tmp", ".filepart", ".crdownload", ".partial", "~")
# Deeper folders are left out and named: no scanning program nests so deep, and a chain of folders without an end would
# take the time of all others.
_MAX_DEPTH = 64
_NETWORK = re.compile(r"nfs\d*|cifs|smb3|smbfs|fuse\..*|9p|vboxsf|prl_fs|virtiofs|ceph|glusterfs|afs")


def is_network_mount(folder: Path, mountinfo: str | None = None) -> bool:
    """Return whether a folder lies on a network share, where other machines write without causing events here.

    Parameters
    ----------
    folder : Path
        An absolute path, without links.
    mountinfo : str, optional
        Text in the form of /proc/self/mountinfo (proc_pid_mountinfo(5)); default: that file.
    """
    text = os.fsdecode(Path("/proc/self/mountinfo").read_bytes()) if mountinfo is None else mountinfo
    mounts = [_mount(line) for line in text.splitlines() if " - " in line]
    # Of several mounts on one mount point, the last one is visible.
    above = [
        (len(point.parts), order, kind) for order, (point, kind) in enumerate(mounts) if folder.is_relative_to(point)
    ]
    return bool(above) and _NETWORK.fullmatch(max(above)[2]) is not None


class Left(StrEnum):
    """Why something in a watch folder that has the name of a file is not taken, in words for a person."""

    LINK = "a link, and links are not followed. Put the file or folder itself here"
    SPECIAL = "a pipe, socket or device, and no file. Remove it"
    EMPTY = "empty. If its program no longer writes it, remove it, and scan the frame again"


LeftFiles = dict[str, tuple[FileStat, Left]]
OnLeft = Callable[[str, tuple[FileStat, Left]], None]


def sweep(
    root: Path,
    on_unreadable: Callable[[str, OSError], None] | None = None,
    on_left: OnLeft | None = None,
    on_ignored: Callable[[str], None] | None = None,
) -> dict[str, FileStat]:
    """Return every file of a watch folder that may become a frame.

    Parameters
    ----------
    root : Path
        The watch folder.
    on_unreadable : callable, optional
        Called with the path below `root` of a subfolder that cannot be read, and the reason; default: it is logged.
    on_left : callable, optional
        Called with the path of a link, an empty file, or something else that is no file; and with its size and time,
        and why it is left out.
    on_ignored : callable, optional
        Called with the path of each file and folder that is passed over for its name.

    Returns
    -------
    dict of str to FileStat
        Size and time of change by path below `root`, as `os.fsdecode` has it: a name need not be UTF-8. Left out are
        links, empty files, hidden and unfinished files, the service's own folders (`_done`, `_failed`, `_duplicates`)
        and the private folders of other programs.

    Raises
    ------
    OSError
        The folder cannot be read. A subfolder that cannot be read is left out.
    """
    found: dict[str, FileStat] = {}
    folders = [PurePosixPath()]
    while folders:
        below = folders.pop()
        try:
            files, more = _list_folder(root, below, on_left or _ignore, on_ignored or _pass)
        except OSError as error:
            if not below.parts:
                raise
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                (on_unreadable or _log_unreadable(root))(str(below), error)
        else:
            found.update(files)
            folders += more
    return found


def is_candidate_path(path: PurePosixPath) -> bool:
    """Return whether the name of a path below a watch folder allows it to become a frame."""
    return _is_candidate_file(path.name) and all(_is_candidate_folder(part) for part in path.parts[:-1])


def is_being_written(path: Path) -> bool:
    """Return whether a local process has a file open for writing.

    The kernel refuses a read lease (F_SETLEASE) while a writer has the file open. A lease needs a local file system,
    and only the owner of the file (or root) gets one. If it fails for any other reason, nothing is known; that counts
    as False.
    """
    return _has_writer(path) is True


def is_closed(path: Path) -> bool:
    """Return whether no local process has a file open for writing; False if the kernel does not tell."""
    return _has_writer(path) is False


def _has_writer(path: Path) -> bool | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return False


def require_apart(watches: tuple[Watch, ...], outputs: dict[str, Path]) -> None:
    """Refuse watch folders that lie inside each other, or that overlap with a path that the service writes to.

    Links are followed here; the check of the configuration does not follow them.

    Parameters
    ----------
    watches : tuple of Watch
        The watch folders.
    outputs : dict of str to Path
        Paths that the service writes to, by their names for the message ("the archive").

    Raises
    ------
    ConfigError
        Two of the paths overlap.
    """
    places = [(f"watch folder {watch.path}", watch.path.resolve(), True) for watch in watches]
    places += [(f"{name} {path}", path.resolve(), False) for name, path in outputs.items()]
    for index, (name, place, watched) in enumerate(places):
        for other_name, other, other_watched in places[index + 1 :]:
            nested = other.is_relative_to(place) or place.is_relative_to(other)
            if nested and (watched or other_watched):
                raise ConfigError(
                    f"{name} and {other_name} overlap: expected separate folders; correct the configuration"
                )


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """Files that events named since the last call, by their paths below the watch folder.

    Attributes
    ----------
    finished : frozenset of str
        Files that a writer closed, or that were moved in.
    modified : frozenset of str
        Files with any other event.
    """

    finished: frozenset[str]
    modified: frozenset[str]


class WatchEvents(FileSystemEventHandler):
    """Collects the events of one watch folder and wakes the ingest thread.

    Parameters
    ----------
    root : Path
        The watch folder.
    wake : threading.Event
        Set at each event that concerns a candidate file.
    """

    def __init__(self, root: Path, wake: threading.Event) -> None:
        self._root = root
        self._wake = wake
        self._lock = threading.Lock()
        self._finished: set[str] = set()
        self._modified: set[str] = set()
        self._observer = Observer()

    def start(self) -> None:
        """Start to listen.

        Raises
        ------
        OSError
            The folder cannot be watched, or the limit of inotify watches is reached.
        """
        self._observer.schedule(self, str(self._root), recursive=True)
        self._observer.start()

    def stop(self) -> None:
        """Stop listening."""
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    def collect(self) -> FolderChanges:
        """Return the files that events named since the last call."""
        with self._lock:
            changes = FolderChanges(frozenset(self._finished), frozenset(self._modified))
            self._finished.clear()
            self._modified.clear()
        return changes

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Note the path of an event (watchdog calls this on its own thread)."""
        if event.event_type in ("opened", "closed_no_write"):
            return
        moved = isinstance(event, FileMovedEvent)
        path = os.fsdecode(event.dest_path if moved else event.src_path)
        if not event.is_directory and self._note(path, finished=moved or isinstance(event, FileClosedEvent)):
            self._wake.set()

    def _note(self, path: str, *, finished: bool) -> bool:
        if not Path(path).is_relative_to(self._root):
            return False
        below = PurePosixPath(Path(path).relative_to(self._root))
        if not is_candidate_path(below):
            return False
        with self._lock:
            (self._finished if finished else self._modified).add(str(below))
            if not finished:
                self._finished.discard(str(below))
        return True


def listen(
    watch: Watch, *, network: bool, wake: threading.Event, on_refused: Callable[[str], None] | None = None
) -> WatchEvents | None:
    """Start to listen to a watch folder; return None if the folder has to be polled instead.

    Parameters
    ----------
    watch : Watch
        The watch folder.
    network : bool
        It lies on a network share.
    wake : threading.Event
        Set at each event.
    on_refused : callable, optional
        Called with the reason, and what to do, if the kernel refuses; default: that is logged.
    """
    if watch.mode is WatchMode.POLL or (watch.mode is WatchMode.AUTO and network):
        return None
    try:
        # Both may fail: making the observer takes an instance of inotify, starting it takes the watches.
        events = WatchEvents(watch.path, wake)
        events.start()
    except OSError as error:
        (on_refused or log.warning)(f"{watch.path}: cannot get events, the folder is polled instead: {_advise(error)}")
        return None
    return events


def _advise(error: OSError) -> str:
    """Name the limit of inotify (inotify(7)) that was reached, and how to raise it."""
    limit = {errno.ENOSPC: "max_user_watches", errno.EMFILE: "max_user_instances"}.get(error.errno or 0)
    if limit is None:
        return error.strerror or str(error)
    setting = f"fs.inotify.{limit}"
    return (
        f"the limit {setting} is reached. Raise it ('sysctl {setting}=524288', and a file in /etc/sysctl.d to keep it),"
        " then restart the service"
    )


def _mount(line: str) -> tuple[Path, str]:
    before, _, after = line.partition(" - ")
    point = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), before.split(" ")[4])
    return Path(point), after.split(" ")[0]


def _list_folder(
    root: Path, below: PurePosixPath, on_left: OnLeft, on_ignored: Callable[[str], None]
) -> tuple[dict[str, FileStat], list[PurePosixPath]]:
    files: dict[str, FileStat] = {}
    folders: list[PurePosixPath] = []
    if len(below.parts) > _MAX_DEPTH:
        raise OSError(errno.ENAMETOOLONG, f"more than {_MAX_DEPTH} folders inside each other", str(root / below))
    with folder_below(root, below.parts) as folder, os.scandir(folder) as entries:
        for entry in entries:
            path = below / entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if not (_is_candidate_folder if is_folder else _is_candidate_file)(entry.name):
                on_ignored(str(path))
            elif is_folder:
                folders.append(path)
            elif (found := _stat_of_entry(entry)) is not None:
                why = _why_left(found)
                if why is None:
                    files[str(path)] = FileStat.of(found)
                else:
                    on_left(str(path), (FileStat.of(found), why))
    return files, folders


def _why_left(found: os.stat_result) -> Left | None:
    if stat.S_ISREG(found.st_mode):
        return None if found.st_size > 0 else Left.EMPTY
    return Left.LINK if stat.S_ISLNK(found.st_mode) else Left.SPECIAL


def _ignore(_path: str, _left: tuple[FileStat, Left]) -> None:
    pass


def _pass(_path: str) -> None:
    pass


def _log_unreadable(root: Path) -> Callable[[str, OSError], None]:
    return lambda below, error: log.warning("%s: cannot read the folder: %s", root / below, error.strerror)


def _stat_of_entry(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None


def _is_candidate_folder(name: str) -> bool:
    return not name.startswith((".", "@")) and name not in _OUR_FOLDERS and name.lower() not in _FOREIGN_FOLDERS


def _is_candidate_file(name: str) -> bool:
    return not (name.startswith((".", "~")) or name.lower().endswith(_UNFINISHED) or name.lower() in _FOREIGN_FILES)
