"""A section of the configuration knows its keys, and takes a number for a name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from filmscand.daemon.station.sections.section import Section, Text


class Shelf(Section):
    box: Text = ""


@pytest.mark.parametrize(("value", "box"), [("a", "a"), (12, "12")])
def test_a_number_names_a_box(value, box):
    assert Shelf(box=value).box == box


@pytest.mark.parametrize("mistake", [{"box": True}, {"box": 1.5}, {"bx": "a"}])
def test_what_is_no_name_and_what_nobody_knows_is_a_mistake(mistake):
    with pytest.raises(ValidationError):
        Shelf(**mistake)
