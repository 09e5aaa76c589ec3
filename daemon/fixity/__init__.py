"""Whether the archive still holds what was put into it: it is read back all the time, and compared with a copy.

`threads` and `audit` read part after part in the background, `compare` and `repair` work with a second copy of the
archive, `findings` notes what was found wherever it is read later. Imports maintenance and every room below it.
"""
