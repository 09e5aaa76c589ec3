"""Film files: reads the files of other scanning programs, and writes TIFF.

Imports drivers.base.
"""
