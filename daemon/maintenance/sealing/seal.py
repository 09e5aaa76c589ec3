"""Seals rolls: the folder of a roll becomes a BagIt bag, and no frame can be added to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing

from filmscand.daemon.archive.files.atomic_file import publish_bytes
from filmscand.daemon.archive.records import bag
from filmscand.daemon.archive.records.known import remember_sealing
from filmscand.daemon.archive.revising import sealing_roll
from filmscand.daemon.core.frame_id import FrameId
from filmscand.daemon.database.connection import open_database
from filmscand.daemon.maintenance.sealing.bag_files import (
    other_tag_files,
    remove_parts,
    take_back,
    write_bag,
    write_lists,
)
from filmscand.daemon.maintenance.sealing.contents import first_digests
from filmscand.daemon.maintenance.sealing.labels import PROFILE, Labels, own_labels, with_changes
from filmscand.daemon.maintenance.sealing.profile import BagToBe, read_profile, require_conforming
from filmscand.daemon.maintenance.sealing.readiness import (
    Looks,
    looks,
    require_finished,
    require_never_sealed,
    require_sound,
    require_unchanged,
)
from filmscand.daemon.maintenance.sealing.roll import (
    RollToSeal,
    RollUnfinishedError,
    Sealed,
    roll_to_seal,
    sealing_event,
)
from filmscand.daemon.maintenance.sealing.seal_again import seal_again
from filmscand.daemon.station.configuration import Station


def seal(station: Station, roll: str, labels: Mapping[str, str] | None = None) -> Sealed:
    """Seal a roll: read every file back and compare it, then write the files of the bag, `bagit.txt` last.

    If it is killed before `bagit.txt` is written, the roll stays open; sealing it again replaces the other files. A
    roll that was sealed and reopened for revisions becomes a bag again (`seal_again`).

    Parameters
    ----------
    roll : str
        `collection/box/roll`.
    labels : mapping, optional
        More lines for `bag-info.txt`; each takes the place of those that the configuration has of its name.

    Raises
    ------
    RollSealedError
        The roll is sealed already.
    RollUnfinishedError
        A frame is queued, failed or has no sidecar, a session scans into the roll, or the roll changed meanwhile.
    IntegrityError
        A known frame is gone, or a file is missing or differs from its record: a damaged roll is not sealed. Or the
        roll was sealed before, and its `bagit.txt` is gone.
    LabelError
        A label is not allowed in `bag-info.txt`.
    ProfileError
        The bag would not conform to the profile that the station's configuration names.
    """
    lines = with_changes(station.bag.all_labels(), labels or {})
    one = roll_to_seal(station, roll)
    if one.archive.is_reopened(one.first):
        return seal_again(one, labels or {})
    one.archive.require_open(one.first)
    require_never_sealed(one)
    frames = one.frames()
    require_finished(one, frames)
    one.archive.remove_leftovers(frames)
    remove_parts(one.folder)
    seen = looks(one.folder)
    lines = _conforming(one, seen, lines)
    require_sound(one)
    with sealing_roll(one.archive, one.first):
        return _seal_first(one, frames, seen, lines)


def _conforming(one: RollToSeal, seen: Looks, lines: Labels) -> Labels:
    """Require that the bag would conform to the station's profile, if there is one; return its lines, which name it."""
    path = one.station.bag.profile
    if path is None:
        return lines
    profile = read_profile(path)
    lines = (*lines, (PROFILE, profile.info.identifier))
    sizes = [size_bytes for size_bytes, _ in seen.values()]
    to_be = BagToBe((*own_labels(one.name, sizes), *lines), one.station.bag.manifests, other_tag_files(one.folder))
    require_conforming(path, profile, to_be)
    return lines


def _seal_first(one: RollToSeal, frames: Sequence[FrameId], seen: Looks, lines: Labels) -> Sealed:
    one.archive.require_open(one.first)
    # An earlier attempt that was killed may have used other algorithms.
    take_back(one.folder)
    algorithms = one.station.bag.manifests
    digests = first_digests(one.archive, one.folder, frames, algorithms)
    sizes = [path.stat().st_size for path in digests]
    event = sealing_event(one, len(digests), 1)
    one.archive.append_events(one.first, [event])
    write_lists(one.archive, one.folder, frames)
    write_bag(one.folder, digests, (*own_labels(one.name, sizes), *lines), algorithms)
    publish_bytes(one.folder / bag.DECLARATION, bag.DECLARED, replace=True)
    try:
        require_finished(one, frames)
        require_unchanged(one, seen)
    except RollUnfinishedError as error:
        take_back(one.folder)
        failed = {"id": str(uuid.uuid4()), "outcome": str(error)}
        one.archive.append_events(one.first, [event.model_copy(update=failed)])
        raise
    if one.station.database.exists():
        with closing(open_database(one.station.database)) as connection:
            remember_sealing(connection, one.archive.root, one.first.roll_folder)
    return Sealed(one.name, one.folder, len(frames), len(digests), sum(sizes))
