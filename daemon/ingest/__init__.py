"""Watch folders: from a file that somebody drops to a frame in the archive and in the queue.

Owns settling, pairing, claiming, and getting the source files out of the way. Imports archive, database, station, core.
"""
