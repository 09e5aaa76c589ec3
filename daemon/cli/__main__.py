"""Run the command line: ``python -m filmscand.daemon.cli``."""

from filmscand.daemon.cli import main

main()
