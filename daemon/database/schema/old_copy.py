"""Copies a database as it was before its schema was changed: with the copy, an older filmscand can go on."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path


def old_copy(database: Path, schema: int) -> Path:
    """Return where the copy of a database of an older schema lies: beside it, NAME.schema-N."""
    return database.with_name(f"{database.name}.schema-{schema}")


def keep_old_copy(database: Path, schema: int) -> Path:
    """Copy the database, and what its log holds, to the place that `old_copy` names; an earlier copy there is replaced.

    The caller holds the write lock: nobody writes meanwhile. The copy has its name only when it is on the disk.

    Parameters
    ----------
    database : Path
        The database file.
    schema : int
        The number of its schema.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    sqlite3.Error, OSError
        If it cannot be read or written.
    """
    target = old_copy(database, schema)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=database.parent) as folder:
        part = Path(folder, target.name)
        with (
            closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(part)) as copy,
        ):
            source.backup(copy)
            # A single file, without a log that would have to go with it.
            copy.execute("PRAGMA journal_mode = DELETE")
        part.chmod(database.stat().st_mode & 0o777)
        _sync(part)
        part.replace(target)
        _sync(database.parent)
    return target


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
