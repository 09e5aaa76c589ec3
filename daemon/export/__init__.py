"""What is given away: finished pictures for photo programs, raw files for VueScan, whole rolls for other archives.

Owns the choice and the look of a finished picture, its tags, the names and the manifest of exported files, OCFL objects
and ZIP files of rolls. Reads the archive and never writes to it. Imports cleaning (the tones of access images),
archive, database, station and core, and the file readers and writers of `drivers.files`.
"""
