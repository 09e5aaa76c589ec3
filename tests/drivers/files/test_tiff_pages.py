"""An opened film file is checked: its lengths, and that it does not change."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from filmscand.drivers.files.reader import (
    FileTruncatedError,
    read_capture,
)
from support.film_pages import rgbi_page, write_pages


def test_file_that_grows_while_it_is_read_is_to_be_waited_for(tmp_path, monkeypatch):
    path = write_pages(tmp_path / "frame.tif", rgbi_page())
    wait_and_touch(monkeypatch, lambda: path.write_bytes(path.read_bytes() + b"more"))
    with pytest.raises(FileTruncatedError, match="changed while it was read"):
        read_capture(path)


def wait_and_touch(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Change the file between the first look at it and the last."""
    looks: list[int] = []
    real_fstat = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        looks.append(descriptor)
        if len(looks) == 2:
            change()
        return real_fstat(descriptor)

    monkeypatch.setattr("filmscand.drivers.files.tiff_pages.os.fstat", fstat)
