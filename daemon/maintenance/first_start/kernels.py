"""Compiles the engine for the user of the service, so that its first frame does not wait."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Final

from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.daemon.maintenance.first_start.ground import Ground

# As in systemd/filmscand.service: its CacheDirectory, and NUMBA_CACHE_DIR below it.
_CACHE: Final = Path("/var/cache/filmscand")
_ADVICE: Final = "the service compiles the engine when it first starts; `filmscand warm-up` as its user tells more"


def compile_kernels(ground: Ground, cache: Path = _CACHE) -> Check:
    """Compile what is missing, and return whether the kernels are ready.

    Parameters
    ----------
    cache : Path
        Folder in which the installed service keeps them.
    """
    environment = {}
    if ground.is_installed:
        environment["NUMBA_CACHE_DIR"] = str(cache / "numba")
        if os.geteuid() == 0 and not cache.is_dir():
            cache.mkdir(parents=True)
            os.chown(cache, ground.owner.user, ground.owner.group)
    try:
        done = ground.owner.run([sys.executable, "-m", "filmscand.daemon.cli", "warm-up", "--json"], environment)
    except OSError as error:
        return Check("kernels", Verdict.WARNING, f"not compiled: {error}", _ADVICE)
    if done.returncode != 0:
        reason = done.stderr.strip().rpartition("\n")[2] or f"status {done.returncode}"
        return Check("kernels", Verdict.WARNING, f"not compiled: {reason}", _ADVICE)
    answer = json.loads(done.stdout)
    now = f"{answer['compiled']} of them compiled now, " if answer["compiled"] else ""
    return Check("kernels", Verdict.OK, f"{answer['kernels']} ready, {now}in {answer['folder']}")
