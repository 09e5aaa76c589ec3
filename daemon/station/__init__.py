"""What a station is told and where it lives: its configuration, its lock, its logs, its disk, and word to systemd.

Imports core.
"""
