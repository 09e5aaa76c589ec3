"""Drops hostile files into the watch folder of a running service, and accounts for each of them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filmscand.daemon.core.limited_process import RESERVED_BYTES
from filmscand.daemon.ingest.watching.put_away import REPORT_ENDING
from support.hostile_files import make_hostile
from support.live_station import write_config, write_infrared, write_inside, write_picture

# What the service may use (issue 27), MiB, and each of its children beside what its libraries reserve.
SERVICE_LIMIT_MIB = 300
CHILD_LIMIT_MIB = 1024
# Files that `make_all` writes beside the mutated ones; one of those is an empty folder.
_NEIGHBOURS = 28
# The service waits half an hour for the rest of an incomplete file; nobody does so here.
_RUN = """
import sys
from pathlib import Path
from filmscand.daemon.station.configuration import load_station
from filmscand.daemon.core.timing import Timing
from filmscand.daemon.service import run_service
if __name__ == "__main__":
    sys.exit(run_service(load_station(Path(sys.argv[1])), Timing(max_settle_s=8.0, sweep_s=2.0)))
"""


@dataclass
class Account:
    """What became of the dropped files.

    Attributes
    ----------
    told : Counter of str
        Number of files by what became of them.
    lost, unnamed : list of str
        Files that are nowhere; files that lie about without a reason.
    peaks_mib : dict of str to int
        Highest resident memory of the service and of its children by kind, MiB.
    """

    told: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    peaks_mib: dict[str, int] = field(default_factory=dict)
    rested: bool = False

    @property
    def ok(self) -> bool:
        """Nothing is lost or without a reason, and nobody used more memory than allowed."""
        children = [mib for name, mib in self.peaks_mib.items() if name != "service"]
        within = self.peaks_mib["service"] < SERVICE_LIMIT_MIB and max(children, default=0) < child_peak_mib()
        return self.rested and within and not self.lost and not self.unnamed


def child_peak_mib() -> int:
    """Return what a child may use: its limit, and what its libraries reserve."""
    return CHILD_LIMIT_MIB + (RESERVED_BYTES >> 20)


def run_watch(root: Path, count: int, seed: int, at_most_s: float) -> Account:
    """Let a service of its own take `count` hostile files in batches; return what became of them."""
    station = root / "station"
    config = write_config(station, workers={"count": 1, "memory_limit_mib": CHILD_LIMIT_MIB})
    drop, staged = station / "drop", root / "staged"
    drop.mkdir(), staged.mkdir()
    program = root / "run_station.py"
    program.write_text(_RUN)
    make_all(staged, count, seed)
    account = Account()
    with (root / "service.log").open("ab") as log:
        service = subprocess.Popen([sys.executable, str(program), str(config)], stdout=log, stderr=log)
        try:
            dropped = _drop_in_batches(staged, drop, service, account)
            account.rested = _rest(config, service, account, at_most_s)
            _account_for(dropped, drop, station / "archive", _status(config), account)
        finally:
            service.terminate()
            service.wait(60)
    return account


def make_all(folder: Path, count: int, seed: int) -> None:
    """Write the hostile files, and neighbours with hostile names: pairs, escapes, no UTF-8, folders, sound files."""
    make_hostile(folder, max(count - _NEIGHBOURS + 1, 8), seed)
    for number in range(6):
        write_inside(folder / f"roll {number % 2}" / f"sound{number}.tif", number)
    (folder / "roll 0/sound0 again.tif").write_bytes((folder / "roll 0/sound0.tif").read_bytes())
    for number in range(3):
        write_picture(folder / "pairs" / f"p{number}.tif", 20 + number)
        write_infrared(folder / "pairs" / f"p{number}_ir.tif", 20 + number)
    write_picture(folder / "pairs/colour_ir.tif", 30)
    write_infrared(folder / "pairs/lone_ir.tif", 31)
    write_infrared(folder / "pairs/p0_infrared.tif", 32)
    write_inside(folder / "esc\x1b[31m/red\x1b]0;owned\x07.tif", 33)
    write_inside(folder / "new\nline.tif", 34)
    write_inside(folder / ("n" * 251 + ".tif"), 35)
    write_inside(folder / "deep/" / "/".join("d" * 40 for _ in range(20)) / "deep.tif", 36)
    write_inside(folder / "日本/一.tif", 37)
    write_inside(folder / "..." / "dots.tif", 38)
    write_inside(folder / "'; DROP TABLE frames; --.tif", 39)
    for name in (b"caf\xe9.tif", b"\xff\xfe.tif"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes((folder / "roll 1/sound1.tif").read_bytes())
    (folder / "notes.txt").write_text("a note")
    (folder / "large.tif").touch()
    os.truncate(folder / "large.tif", 256 << 20)
    (folder / "into_etc").symlink_to("/etc")
    (folder / "report.tif").symlink_to("/etc/passwd")


def _drop_in_batches(
    staged: Path, drop: Path, service: subprocess.Popen[bytes], account: Account
) -> dict[str, str | None]:
    """Move everything from one folder into another in a few batches; return the hash of each regular file by path."""
    dropped: dict[str, str | None] = {}
    entries = sorted(staged.iterdir(), key=lambda path: hashlib.sha256(os.fsencode(path.name)).digest())
    for path in entries:
        for file in [path] if path.is_symlink() or not path.is_dir() else _files(path):
            dropped[str(file.relative_to(staged))] = _sha256(file)
    for number, path in enumerate(entries):
        path.rename(drop / path.name)
        if number % max(len(entries) // 5, 1) == 0:
            for _ in range(10):
                measure(service.pid, account)
                time.sleep(0.2)
    return dropped


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path


def _sha256(path: Path) -> str | None:
    """Return the hash of a regular file with bytes in it; None for anything else."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size == 0:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measure(pid: int, account: Account) -> None:
    """Note the peak of the resident memory of the service and of each of its children."""
    _note_peak(pid, "service", account)
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                words = Path(f"/proc/{child}/cmdline").read_bytes()
                kinds = {b"spawn_main": "worker", b"limited_process": "inspector", b"plane_comparison": "comparison"}
                _note_peak(int(child), next((kind for mark, kind in kinds.items() if mark in words), "child"), account)
        except (FileNotFoundError, ProcessLookupError):
            continue


def _note_peak(pid: int, kind: str, account: Account) -> None:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    peak_kib = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)
    account.peaks_mib[kind] = max(account.peaks_mib.get(kind, 0), peak_kib >> 10)


def _status(config: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "filmscand.daemon.cli", "status", "--config", str(config), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.stdout.startswith("{"), done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _rest(config: Path, service: subprocess.Popen[bytes], account: Account, at_most_s: float) -> bool:
    """Wait until nothing arrives and nothing is in line at three looks one after another; False: it did not come."""
    quiet, deadline_s = 0, time.monotonic() + at_most_s
    while quiet < 3 and time.monotonic() < deadline_s:
        assert service.poll() is None, "the service ended"
        measure(service.pid, account)
        status = _status(config)
        in_line = sum(status["states"][state] for state in ("reserved", "queued", "processing"))
        quiet = 0 if in_line or status["arriving"] else quiet + 1
        time.sleep(1.0)
    return quiet >= 3


def _account_for(
    dropped: dict[str, str | None], drop: Path, archive: Path, status: dict[str, Any], account: Account
) -> None:
    kept = {_sha256(path) for path in archive.rglob("*") if path.stem.endswith(("_raw", "_ir"))}
    failed = dict(_reports(drop / "_failed"))
    duplicates = {_sha256(path) for path in (drop / "_duplicates").rglob("*")}
    waiting = {one["path"]: one["reason"] for one in status["waiting"]}
    for path, sha256 in dropped.items():
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        if waiting.get(shown):
            account.told["waits with a reason"] += 1
        elif os.path.lexists(drop / path) and Path(path).parts[0].startswith("."):
            account.told["hidden, never taken"] += 1
        elif os.path.lexists(drop / path):
            account.unnamed.append(shown)
        elif path in failed and failed[path] == sha256:
            account.told["failed with a report"] += 1
        elif sha256 in duplicates and sha256 in kept:
            account.told["duplicate"] += 1
        elif sha256 in kept:
            account.told["archived"] += 1
        else:
            account.lost.append(shown)


def _reports(failed: Path) -> Iterator[tuple[str, str | None]]:
    """Yield the name and the hash of each failed file that a report beside it names, with what is wrong."""
    for report in failed.rglob(f"*{REPORT_ENDING}"):
        told = json.loads(report.read_text())
        if told["message"]:
            yield told["file"], _sha256(report.with_name(report.name.removesuffix(REPORT_ENDING)))
