"""Scanners driven through python-sane, each in a process of its own, because libsane may crash or freeze.

Imports drivers.child, drivers.scanner and drivers.base.
"""
