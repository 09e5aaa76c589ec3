"""What the archive's TIFF files say about themselves: tags and an XMP packet, the same each time for the same frame."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final
from xml.etree import ElementTree

from daemon.frame_id import FrameId
from drivers.base import CaptureInfo
from drivers.film_writer import TiffTags
from ir import CleanOptions

# Names derived from this one never change, so that a redone file names its origin as the first one did.
_NAMESPACE: Final = uuid.UUID("6f0d5b0e-5f0a-5f55-9d0c-0e8f3d2b7c11")
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_XMP_MM = "http://ns.adobe.com/xap/1.0/mm/"
_ST_REF = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_PREFIXES = {"x": "adobe:ns:meta/", "rdf": _RDF, "dc": _DC, "xmp": _XMP, "xmpMM": _XMP_MM, "stRef": _ST_REF}
_PREFIXES["photoshop"] = _PHOTOSHOP
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@dataclass(frozen=True, slots=True)
class Origin:
    """What a derived file was made from, and how."""

    file_name: str
    document_id: str
    instructions: str


def capture_tags(frame: FrameId, info: CaptureInfo, suffix: str) -> TiffTags:
    """Return the tags of a file as captured; `suffix` is `raw` or `ir`."""
    name = f"{frame.stem}_{suffix}"
    return _tags(frame, info, name, _xmp(name, info, document_id(frame, suffix), None), colour=suffix == "raw")


def clean_tags(frame: FrameId, info: CaptureInfo, revision: int, how: CleanOptions, engine_version: str) -> TiffTags:
    """Return the tags of a cleaned picture, which name the raw file that it comes from."""
    name = f"{frame.stem}_r{revision:02d}_clean"
    instructions = (
        f"Dust and scratches removed by filmscand, engine {engine_version}, sensitivity {how.sensitivity:g}. "
        "Pixels outside the defect mask are as captured."
    )
    origin = Origin(f"{frame.stem}_raw", document_id(frame, "raw"), instructions)
    return _tags(frame, info, name, _xmp(name, info, document_id(frame, name), origin), colour=True)


def document_id(frame: FrameId, suffix: str) -> str:
    """Return the lasting name of one file of a frame."""
    return f"uuid:{uuid.uuid5(_NAMESPACE, f'{frame}/{suffix}')}"


def _tags(frame: FrameId, info: CaptureInfo, name: str, xmp: bytes, *, colour: bool) -> TiffTags:
    return TiffTags(
        description=str(frame),
        document_name=name,
        make=_ascii(info.make),
        model=_ascii(info.model),
        software=f"filmscand {version('filmscand')}",
        captured_at=info.captured_at,
        resolution_dpi=info.resolution_dpi,
        icc_profile=info.icc_profile if colour else None,
        xmp=xmp,
    )


def _ascii(text: str | None) -> str | None:
    return text.encode("ascii", "replace").decode() if text else None


def _xmp(name: str, info: CaptureInfo, own_id: str, origin: Origin | None) -> bytes:
    for prefix, namespace in _PREFIXES.items():
        ElementTree.register_namespace(prefix, namespace)
    root = ElementTree.Element("{adobe:ns:meta/}xmpmeta")
    about = ElementTree.SubElement(ElementTree.SubElement(root, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description")
    about.set(f"{{{_RDF}}}about", "")
    _text(about, _DC, "identifier", name)
    alternatives = ElementTree.SubElement(ElementTree.SubElement(about, f"{{{_DC}}}title"), f"{{{_RDF}}}Alt")
    _text(alternatives, _RDF, "li", name).set(_XML_LANG, "x-default")
    if info.captured_at is not None:
        _text(about, _XMP, "CreateDate", info.captured_at.isoformat(timespec="seconds"))
    if info.software:
        _text(about, _PHOTOSHOP, "Source", info.software)
    _text(about, _XMP_MM, "DocumentID", own_id)
    if origin is not None:
        derived = ElementTree.SubElement(about, f"{{{_XMP_MM}}}DerivedFrom")
        derived.set(f"{{{_RDF}}}parseType", "Resource")
        _text(derived, _ST_REF, "documentID", origin.document_id)
        _text(derived, _ST_REF, "filePath", origin.file_name)
        _text(about, _PHOTOSHOP, "Instructions", origin.instructions)
    body: bytes = ElementTree.tostring(root, encoding="utf-8")
    return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n' + body + b'\n<?xpacket end="r"?>'


def _text(parent: ElementTree.Element, namespace: str, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{namespace}}}{name}")
    element.text = "".join(letter for letter in text if letter in "\t\n" or letter >= " ")
    return element
