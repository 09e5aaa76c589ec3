"""Scanning sessions: one thread for each scanner, from the first slide to the last, and what to do about trouble.

Imports archive, database, station, core, and the scanners of `drivers`.
"""
