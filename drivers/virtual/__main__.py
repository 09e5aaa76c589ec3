"""Run a virtual film scanner: ``python -m filmscand.drivers.virtual --model coolscan3 --slides 6``."""

from filmscand.drivers.virtual.command import main

main()
