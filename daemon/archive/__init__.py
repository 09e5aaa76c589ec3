"""The archive tree: where the files of a frame lie, how each appears whole or not at all, what is recorded of it.

`tree` writes and reads everything and `verify_rolls` compares everything; nothing else is needed for most work. Below
them, each room imports those after it: `frames` (the folder of one frame), `records` (the JSON and text files that tell
of frames and rolls), `files` (any single file). Imports database, station and core, and the file writers of
`drivers.files`.
"""
