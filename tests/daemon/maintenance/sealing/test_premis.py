"""The events of a sealed roll in the XML of PREMIS 3, valid by the schema's rules of order and number."""

from __future__ import annotations

import hashlib
import xml.etree.ElementTree as ET

import pytest

from filmscand.daemon.core.decision import DecisionKind
from filmscand.daemon.maintenance.sealing.premis import premis
from filmscand.daemon.review.decide import Asked, decide
from support.sealed_roll import FRAMES, ROLL

P = "{http://www.loc.gov/premis/v3}"
XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
# Facts of premis-v3-0.xsd: the children of each element that is written here, in their order. ! exactly one, + one or
# more, ? at most one, * any number. Elements that are not here hold text.
_IDENTIFIER = {
    name: [f"{name}Type!", f"{name}Value!"]
    for name in ("objectIdentifier", "eventIdentifier", "agentIdentifier", "linkingEventIdentifier")
}
SCHEMA = {
    **_IDENTIFIER,
    "premis": ["object*", "event*", "agent*", "rights*"],
    "premis:intellectualEntity": [
        *("objectIdentifier+", "preservationLevel*", "significantProperties*", "originalName?"),
        *("environmentFunction*", "environmentDesignation*", "environmentRegistry*", "environmentExtension*"),
        *("relationship*", "linkingEventIdentifier*", "linkingRightsStatementIdentifier*"),
    ],
    "premis:file": [
        *("objectIdentifier+", "preservationLevel*", "significantProperties*", "objectCharacteristics+"),
        *("originalName?", "storage*", "signatureInformation*", "relationship*", "linkingEventIdentifier*"),
        "linkingRightsStatementIdentifier*",
    ],
    "objectCharacteristics": [
        *("compositionLevel?", "fixity*", "size?", "format+", "creatingApplication*", "inhibitors*"),
        "objectCharacteristicsExtension*",
    ],
    "fixity": ["messageDigestAlgorithm!", "messageDigest!", "messageDigestOriginator?"],
    "format": ["formatDesignation!", "formatRegistry?", "formatNote*"],
    "formatDesignation": ["formatName!", "formatVersion?"],
    "relationship": [
        *("relationshipType!", "relationshipSubType!", "relatedObjectIdentifier+", "relatedEventIdentifier*"),
        *("relatedEnvironmentPurpose*", "relatedEnvironmentCharacteristic?"),
    ],
    "relatedObjectIdentifier": [
        *("relatedObjectIdentifierType!", "relatedObjectIdentifierValue!", "relatedObjectSequence?"),
    ],
    "event": [
        *("eventIdentifier!", "eventType!", "eventDateTime!", "eventDetailInformation*", "eventOutcomeInformation*"),
        *("linkingAgentIdentifier*", "linkingObjectIdentifier*"),
    ],
    "eventDetailInformation": ["eventDetail?", "eventDetailExtension*"],
    "eventOutcomeInformation": ["eventOutcome!", "eventOutcomeDetail*"],
    "eventOutcomeDetail": ["eventOutcomeDetailNote?", "eventOutcomeDetailExtension*"],
    "linkingAgentIdentifier": [
        *("linkingAgentIdentifierType!", "linkingAgentIdentifierValue!", "linkingAgentRole*"),
    ],
    "linkingObjectIdentifier": [
        *("linkingObjectIdentifierType!", "linkingObjectIdentifierValue!", "linkingObjectRole*"),
    ],
    "agent": [
        *("agentIdentifier+", "agentName*", "agentType?", "agentVersion?", "agentNote*", "agentExtension*"),
        *("linkingEventIdentifier*", "linkingRightsStatementIdentifier*", "linkingEnvironmentIdentifier*"),
    ],
}
# Terms of id.loc.gov/vocabulary/preservation/eventType.
TERMS = {
    *("accession", "appraisal", "capture", "creation", "deaccession", "filename change", "fixity check"),
    *("information package creation", "ingestion", "message digest calculation", "metadata modification"),
    *("modification", "replication", "validation"),
}


def require_valid(element):
    rules = SCHEMA.get(element.get(XSI_TYPE) or element.tag.removeprefix(P))
    names = [child.tag.removeprefix(P) for child in element]
    if rules is None:
        assert (names, bool(element.text)) == ([], True), element.tag
        return
    order = [rule[:-1] for rule in rules]
    assert names == sorted(names, key=order.index), element.tag
    for rule in rules:
        count = names.count(rule[:-1])
        least, most = {"!": (1, 1), "+": (1, None), "?": (0, 1), "*": (0, None)}[rule[-1]]
        assert count >= least and (most is None or count <= most), (element.tag, rule)
    for child in element:
        require_valid(child)


def values(parent, path):
    return [element.text for element in parent.findall("/".join(P + name for name in path.split("/")))]


@pytest.fixture(scope="module")
def told(finished_roll, tmp_path_factory):
    """A roll that was sealed, reviewed, cleaned again and sealed again."""
    roll = finished_roll.copy(tmp_path_factory.mktemp("premis") / "station")
    roll.seal()
    decide(roll.station, FRAMES[1], Asked(DecisionKind.ACCEPT, by="ada"))
    roll.clean_again(1, 0.9)
    roll.seal()
    return roll, ET.parse(roll.folder / "metadata/premis.xml").getroot()


def test_it_is_valid_by_the_rules_of_the_schema(told):
    _, root = told
    assert (root.tag, root.get("version")) == (f"{P}premis", "3.0")
    require_valid(root)
    assert set(values(root, "event/eventType")) <= TERMS
    identifiers = values(root, "object/objectIdentifier/objectIdentifierValue")
    assert len(identifiers) == len(set(identifiers))
    events = values(root, "event/eventIdentifier/eventIdentifierValue")
    assert len(events) == len(set(events))
    assert set(values(root, "object/linkingEventIdentifier/linkingEventIdentifierValue")) <= set(events)
    agents = values(root, "agent/agentIdentifier/agentIdentifierValue")
    assert set(values(root, "event/linkingAgentIdentifier/linkingAgentIdentifierValue")) == set(agents)
    assert sorted(agents) == ["ada", "filmscand"]


def test_every_event_and_every_file_is_in_it(told):
    roll, root = told
    assert values(root, "event/eventIdentifier/eventIdentifierValue") == [event.id for event in roll.events()]
    files = [element for element in root.findall(f"{P}object") if element.get(XSI_TYPE) == "premis:file"]
    found = {values(file, "objectIdentifier/objectIdentifierValue")[0]: file for file in files}
    payload = {str(path.relative_to(roll.folder)) for path in roll.folder.glob("data/*/*") if path.suffix != ".json"}
    assert found.keys() == payload
    clean = found["data/r_0001/r_0001_r02_clean.tif"]
    digest = hashlib.sha512((roll.folder / "data/r_0001/r_0001_r02_clean.tif").read_bytes()).hexdigest()
    assert digest in values(clean, "objectCharacteristics/fixity/messageDigest")
    sources = values(clean, "relationship/relatedObjectIdentifier/relatedObjectIdentifierValue")
    assert sources == [ROLL, "data/r_0001/r_0001_raw.tif"]
    assert len(values(clean, "linkingEventIdentifier/linkingEventIdentifierValue")) == 1


def test_the_same_records_give_the_same_bytes_and_no_letter_breaks_them(told):
    roll, _ = told
    sidecars = [roll.archive.read_sidecar(frame) for frame in FRAMES]
    assert premis(roll.folder, sidecars) == (roll.folder / "metadata/premis.xml").read_bytes()
    named = sidecars[0].originals[0].model_copy(update={"original_name": "a\x01\udc80<&>.tif"})
    odd = sidecars[0].model_copy(update={"originals": (named,)})
    root = ET.fromstring(premis(roll.folder, [odd]))
    assert "a��<&>.tif" in values(root, "object/originalName")
