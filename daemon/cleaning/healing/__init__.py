"""Healing by another program: our detection decides which pixels are defects, a command fills them.

Owns the files that the command gets, the process that keeps it, and the check of its result. Imports archive, station
and core, and the writers of `drivers.files`.
"""
