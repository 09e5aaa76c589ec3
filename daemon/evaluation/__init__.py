"""Measures cleaning on pairs of damaged and restored pictures that a person provides (`filmscand evaluate`).

Imports core and the engine; it needs no station.
"""
