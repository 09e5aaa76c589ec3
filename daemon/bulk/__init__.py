"""Work on many thousands of files or frames at once, a room for each kind.

`importing` takes folders of finished files into the archive. Imports maintenance, ingest, archive, database, station
and core.
"""
