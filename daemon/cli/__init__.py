"""The command line: one module for each group of commands. It reads what is asked, has it done, and says how it went.

Modules import the rooms that they need only when a command runs, so that `--help` stays quick.
"""

from filmscand.daemon.cli.app import main

__all__ = ["main"]
