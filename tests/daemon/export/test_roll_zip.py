"""A roll as a ZIP file: any program opens it, and the same roll gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import zipfile

from filmscand.daemon.export.roll_files import roll_content
from filmscand.daemon.export.roll_zip import write_zip
from support.given_frames import frame_id

ROLL = frame_id(1).roll_folder


class OneWay(io.RawIOBase):
    """Takes bytes in order, as a file that is hashed while it is written."""

    def __init__(self):
        self.content = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.content += data
        return len(data)


def packed(archive):
    out = OneWay()
    write_zip(out, archive.root, roll_content(archive, ROLL))
    return bytes(out.content)


def test_every_file_comes_out_as_it_went_in(archive):
    with zipfile.ZipFile(io.BytesIO(packed(archive))) as opened:
        assert opened.testzip() is None
        for file in roll_content(archive, ROLL).files:
            content = opened.read(f"roll-7/{file.name}")
            assert hashlib.sha512(content).hexdigest() == file.digest.sha512


def test_the_same_roll_gives_the_same_bytes(archive):
    assert packed(archive) == packed(archive)


def test_nothing_in_it_depends_on_the_moment_the_user_or_the_order_of_the_disk(archive):
    with zipfile.ZipFile(io.BytesIO(packed(archive))) as opened:
        entries = opened.infolist()
    assert {(one.date_time, one.external_attr >> 16, one.compress_type) for one in entries} == {
        ((1980, 1, 1, 0, 0, 0), 0o100644, zipfile.ZIP_STORED)
    }
    assert [one.filename for one in entries] == sorted(one.filename for one in entries)
