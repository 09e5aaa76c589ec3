"""Brings the JSON of an older sidecar to the schema of this version, one number after the other.

A migration only adds what the next schema promises; it never drops a field. One that has been released is never edited.
"""

from __future__ import annotations

from typing import Final, Literal

from pydantic import JsonValue

from filmscand.daemon.core.errors import SchemaTooNewError

SCHEMA_VERSION: Final[Literal[2]] = 2
Json = dict[str, JsonValue]


def migrated(plain: JsonValue, name: str) -> Json:
    """Return a sidecar's JSON as schema `SCHEMA_VERSION` has it.

    Parameters
    ----------
    plain : JSON value
        As it was read; left as it is.
    name : str
        The file, for the error message.

    Raises
    ------
    SchemaTooNewError
        A newer filmscand wrote it.
    ValueError
        It is no object with a schema number from 1 on.
    """
    document = _object(plain, "sidecar")
    version = document.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ValueError(f"schema_version: expected a number from 1 on, found {version!r}")
    if version > SCHEMA_VERSION:
        raise SchemaTooNewError(f"{name}: expected a sidecar", SCHEMA_VERSION, version)
    for migrate in _MIGRATIONS[version - 1 :]:
        document = migrate(document)
    return {**document, "schema_version": SCHEMA_VERSION}


def _to_2(document: Json) -> Json:
    """Say whether the frame was scanned, which only the layout's name told, and that the engine is not known."""
    capture = _object(document.get("capture"), "capture")
    revisions = document.get("revisions")
    if not isinstance(revisions, list):
        raise ValueError("revisions: expected a list")
    unknown: Json = {"engine_code_sha256": None, "engine_models_sha256": None}
    return {
        **document,
        "capture": {**capture, "scanned": str(capture.get("layout")).startswith("sane_")},
        "revisions": [{**unknown, **_object(revision, "revision")} for revision in revisions],
    }


_MIGRATIONS = (_to_2,)


def _object(value: JsonValue, what: str) -> Json:
    if not isinstance(value, dict):
        raise ValueError(f"{what}: expected a JSON object")
    return value
