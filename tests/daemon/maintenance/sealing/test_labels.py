"""The lines of `bag-info.txt`."""

from __future__ import annotations

import pytest

from filmscand.daemon.maintenance.sealing.labels import lasting_labels, own_labels, with_changes
from filmscand.daemon.maintenance.sealing.roll import LabelError

LABELS = (("Contact-Name", "Ada"), ("Rights", "one"), ("Rights", "two"))


def test_a_label_of_the_command_takes_the_place_of_all_of_its_name():
    assert with_changes(LABELS, {"rights": "three"}) == (("Contact-Name", "Ada"), ("rights", "three"))


@pytest.mark.parametrize("label", ["Payload-Oxum", "payload-oxum", "", " a", "a:b"])
def test_a_label_that_is_written_anyway_or_cannot_be_written_is_refused(label):
    with pytest.raises(LabelError, match="expected a label that is not written anyway"):
        with_changes(LABELS, {label: "x"})


def test_what_each_sealing_says_anew_does_not_last():
    own = own_labels("c/b/r", [1_500_000, 500_000])
    assert dict(own)["Payload-Oxum"] == "2000000.2"
    assert dict(own)["Bag-Size"] == "2.0 MB"
    assert lasting_labels((*own, *LABELS)) == LABELS
