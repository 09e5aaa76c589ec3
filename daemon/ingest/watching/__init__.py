"""The files of one watch folder: which are there, when each is complete, and where it goes when it is done with.

Owns listing and events, settling, the check of the content, the way of an arriving file, and the folders for files that
are put away. Changes nothing in the archive. Imports `ingest.pairs`, the folder's troubles, `archive.files`, database,
station and core, and the readers of `drivers.files`.
"""
