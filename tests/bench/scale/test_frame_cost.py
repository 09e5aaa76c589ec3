"""What a frame costs, of a small one."""

from __future__ import annotations

import os

import pytest

from bench.scale import frame_cost

pytestmark = pytest.mark.usefixtures("compiled_engine")


def test_seconds_bytes_and_files_of_a_frame_are_measured_and_the_environment_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(frame_cost, "_ROWS", 160)
    monkeypatch.setattr(frame_cost, "_COLS", 240)
    before = dict(os.environ)
    cost = frame_cost.measure_frame(tmp_path)
    assert dict(os.environ) == before
    assert cost.clean_s > 0
    assert cost.raw_bytes == (tmp_path / "frame.tif").stat().st_size
    assert cost.revision_bytes > 160 * 240 * 3
    # The folder, the raw file and the sidecar; clean picture, mask and access image.
    assert (cost.raw_inodes, cost.revision_inodes) == (3, 3)
    assert cost.result.revision == 1
