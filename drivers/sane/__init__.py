"""Scanners through python-sane, each in a process of its own that may crash or freeze. Imports scanner and base."""
