"""Rolls become BagIt bags, and become bags again after their frames were cleaned anew.

Owns what has to be true before a roll is sealed, the files that sealing writes, the check against a BagIt profile, and
the thread that seals reopened rolls again. Imports archive, database, station, core and the identity of the station.
"""
