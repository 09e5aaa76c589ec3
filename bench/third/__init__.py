"""The third simulator: film, damage, infrared and pictures that share no code with `film/`, `training/` or the second.

Owns `python -m bench.third`: what a frame is made of (`recipe`, `kinds`), its pictures, film, dirt, optics and coding,
and the scores of filmscand and its peers on them. Imports the benches' frames, measures and peers only; the engine is
called through them and through `filmscand.ir`.
"""
