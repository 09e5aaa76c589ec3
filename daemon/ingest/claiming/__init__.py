"""Takes complete frames from a watch folder into the archive and the queue; a kill loses and doubles nothing.

Owns the claim, its halves (picture and infrared), infrared files that come late, and the roll that a folder stands for.
Imports `ingest.watching`, archive, database, station and core.
"""
