"""The planes of a frame as counts become densities: photometry, mounts and holders, and a sample of small tiles.

Imports nothing of `ir` but errors, report and statistics.
"""
