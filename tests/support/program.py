"""The program as a process of its own, on a station in a folder of the test."""

import os
import subprocess
import sys

PROGRAM = [sys.executable, "-m", "filmscand.daemon.cli"]


def station_environment(folder):
    """Return the environment of a process whose station lies in `folder`."""
    plain = {name: value for name, value in os.environ.items() if name not in ("STATE_DIRECTORY", "INVOCATION_ID")}
    return {**plain, "FILMSCAND_STATION": str(folder / "station"), "COLUMNS": "200"}


def program_in(environment):
    """Return a function that runs the program with its arguments, and lets no traceback pass."""

    def run(*arguments):
        done = subprocess.run(
            [*PROGRAM, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=120
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run
