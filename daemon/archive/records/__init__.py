"""The records of the archive, JSON and text: what each holds, how it is written and read, and what makes it wrong.

Owns the sidecar of a frame with its migrations, the events and the roll record of a roll, the bag of a sealed roll, and
the digests that the database keeps of all these. Imports `archive.files`, database, station and core.
"""
