"""Where frames come from: SANE scanners, the virtual scanner, and the files of other scanning programs.

Each source gives a `Capture` (`base.py`). Imports `film`, for the virtual scanner alone, and `config`, for recipes.
"""
