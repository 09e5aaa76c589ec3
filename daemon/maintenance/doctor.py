"""Checks whether a station can work on this machine, and gives advice where it cannot (`filmscand doctor`)."""

from __future__ import annotations

import importlib
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.files.atomic_file import publish_bytes
from filmscand.daemon.core.errors import TransientError
from filmscand.daemon.core.installing import pip_install
from filmscand.daemon.database.connection import DatabaseError, open_to_read, schema_version
from filmscand.daemon.database.frames import count_frames
from filmscand.daemon.database.presence import is_blank
from filmscand.daemon.database.room import room_problem
from filmscand.daemon.ingest.watching.watch import is_network_mount
from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.maintenance.identity import identity_problem
from filmscand.daemon.maintenance.room import room_of
from filmscand.daemon.maintenance.scanner_checks import examine_scanners
from filmscand.daemon.maintenance.scanner_hosts import examine_hosts
from filmscand.daemon.station.configuration import SourcePolicy, Station, Watch
from filmscand.daemon.station.disk import nearest_existing
from filmscand.daemon.station.place import StationMissingError, require_station
from filmscand.daemon.station.rights import as_its_owner
from filmscand.daemon.station.service_unit import is_booted_by_systemd, is_unit_installed

# Fewer frames of free space than this are a warning.
FEW_FRAMES: Final = 100
_LIBRARIES: Final = (
    "numpy",
    "numba",
    "scipy",
    "tifffile",
    "imagecodecs",
    "Pillow",
    "watchdog",
    "pydantic",
    "typer",
    "onnxruntime",
)


def examine(station: Station) -> tuple[Check, ...]:
    """Return the results of all checks of a station and its machine; nothing is changed.

    A file is written to the archive and to the folder of the database, and removed again.
    """
    return tuple(check for examine_part in _PARTS for check in examine_part(station))


def examine_storage(station: Station) -> tuple[Check, ...]:
    """Return the results of the checks of the folders of archive, database and watch folders, whatever is in them."""
    database = _database_on_share(station) or _seen_by_its_owner(station, _database_folder(station))
    return (*_archive(station), database, *_drop_folders(station))


def _station(station: Station) -> Iterator[Check]:
    try:
        require_station(station)
    except StationMissingError as error:
        # A machine is examined before it becomes a station, too.
        yield Check("station", Verdict.WARNING, f"no station at {station.root} yet", str(error))
    else:
        yield Check("station", Verdict.OK, str(station.root))


def _python(_: Station) -> Iterator[Check]:
    yield Check("python", Verdict.OK, f"{platform.python_version()} at {sys.executable}")


def _libraries(_: Station) -> Iterator[Check]:
    for name in _LIBRARIES:
        try:
            yield Check(f"library {name}", Verdict.OK, version(name))
        except PackageNotFoundError:
            yield Check(f"library {name}", Verdict.FAILED, "missing", pip_install(name))


def _numba_cache(_: Station) -> Iterator[Check]:
    advice = "set NUMBA_CACHE_DIR to a folder that the service may write, else each start compiles all kernels or fails"
    try:
        kernels = importlib.import_module("filmscand.daemon.cleaning.access_image")
    except RuntimeError as error:
        yield Check("numba cache", Verdict.FAILED, str(error), advice)
        return
    folder = Path(kernels.kernel_cache())
    writable = os.access(nearest_existing(folder), os.W_OK)
    yield Check(
        "numba cache", *((Verdict.OK, str(folder)) if writable else (Verdict.WARNING, f"{folder}: read-only", advice))
    )


def _identity(station: Station) -> Iterator[Check]:
    try:
        problem = identity_problem(station)
    except sqlite3.Error as error:
        advice = "if the database is damaged: stop the service, then run `filmscand rebuild --replace`"
        yield Check("archive identity", Verdict.FAILED, f"{station.database}: {error}", advice)
        return
    if problem is None:
        yield Check("archive identity", Verdict.OK, "database and archive belong together")
    else:
        found, _, advice = str(problem).partition(". ")
        yield Check("archive identity", Verdict.FAILED, found, advice)


def _archive(station: Station) -> Iterator[Check]:
    advice = "make the folder and give it to the user that runs the service"
    yield _seen_by_its_owner(station, _writable("archive", station.archive, advice))
    room = room_of(station)
    enough = room.frames is not None and room.frames >= FEW_FRAMES
    advice = "" if enough else "free space soon"
    yield Check("archive space", Verdict.OK if enough else Verdict.WARNING, str(room), advice)
    yield Check("archive mount", Verdict.OK, _describe(station.archive))


def _database(station: Station) -> Iterator[Check]:
    if (share := _database_on_share(station)) is not None:
        yield share
    elif problem := _database_problem(station.database):
        yield Check("database", Verdict.FAILED, problem, "see the message")
    else:
        yield _seen_by_its_owner(station, _told_of_file(_database_folder(station), station))


def _database_on_share(station: Station) -> Check | None:
    folder = station.database.parent
    if not is_network_mount(folder):
        return None
    advice = "put `database` on a local disk: SQLite loses data on network shares"
    return Check("database", Verdict.FAILED, f"{folder}: network share", advice)


def _database_folder(station: Station) -> Check:
    advice = "make the folder and give it to the user that runs the service"
    return _writable("database", station.database.parent, advice)


def _told_of_file(folder: Check, station: Station) -> Check:
    """Return what is so of the database's file, from the check of its folder."""
    database = station.database
    if folder.verdict is not Verdict.OK:
        return folder
    if is_blank(database):
        found = f"{database} is {'empty' if database.exists() else 'missing'}"
        if identity_problem(station) is not None:
            return Check(folder.name, Verdict.FAILED, found, "put it back, or run `filmscand rebuild`")
        return replace(folder, found=f"{found}; a new station makes it; {folder.found}")
    if not os.access(database, os.R_OK | os.W_OK):
        advice = "give the file to the user that runs the service"
        return Check(folder.name, Verdict.FAILED, f"{database} cannot be written by this user", advice)
    return replace(folder, found=f"{database} is there and writable")


def _database_problem(database: Path) -> str | None:
    if problem := room_problem(database):
        return problem
    if is_blank(database):
        return None
    try:
        with closing(open_to_read(database)) as connection:
            if schema_version(connection):
                count_frames(connection)
    except (DatabaseError, sqlite3.Error) as error:
        return str(error)
    return None


def _models(station: Station) -> Iterator[Check]:
    for key, path in station.cleaning.models().items():
        try:
            path.open("rb").close()
        except OSError as error:
            advice = f"bring the file back, or correct cleaning.{key}: frames that need it wait"
            yield Check(f"model {key}", Verdict.FAILED, f"{path}: {error.strerror}", advice)
        else:
            yield Check(f"model {key}", Verdict.OK, str(path))


def _drop_folders(station: Station) -> Iterator[Check]:
    for watch in station.watch:
        yield _seen_by_its_owner(station, _drop_folder(watch))


def _drop_folder(watch: Watch) -> Check:
    name = f"drop folder {watch.path}"
    if not watch.path.is_dir():
        return _writable(name, watch.path, "make the folder, and let the scanning program write into it")
    if not os.access(watch.path, os.R_OK | os.X_OK):
        return Check(name, Verdict.FAILED, "not readable", "let the user that runs the service read it")
    if watch.source_policy is not SourcePolicy.LEAVE and not os.access(watch.path, os.W_OK):
        advice = "let the service write to it, or set `source_policy: leave`"
        return Check(name, Verdict.FAILED, f"read-only, but source_policy is {watch.source_policy}", advice)
    return Check(name, Verdict.OK, _describe(watch.path))


def _memory(station: Station) -> Iterator[Check]:
    needed = station.workers.count * station.workers.memory_limit_mib
    installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    enough = needed <= installed
    advice = "" if enough else "lower workers.count"
    found = f"{needed} MiB for {station.workers.count} workers, {installed} MiB installed"
    yield Check("memory", Verdict.OK if enough else Verdict.WARNING, found, advice)


def _scanners(station: Station) -> Iterator[Check]:
    yield from examine_scanners(station.scanners.programs)


def _scanner_hosts(station: Station) -> Iterator[Check]:
    yield from examine_hosts(station.scanners.hosts)


def _systemd(_: Station) -> Iterator[Check]:
    if not is_booted_by_systemd():
        yield Check("systemd", Verdict.OK, "not running here; `filmscand run` works from a terminal, too")
    elif "NOTIFY_SOCKET" in os.environ:
        yield Check("systemd", Verdict.OK, "notifies systemd (NOTIFY_SOCKET)")
    else:
        installed = is_unit_installed()
        advice = "" if installed else "to start the service with the machine: docs/how-to/install-as-a-service.md"
        yield Check("systemd", Verdict.OK, "running; unit " + ("installed" if installed else "not installed"), advice)


def _writable(name: str, folder: Path, advice: str) -> Check:
    if not folder.is_dir():
        parent = nearest_existing(folder)
        if parent.is_dir() and os.access(parent, os.W_OK):
            return Check(name, Verdict.OK, f"{folder} will be created")
        return Check(name, Verdict.FAILED, f"{folder} is missing and cannot be created in {parent}", advice)
    # Checking permissions is not enough: a read-only mount or a full disk shows only when a file is written.
    probe = folder / f"doctor-{os.getpid()}.tmp"
    try:
        publish_bytes(probe, b"probe", replace=True)
    except TransientError as error:
        return Check(name, Verdict.FAILED, str(error), advice)
    probe.unlink()
    return Check(name, Verdict.OK, f"{folder} is writable")


def _seen_by_its_owner(station: Station, check: Check) -> Check:
    """Return a check of what the service may write: another user who may not has found nothing wrong with that."""
    who = as_its_owner(station) if check.verdict is Verdict.FAILED else None
    return (
        check if who is None else Check(check.name, Verdict.WARNING, f"{check.found}: not known for the service", who)
    )


def _describe(folder: Path) -> str:
    return "network share" if is_network_mount(folder) else "local disk"


_PARTS: Final[tuple[Callable[[Station], Iterator[Check]], ...]] = (
    _station,
    _python,
    _libraries,
    _numba_cache,
    _identity,
    _archive,
    _database,
    _models,
    _drop_folders,
    _memory,
    _scanners,
    _scanner_hosts,
    _systemd,
)
