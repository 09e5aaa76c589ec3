"""Scanners that another program drives: a recipe names its command lines, and the picture is the file that it writes.

Imports drivers.child, drivers.files, drivers.scanner and drivers.base.
"""
