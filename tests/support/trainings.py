"""A training that is as small as one can be."""

from __future__ import annotations


def options(folder, *more):
    """Return the options of a training with four sheets of 96 pixels; `more` are further words of its command line."""
    from training.train import parse

    tiny = "--sheets 4 --sheet-px 96 --crops 2 --crop-px 64 --frame-rows 64 --hours 1"
    return parse([*tiny.split(), "--output", str(folder), *more])
