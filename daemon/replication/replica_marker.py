"""The marker `.filmscand/replica.json` at a target: whose copies lie there, and which place it is.

A bare mount point looks like a new, empty target: copies would go to the wrong disk. So the station keeps the id of
each target's marker in its database, and a target that has lost its marker is not there.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Final

from pydantic import ValidationError

from filmscand.daemon.core.request import Record
from filmscand.daemon.replication.store import OWN_FOLDER, Store, TargetError

REPLICA_MARKER: Final = f"{OWN_FOLDER}/replica.json"
_SCHEMA: Final = 1


class ReplicaMarker(Record):
    """The content of the marker.

    Attributes
    ----------
    replica_id : str
        UUID of this place.
    archive_id : str
        UUID of the archive whose rolls are copied there.
    station : str
        Host and folder of the station that began it, for people.
    made_at : str
        When that was, UTC, ISO 8601.
    """

    schema_version: int = _SCHEMA
    replica_id: str
    archive_id: str
    station: str
    made_at: str


def require_own(store: Store, archive_id: str, known_id: str | None, station: str) -> str:
    """Require that copies of this archive belong at the target; mark a new one. Return the id of the place.

    Parameters
    ----------
    store : Store
        The target, opened.
    archive_id : str
        The archive's id.
    known_id : str or None
        The id that the target had before; None: it is new to the station.
    station : str
        Host and folder of the station, for people.

    Raises
    ------
    TargetError
        The disk of the target is not mounted, another one is, or the place belongs to something else.
    """
    marker = _read(store)
    if marker is None and known_id is not None:
        raise TargetError(
            f"{store.place}: expected the copies that were made there, but {REPLICA_MARKER} is missing. Mount its "
            "disk. If the copies are gone and shall be made anew, give the target another name in the configuration"
        )
    if marker is None:
        if not store.is_empty():
            raise TargetError(
                f"{store.place}: expected an empty place for copies, or copies of this archive, found something else. "
                "Make a folder, or choose a prefix, for the copies alone"
            )
        new = ReplicaMarker(
            replica_id=str(uuid.uuid4()),
            archive_id=archive_id,
            station=station,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        content = json.dumps(new.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
        store.put_bytes(REPLICA_MARKER, content.encode(), replace=False)
        # Read back: of two stations that begin at the same time, one finds the marker of the other.
        marker = _read(store) or new
    if marker.archive_id != archive_id:
        raise TargetError(
            f"{store.place}: the copies there are of another archive, that of {marker.station}. Choose another place"
        )
    if known_id is not None and marker.replica_id != known_id:
        raise TargetError(
            f"{store.place}: other copies of this archive lie there than before; was another disk mounted? Mount the "
            "right one, or give the other disk a target of its own"
        )
    return marker.replica_id


def _read(store: Store) -> ReplicaMarker | None:
    content = store.read(REPLICA_MARKER)
    if content is None:
        return None
    try:
        marker = ReplicaMarker.model_validate_json(content)
    except ValidationError as error:
        raise TargetError(
            f"{store.place}: expected the marker of copies in {REPLICA_MARKER}, found something else. Restore it, or "
            "remove it if the copies are this archive's: they are compared, and kept"
        ) from error
    if marker.schema_version > _SCHEMA:
        raise TargetError(
            f"{store.place}: {REPLICA_MARKER} is of schema {marker.schema_version} of a newer filmscand. Update it here"
        )
    return marker
