"""The station on this machine: its configuration, its lock, its logs, room on its disks, notification of systemd.

Imports core.
"""
