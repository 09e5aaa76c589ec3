"""Runs hostile files through `filmscand clean` or a watch folder: none may end it, none may go without a word.

Usage: PYTHONPATH=src:tests python -m support.hostile_run [COUNT] [--watch]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from support.hostile_files import make_hostile
from support.hostile_watch import SERVICE_LIMIT_MIB, child_peak_mib, run_watch

_SEED = 27
# Longest time until the service has come to rest, seconds.
_REST_S = 900.0


def main() -> int:
    """Make the files, let them be taken and print what became of them; return the exit status."""
    words = argparse.ArgumentParser(prog="python -m support.hostile_run")
    words.add_argument("count", type=int, nargs="?", default=600)
    words.add_argument("--watch", action="store_true", help="through a watch folder of a running service")
    found = words.parse_args()
    return _through_watch(found.count) if found.watch else _through_clean(found.count)


def _through_clean(count: int) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "in")
        folder.mkdir()
        files = make_hostile(folder, count, _SEED)
        command = [Path(sys.executable).with_name("filmscand"), "clean", *files, "--output", Path(scratch, "out")]
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        frames = json.loads(done.stdout)["frames"]
    told = Counter("cleaned" if frame["error"] is None else "refused" for frame in frames)
    unnamed = [
        frame["picture"] for frame in frames if frame["error"] and Path(frame["picture"]).name not in frame["error"]
    ]
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    print(f"{len(files)} files: {dict(told)}, {len(unnamed)} not named; peak of one process {peak_mib} MiB")
    print(*unnamed[:10], done.stderr[-2000:], sep="\n")
    return int(len(frames) != len(files) or bool(unnamed))


def _through_watch(count: int) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        account = run_watch(Path(scratch), count, _SEED, _REST_S)
        log = Path(scratch, "service.log").read_text()
    total = account.told.total() + len(account.lost)
    print(f"{total} files: {dict(account.told)}, {len(account.lost)} lost, {len(account.unnamed)} not named")
    print(f"peaks in MiB: {account.peaks_mib} (service below {SERVICE_LIMIT_MIB}, children below {child_peak_mib()})")
    print(f"at rest: {account.rested}; tracebacks in the log: {log.count('Traceback')}")
    print(*[f"lost: {name!r}" for name in account.lost[:20]], sep="\n")
    print(*[f"not named: {name!r}" for name in account.unnamed[:20]], sep="\n")
    if log.count("Traceback"):
        print(log[max(log.rfind("Traceback") - 500, 0) :][:4000])
    return int(not account.ok)


if __name__ == "__main__":
    sys.exit(main())
