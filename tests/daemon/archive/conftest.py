"""An archive of its own for each test; its folder is made when the first frame comes."""

from __future__ import annotations

import pytest

from filmscand.daemon.archive.tree import Archive


@pytest.fixture
def archive(tmp_path):
    return Archive(tmp_path / "archive")
