"""The command line, one module for each group of commands: reads the arguments, runs the command, prints the result.

May import every room. A module imports a room only when a command needs it, so that `--help` stays quick.
"""

from filmscand.daemon.cli.app import main

__all__ = ["main"]
