"""Work on many thousands of files or frames at once, a room for each kind.

`importing` takes folders of finished files into the archive, `recleaning` cleans parts of the archive again. Imports
maintenance and every room below it.
"""
