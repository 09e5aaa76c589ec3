"""Looks whether a station can work here, and says what to do where it cannot."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.atomic_file import publish_bytes
from filmscand.daemon.core.errors import TransientError
from filmscand.daemon.ingest.watch import is_network_mount
from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.maintenance.scanner_checks import examine_scanners
from filmscand.daemon.station.configuration import SourcePolicy, Station
from filmscand.daemon.station.disk import free_bytes, nearest_existing

# Raw, infrared, cleaned picture, mask and preview of a 24-megapixel frame.
FRAME_BYTES: Final = 345_000_000
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
    """Return everything that a technician should know before the service is started; changes nothing."""
    return tuple(check for look in _LOOKS for check in look(station))


def _python(_: Station) -> Iterator[Check]:
    yield Check("python", Verdict.OK, f"{platform.python_version()} at {sys.executable}")


def _libraries(_: Station) -> Iterator[Check]:
    for name in _LIBRARIES:
        try:
            yield Check(f"library {name}", Verdict.OK, version(name))
        except PackageNotFoundError:
            yield Check(f"library {name}", Verdict.FAILED, "missing", f"pip install {name}")


def _numba_cache(_: Station) -> Iterator[Check]:
    advice = "set NUMBA_CACHE_DIR to a folder that the service may write, else every start compiles anew or fails"
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


def _archive(station: Station) -> Iterator[Check]:
    free = free_bytes(station.archive)
    yield _writable("archive", station.archive, "make the folder and give it to the user that the service runs as")
    frames = free // FRAME_BYTES
    enough = frames >= FEW_FRAMES
    found = f"{frames} frames of 24 megapixels ({free / 1e9:.1f} GB)"
    yield Check("archive space", Verdict.OK if enough else Verdict.WARNING, found, "" if enough else "make room soon")
    yield Check("archive mount", Verdict.OK, _describe(station.archive))


def _database(station: Station) -> Iterator[Check]:
    folder = station.database.parent
    if is_network_mount(folder):
        advice = "put `database` on a local disk: SQLite loses data on network shares"
        yield Check("database", Verdict.FAILED, f"{folder}: network share", advice)
    else:
        yield _writable("database", folder, "make the folder and give it to the user that the service runs as")


def _drop_folders(station: Station) -> Iterator[Check]:
    for watch in station.watch:
        name = f"drop folder {watch.path}"
        if not watch.path.is_dir():
            yield _writable(name, watch.path, "make the folder, and let the scanning program write into it")
        elif not os.access(watch.path, os.R_OK | os.X_OK):
            yield Check(name, Verdict.FAILED, "not readable", "let the user that the service runs as read it")
        elif watch.source_policy is not SourcePolicy.LEAVE and not os.access(watch.path, os.W_OK):
            advice = "let the service write there, or set `source_policy: leave`"
            yield Check(name, Verdict.FAILED, f"read-only, but source_policy is {watch.source_policy}", advice)
        else:
            yield Check(name, Verdict.OK, _describe(watch.path))


def _memory(station: Station) -> Iterator[Check]:
    wanted = station.workers.count * station.workers.memory_limit_mib
    present = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    enough = wanted <= present
    advice = "" if enough else "lower workers.count"
    found = f"{wanted} MiB for {station.workers.count} workers, {present} MiB present"
    yield Check("memory", Verdict.OK if enough else Verdict.WARNING, found, advice)


def _scanners(_: Station) -> Iterator[Check]:
    yield from examine_scanners()


def _systemd(_: Station) -> Iterator[Check]:
    if not Path("/run/systemd/system").is_dir():
        yield Check("systemd", Verdict.OK, "not running here; `filmscand run` works from a terminal as well")
    elif "NOTIFY_SOCKET" in os.environ:
        yield Check("systemd", Verdict.OK, "tells systemd how it is (NOTIFY_SOCKET)")
    else:
        installed = shutil.which("systemctl") and Path("/etc/systemd/system/filmscand.service").exists()
        advice = "" if installed else "copy share/filmscand/systemd/ into place to have it started with the machine"
        yield Check("systemd", Verdict.OK, "running; unit " + ("installed" if installed else "not installed"), advice)


def _writable(name: str, folder: Path, advice: str) -> Check:
    if not folder.is_dir():
        parent = nearest_existing(folder)
        if parent.is_dir() and os.access(parent, os.W_OK):
            return Check(name, Verdict.OK, f"{folder} will be made")
        return Check(name, Verdict.FAILED, f"{folder} is missing and cannot be made in {parent}", advice)
    # Asking for rights is not enough: a read-only mount, a full disk or a share without them shows only when written.
    probe = folder / f"doctor-{os.getpid()}.tmp"
    try:
        publish_bytes(probe, b"probe", replace=True)
    except TransientError as error:
        return Check(name, Verdict.FAILED, str(error), advice)
    probe.unlink()
    return Check(name, Verdict.OK, f"{folder} takes files")


def _describe(folder: Path) -> str:
    return "network share" if is_network_mount(folder) else "local disk"


_LOOKS: Final[tuple[Callable[[Station], Iterator[Check]], ...]] = (
    _python,
    _libraries,
    _numba_cache,
    _archive,
    _database,
    _drop_folders,
    _memory,
    _scanners,
    _systemd,
)
