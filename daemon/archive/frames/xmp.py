"""Writes XMP packets (ISO 16684-1), property by property."""

from __future__ import annotations

from typing import Final
from xml.etree import ElementTree

_RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC: Final = "http://purl.org/dc/elements/1.1/"
EXIF: Final = "http://ns.adobe.com/exif/1.0/"
PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
XMP: Final = "http://ns.adobe.com/xap/1.0/"
XMP_MM: Final = "http://ns.adobe.com/xap/1.0/mm/"
_ST_REF: Final = "http://ns.adobe.com/xap/1.0/sType/ResourceRef#"
_PREFIXES: Final = {
    "x": "adobe:ns:meta/",
    "rdf": _RDF,
    "dc": DC,
    "exif": EXIF,
    "photoshop": PHOTOSHOP,
    "tiff": TIFF,
    "xmp": XMP,
    "xmpMM": XMP_MM,
    "stRef": _ST_REF,
}
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"


class XmpPacket:
    """A packet that is being written; the same properties in the same order give the same bytes."""

    def __init__(self) -> None:
        for prefix, namespace in _PREFIXES.items():
            ElementTree.register_namespace(prefix, namespace)
        self._root = ElementTree.Element("{adobe:ns:meta/}xmpmeta")
        self._about = ElementTree.SubElement(
            ElementTree.SubElement(self._root, f"{{{_RDF}}}RDF"), f"{{{_RDF}}}Description"
        )
        self._about.set(f"{{{_RDF}}}about", "")

    def add(self, namespace: str, name: str, text: str | None) -> None:
        """Add a property of one text; an empty one or None adds nothing."""
        if text:
            _text(self._about, namespace, name, text)

    def add_alternative(self, name: str, text: str) -> None:
        """Add a Dublin Core property that may have a text for each language, with the one for all of them."""
        alternatives = ElementTree.SubElement(ElementTree.SubElement(self._about, f"{{{DC}}}{name}"), f"{{{_RDF}}}Alt")
        _text(alternatives, _RDF, "li", text).set(_LANGUAGE, "x-default")

    def add_list(self, name: str, text: str) -> None:
        """Add a Dublin Core property that is an ordered list, with one entry."""
        entries = ElementTree.SubElement(ElementTree.SubElement(self._about, f"{{{DC}}}{name}"), f"{{{_RDF}}}Seq")
        _text(entries, _RDF, "li", text)

    def add_origin(self, document_id: str, file: str) -> None:
        """Add the document that this one was made from: its id, and the name of its file."""
        derived = ElementTree.SubElement(self._about, f"{{{XMP_MM}}}DerivedFrom")
        derived.set(f"{{{_RDF}}}parseType", "Resource")
        _text(derived, _ST_REF, "documentID", document_id)
        _text(derived, _ST_REF, "filePath", file)

    def to_bytes(self) -> bytes:
        """Return the packet in UTF-8."""
        body: bytes = ElementTree.tostring(self._root, encoding="utf-8")
        return b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n' + body + b'\n<?xpacket end="r"?>'


def _text(parent: ElementTree.Element, namespace: str, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{namespace}}}{name}")
    element.text = "".join(letter for letter in text if letter in "\t\n" or letter >= " ")
    return element
