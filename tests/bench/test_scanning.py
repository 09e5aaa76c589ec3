"""The table of scanned magazines."""

from __future__ import annotations

import pytest

from bench.scanning import MagazineScan, scan_table

MB = 1_000_000
SCAN = MagazineScan(200 * MB, (10.0, 12.0, 13.0, 16.0), 8.0, 3, 100 * MB, 450 * MB)


def test_the_first_frame_which_opens_the_scanner_has_no_time_of_its_own():
    assert SCAN.frame_s == [2.0, 1.0, 3.0]


def test_magazines_stand_side_by_side():
    table = scan_table("fast", {"alone": SCAN, "while workers clean": SCAN})
    rows = {row[0]: row[1:] for row in table.rows}
    assert [column.name for column in table.columns] == ["figure", "alone", "while workers clean"]
    assert rows["seconds a frame, median"] == (2.0, 2.0)
    assert rows["MB/s, fastest"][0] == pytest.approx(200)
    assert rows["processor seconds a frame"][0] == 2.0
    assert rows["service's memory above one frame, MB"][0] == pytest.approx(150)
