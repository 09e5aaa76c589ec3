"""Any single file of the archive: written whole or not at all, copied from a source that may change, named when wrong.

Owns atomic writing and hashing, the reading of source files, the top of the archive below which everything is made, and
the word for what is wrong with a file. Knows nothing of frames and rolls. Imports station and core.
"""
