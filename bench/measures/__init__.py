"""Measures: scores of a cleaned frame, seconds and memory of a process, tables, crop sheets, the files of figures.

Owns what is measured and how it is shown. May import `bench.frames`, `training.mask_agreement` and `filmscand.film`.
"""
