"""Healing of defects: divided out, filled or blended, with the film's grain. Imports decision and the rooms below."""
