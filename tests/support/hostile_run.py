"""Runs `filmscand clean` over hostile files: none may end the run, none may go without a word.

Usage: PYTHONPATH=src:tests python -m support.hostile_run [COUNT]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from support.hostile_files import make_hostile

_SEED = 27


def main(count: int) -> int:
    """Make the files, clean them and print what became of them; return the exit status."""
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


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 600))
