"""`metadata/premis.xml`: the events of a roll and its files in the XML of PREMIS 3, as other archives read it.

It is rendered from `metadata/events.jsonl` and the sidecars, which stay the record that counts; the same records give
the same bytes. The order of the elements is that of the schema.

References
----------
PREMIS Data Dictionary for Preservation Metadata, version 3.0; https://www.loc.gov/standards/premis/v3/
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filmscand.daemon.archive.records.events import Event, EventType, read_events
from filmscand.daemon.archive.records.known import EVENTS
from filmscand.daemon.archive.records.sidecar import Sidecar
from filmscand.daemon.core.request import Role, StoredFile

NAMESPACE: Final = "http://www.loc.gov/premis/v3"
EVENT_TYPES: Final = "http://id.loc.gov/vocabulary/preservation/eventType"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA: Final = f"{NAMESPACE} https://www.loc.gov/standards/premis/v3/premis-v3-0.xsd"
# Names of the formats in the words of the PRONOM registry, by the ending of a file.
_FORMATS: Final = {
    "tif": "Tagged Image File Format",
    "dng": "Digital Negative Format (DNG)",
    "png": "Portable Network Graphics",
    "jpg": "JPEG File Interchange Format",
    "jpeg": "JPEG File Interchange Format",
}
_PROGRAM: Final = "filmscand"
_ORIGINALS: Final = (Role.RAW, Role.INFRARED)
# Characters that XML 1.0 cannot hold, not even escaped: a file name may have some.
_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a frame.

    Attributes
    ----------
    path : str
        Its path below the roll, which identifies it in the document.
    source : str or None
        Path of the raw file that it was made from.
    """

    path: str
    stored: StoredFile
    source: str | None


def premis(folder: Path, sidecars: Sequence[Sidecar]) -> bytes:
    """Return the content of `premis.xml` of a roll.

    Parameters
    ----------
    folder : Path
        Folder of the roll; its events are read.
    sidecars : sequence of Sidecar
        Those of all its frames, at least one.
    """
    events = list(read_events(folder / EVENTS))
    roll = "/".join(sidecars[0].frame_id.roll_folder.parts)
    ET.register_namespace("premis", NAMESPACE)
    ET.register_namespace("xsi", _XSI)
    root = ET.Element(_name("premis"), {"version": "3.0", f"{{{_XSI}}}schemaLocation": _SCHEMA})
    _add_roll(root, roll, [event for event in events if event.frame == roll])
    by_path: dict[str, list[Event]] = {}
    for event in events:
        by_path.setdefault(_object_of(event, roll), []).append(event)
    for file in _files(sidecars):
        _add_file(root, file, roll, by_path.get(file.path, ()))
    for event in events:
        _add_event(root, event, roll)
    for name, kind in sorted(_agents(events).items()):
        agent = ET.SubElement(root, _name("agent"))
        _identify(agent, "agentIdentifier", name)
        _add(agent, "agentName", name)
        _add(agent, "agentType", kind)
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode").encode() + b"\n"


def _files(sidecars: Iterable[Sidecar]) -> Iterable[_File]:
    for sidecar in sidecars:
        folder = f"data/{sidecar.frame_id.stem}"
        raw = f"{folder}/{sidecar.originals[0].name}"
        for stored in sidecar.files:
            yield _File(f"{folder}/{stored.name}", stored, None if stored.role in _ORIGINALS else raw)


def _add_roll(root: ET.Element, roll: str, events: Iterable[Event]) -> None:
    entity = ET.SubElement(root, _name("object"), {f"{{{_XSI}}}type": "premis:intellectualEntity"})
    _identify(entity, "objectIdentifier", roll)
    _link_events(entity, events)


def _add_file(root: ET.Element, file: _File, roll: str, events: Iterable[Event]) -> None:
    element = ET.SubElement(root, _name("object"), {f"{{{_XSI}}}type": "premis:file"})
    _identify(element, "objectIdentifier", file.path)
    what = _add(element, "objectCharacteristics")
    _add(what, "compositionLevel", "0")
    for algorithm, digest in (("SHA-256", file.stored.sha256), ("SHA-512", file.stored.sha512)):
        fixity = _add(what, "fixity")
        _add(fixity, "messageDigestAlgorithm", algorithm)
        _add(fixity, "messageDigest", digest)
    _add(what, "size", str(file.stored.size_bytes))
    ending = file.stored.name.rpartition(".")[2].lower()
    _add(_add(_add(what, "format"), "formatDesignation"), "formatName", _FORMATS.get(ending, ending))
    _add(element, "originalName", file.stored.original_name or file.stored.name)
    _relate(element, "structural", "is part of", roll)
    if file.source is not None:
        _relate(element, "derivation", "has source", file.source)
    _link_events(element, events)


def _relate(element: ET.Element, kind: str, how: str, other: str) -> None:
    relationship = _add(element, "relationship")
    _add(relationship, "relationshipType", kind)
    _add(relationship, "relationshipSubType", how)
    _identify(relationship, "relatedObjectIdentifier", other)


def _add_event(root: ET.Element, event: Event, roll: str) -> None:
    element = ET.SubElement(root, _name("event"))
    _identify(element, "eventIdentifier", event.id, "UUID")
    kind = _add(element, "eventType", event.type)
    kind.attrib.update({"authority": "eventType", "authorityURI": EVENT_TYPES})
    _add(element, "eventDateTime", event.at.isoformat())
    detail = event.detail.model_dump(mode="json", exclude_unset=True)
    if detail:
        told = json.dumps(detail, sort_keys=True, ensure_ascii=False)
        _add(_add(element, "eventDetailInformation"), "eventDetail", told)
    outcome = _add(element, "eventOutcomeInformation")
    succeeded = event.outcome == "success"
    _add(outcome, "eventOutcome", "success" if succeeded else "failure")
    if not succeeded:
        _add(_add(outcome, "eventOutcomeDetail"), "eventOutcomeDetailNote", event.outcome)
    for name, kind_of_agent in _agents([event]).items():
        role = "executing program" if kind_of_agent == "software" else "authorizer"
        _add(_identify(element, "linkingAgentIdentifier", name), "linkingAgentRole", role)
    about = _identify(element, "linkingObjectIdentifier", _object_of(event, roll))
    if event.type is EventType.CREATION:
        _add(about, "linkingObjectRole", "outcome")


def _object_of(event: Event, roll: str) -> str:
    """Return what identifies the object of an event: the roll, or a file by its path below the roll."""
    stem = event.frame.rpartition("/")[2]
    return roll if event.frame == roll else f"data/{stem}/{event.about}"


def _agents(events: Iterable[Event]) -> Mapping[str, str]:
    """Return the program, and every person whom events name, with the kind of each."""
    agents = {_PROGRAM: "software"}
    for event in events:
        by = event.detail.by or (event.detail.decision.by if event.detail.decision is not None else None)
        if by is not None and by != _PROGRAM:
            agents[by] = "person"
    return agents


def _link_events(element: ET.Element, events: Iterable[Event]) -> None:
    for event in events:
        _identify(element, "linkingEventIdentifier", event.id, "UUID")


def _identify(parent: ET.Element, name: str, value: str, kind: str = "local") -> ET.Element:
    """Add an identifier: an element with a type and a value, which are named after it."""
    element = _add(parent, name)
    _add(element, f"{name}Type", kind)
    _add(element, f"{name}Value", value)
    return element


def _add(parent: ET.Element, name: str, text: str | None = None) -> ET.Element:
    element = ET.SubElement(parent, _name(name))
    if text is not None:
        element.text = _NO_XML.sub("\ufffd", text)
    return element


def _name(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
