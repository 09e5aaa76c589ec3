"""Two files are compared in a process of its own."""

from __future__ import annotations

from filmscand.daemon.core.request import CleanRequest
from filmscand.daemon.ingest.pairs.belonging import why_not
from support.live_station import write_infrared, write_picture

GIB = 1 << 30


def ask(picture, infrared, memory_limit_bytes=GIB):
    return why_not(picture, infrared, CleanRequest(), memory_limit_bytes=memory_limit_bytes)


def test_only_an_infrared_of_the_same_film_belongs(tmp_path):
    picture = write_picture(tmp_path / "a.tif", 1)
    assert ask(picture, write_infrared(tmp_path / "a_ir.tif", 1)) is None
    assert "same place" in ask(picture, write_infrared(tmp_path / "b_ir.tif", 2))


def test_files_that_cannot_be_compared_are_left_to_a_person(tmp_path):
    picture = write_picture(tmp_path / "a.tif", 1)
    assert "cannot be compared" in ask(picture, tmp_path / "missing_ir.tif")
    assert "cannot be compared" in ask(picture, write_infrared(tmp_path / "a_ir.tif", 1), memory_limit_bytes=1)
