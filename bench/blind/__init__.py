"""The blind bench, `python -m bench.blind`: how well dust is found without infrared.

Owns its frames, which no training has seen, its scores by kind and strength of defect, its finders and its tables. May
import `bench.frames`, `bench.measures`, `bench.peers` and `training`.
"""
