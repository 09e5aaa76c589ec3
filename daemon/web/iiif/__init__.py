"""The IIIF Image API 3.0 at level 2: what a frame shows there, what an address asks for, and what is offered.

Imports tiles, which make the pictures, and what they import.
"""
