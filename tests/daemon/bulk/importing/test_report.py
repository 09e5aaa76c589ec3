"""The report of an import: its counts, its exit status, and its table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from filmscand.daemon.bulk.importing.report import Fate, FileFate, ImportReport
from filmscand.daemon.core.exit_status import Exit


def report(*fates):
    files = (FileFate(f"{number}.tif", fate, reason="a, reason") for number, fate in enumerate(fates))
    return ImportReport(Path("/mnt/campaign"), False, tuple(files))


@pytest.mark.parametrize(
    ("fates", "status"),
    [
        ((), Exit.DONE),
        ((Fate.IMPORTED, Fate.DUPLICATE, Fate.IGNORED), Exit.DONE),
        ((Fate.IMPORTED, Fate.REJECTED), Exit.PART_FAILED),
        ((Fate.DUPLICATE, Fate.WAITING), Exit.PART_FAILED),
        ((Fate.REJECTED, Fate.IGNORED), Exit.FAILED),
    ],
)
def test_the_exit_status_tells_whether_a_file_was_not_imported(fates, status):
    assert report(*fates).exit_status is status


def test_both_files_of_a_pair_are_one_frame():
    pair = tuple(FileFate(name, Fate.IMPORTED, "c/b/r_0001") for name in ("a.tif", "a_ir.tif"))
    found = ImportReport(Path("/mnt/campaign"), False, pair)
    assert (found.frames, found.counts["imported"]) == (1, 2)


def test_the_table_has_a_line_for_each_file():
    lines = list(csv.DictReader(report(Fate.REJECTED, Fate.DUPLICATE).as_csv().decode().splitlines()))
    assert [(line["path"], line["fate"], line["reason"]) for line in lines] == [
        ("0.tif", "rejected", "a, reason"),
        ("1.tif", "duplicate", "a, reason"),
    ]
