"""The archive tree: where the files of a frame lie, how each appears whole or not at all, what is recorded of it.

Owns sidecars, events, roll records, revisions, bags and verification. Imports database, station and core, and the file
writers of `drivers.files`.
"""
