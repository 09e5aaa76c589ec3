"""Benches: quality, speed and memory of filmscand, beside other methods. Run from the checkout; not installed.

Owns the commands `python -m bench.NAME`: `quality`, `second`, `blind`, `speed`, `throughput`, `scanning` and `leakage`
measure and write their figures to `bench/out/`, `report` prints those figures as a page of the documentation, `demo`
shows the main job end to end, `picture` makes the picture of the README. `frames` makes the frames to measure on,
`measures` holds what is measured, `peers` the methods to compare with.

May import everything: `filmscand` (the service included) and `training`.
"""
