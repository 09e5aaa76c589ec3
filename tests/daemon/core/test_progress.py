from __future__ import annotations

from filmscand.daemon.archive.files.atomic_file import hash_file
from filmscand.daemon.core.progress import bytes_told_to


def test_every_byte_that_is_read_back_is_told_to_who_listens_and_to_nobody_else(tmp_path):
    file = tmp_path / "a.tif"
    file.write_bytes(bytes(9_000_000))
    told: list[int] = []
    hash_file(file)
    with bytes_told_to(told.append):
        hash_file(file)
    hash_file(file)
    assert sum(told) == 9_000_000
