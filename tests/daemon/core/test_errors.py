"""Which error an `OSError` becomes, by what the caller can do about it, and whose fault an error is."""

import errno
import sqlite3
from pathlib import Path

import pytest

from filmscand.daemon.core.errors import (
    ArchiveUnwritableError,
    ConfigError,
    Fault,
    FrameMissingError,
    IntegrityError,
    ModelUnusableError,
    SourceChangedError,
    SourceUnreadableError,
    StorageFullError,
    TransientError,
    reading_source,
    storing,
    whose,
)

FILE = Path("/archive/a.tif")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, StorageFullError),
        (errno.EDQUOT, StorageFullError),
        (errno.EFBIG, StorageFullError),
        (errno.EROFS, ArchiveUnwritableError),
        (errno.EACCES, ArchiveUnwritableError),
        (errno.EIO, ArchiveUnwritableError),
        (errno.ESTALE, ArchiveUnwritableError),
        (errno.ENOENT, ArchiveUnwritableError),
    ],
)
def test_trouble_of_the_archives_disk_is_transient_and_names_file_and_operation(number, kind):
    with pytest.raises(kind, match=r"^/archive/a\.tif: cannot rename: ") as caught, storing(FILE, "rename"):
        raise OSError(number, "why")
    assert isinstance(caught.value, TransientError)
    assert caught.value.__cause__.errno == number


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOENT, SourceChangedError),
        (errno.ELOOP, SourceChangedError),
        (errno.EISDIR, SourceChangedError),
        (errno.EACCES, SourceUnreadableError),
        (errno.EIO, SourceUnreadableError),
        (errno.EHOSTDOWN, SourceUnreadableError),
    ],
)
def test_a_source_that_is_gone_has_changed_and_any_other_trouble_may_pass(number, kind):
    with pytest.raises(kind, match=r"^/archive/a\.tif: cannot read: "), reading_source(FILE):
        raise OSError(number, "why")


@pytest.mark.parametrize("manager", [storing, reading_source])
def test_other_errors_pass_unchanged(manager):
    with pytest.raises(ValueError, match="engine"), manager(FILE):
        raise ValueError("engine")


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (StorageFullError("full"), Fault.WORLD),
        (SourceUnreadableError("share"), Fault.WORLD),
        (OSError(errno.EMFILE, "descriptors"), Fault.WORLD),
        (MemoryError(), Fault.WORLD),
        (sqlite3.OperationalError("locked"), Fault.WORLD),
        (sqlite3.IntegrityError("a value of a row"), Fault.FRAME),
        (sqlite3.DataError("too large a number"), Fault.FRAME),
        (ConfigError("line 3"), Fault.CONFIGURATION),
        (ModelUnusableError("own.onnx"), Fault.CONFIGURATION),
        (ValueError("no picture"), Fault.FRAME),
        (IntegrityError("hash"), Fault.FRAME),
        (FrameMissingError("raw"), Fault.FRAME),
        (ZeroDivisionError("engine"), Fault.FRAME),
    ],
)
def test_only_what_would_come_again_with_the_frame_is_its_own_fault(error, fault):
    assert whose(error) is fault
