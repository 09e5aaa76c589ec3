"""Cleans any part of the archive again, with the station's own workers or on a cluster, and tells what changed.

A run writes nothing of its own: what is done shows in the database, so a run that was stopped goes on where it was.
"""
