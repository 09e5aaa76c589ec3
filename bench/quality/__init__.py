"""The quality bench, `python -m bench.quality`: what is found and how well it is healed, on every kind of film.

May import `bench.frames`, `bench.measures` and `bench.peers`.
"""
