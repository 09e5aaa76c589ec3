"""Heals defects: divides, fills or blends them, and gives fills the film's grain.

Owns the light that a defect takes, its fill, and its grain. Imports decision and the rooms below.
"""
