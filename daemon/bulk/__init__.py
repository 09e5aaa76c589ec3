"""Work on very many frames at once: cleaning parts of the archive again.

Imports maintenance and every room below it.
"""
