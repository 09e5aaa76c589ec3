"""The folder of one frame: the paths in it, the pictures that are written there, and their verification.

Owns the names of a frame's files, the files of a revision with their tags and encodings, infrared files that were
replaced, and the comparison of the folder with its sidecar. Imports `archive.records`, `archive.files`, database and
core, and the file writers of `drivers.files`.
"""
