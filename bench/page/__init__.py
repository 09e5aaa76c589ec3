"""The load of the page, `python -m bench.page`: twenty browsers beside a batch, long rolls, 200,000 frames.

May import `bench.frames`, `bench.measures` and all of `filmscand`.
"""
