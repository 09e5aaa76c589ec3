"""XMP packets: other programs read them, and what is empty is not written."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from filmscand.daemon.archive.frames.xmp import DC, TIFF, XmpPacket

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"


def packet():
    made = XmpPacket()
    made.add(TIFF, "Make", "Nikon")
    made.add(TIFF, "Model", None)
    made.add_alternative("title", "Käthe\x00 & <Bob>")
    made.add_list("date", "196X")
    made.add_origin("uuid:1", "raw.tif")
    return made.to_bytes()


def test_a_packet_is_xml_between_the_marks_by_which_programs_find_it():
    assert re.match(rb"<\?xpacket begin=.*\?>", packet())
    assert packet().endswith(b'<?xpacket end="r"?>')
    root = ElementTree.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", packet()))
    about = root.find(f"{RDF}RDF/{RDF}Description")
    assert [one.tag for one in about if one.tag.startswith(f"{{{TIFF}}}")] == [f"{{{TIFF}}}Make"]
    # A letter that XML cannot hold is left out.
    assert about.findtext(f"{{{DC}}}title/{RDF}Alt/{RDF}li") == "Käthe & <Bob>"
    assert about.findtext(f"{{{DC}}}date/{RDF}Seq/{RDF}li") == "196X"


def test_the_same_properties_give_the_same_bytes():
    assert packet() == packet()
