"""Frames cleaned by workers of a Dask cluster: who may help, the frames that are out, and what a worker does.

Workers touch the archive that they share with the station and nothing else; only `holdings` writes to the database.
"""
