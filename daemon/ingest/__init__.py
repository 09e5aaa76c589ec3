"""Watch folders: from a file that somebody drops to a frame in the archive and in the queue.

`threads` runs each folder and calls the rooms, each of which imports those after it: `claiming` (from the folder into
the archive), `watching` (the files of the folder: what is there, what is complete, where it is put away) and `pairs`
(which files make one frame). Owns the plan of a thread, and the alarms and pauses after its troubles. Imports archive,
database, station, core.
"""
