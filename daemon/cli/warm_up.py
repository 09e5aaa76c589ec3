"""The command `filmscand warm-up`, and the message of a command that has to compile first."""

from __future__ import annotations

import sys

from filmscand.daemon.cli.report import print_json
from filmscand.daemon.cli.stations import AsJson


def warm_up(as_json: AsJson = False) -> None:
    """Compile the engine for this machine, once, so that the first frame does not wait for it."""
    from filmscand.daemon.cleaning.warm_up import warm_up

    announce_compiling()
    done = warm_up()
    if as_json:
        print_json(done)
    elif done.compiled:
        print(f"{done.compiled} of {done.kernels} kernels compiled in {done.seconds:.0f} s, kept in {done.folder}")
    else:
        print(f"all {done.kernels} kernels are ready in {done.folder}")


def announce_compiling() -> None:
    """Say so on stderr if kernels have to be compiled: nothing else shows for a while."""
    from filmscand.daemon.cleaning.warm_up import announcement, missing_kernels

    missing = missing_kernels()
    if missing:
        print(f"filmscand: {announcement(len(missing))}", file=sys.stderr)
