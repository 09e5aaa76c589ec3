"""The demo, `python -m bench.demo`, which `make run` calls: the main job end to end on a scratch station.

May import `bench.frames`, `bench.measures` and all of `filmscand`.
"""
