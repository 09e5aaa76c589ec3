"""Which files make one frame: by their names, and by what their planes show.

Owns the pairing of pictures and infrared files, and the process that compares two planes. Touches neither the watch
folder nor the archive. Imports database, station and core, and the readers of `drivers.files`.
"""
