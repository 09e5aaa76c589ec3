"""What the bags' section of the configuration allows, and the lines that come of it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from filmscand.daemon.station.bag import Bag, DigestAlgorithm
from filmscand.daemon.station.configuration import load_station


def test_every_key_becomes_its_label_of_rfc_8493():
    contact = {"name": "Ada", "email": "ada@example.org", "phone": 123, "address": "1 Street"}
    bag = Bag.model_validate(
        {
            "organisation": "City Archive",
            "contact": contact,
            "description": "Slides",
            "sender_description": "Box 3",
            "labels": {"Bag-Group-Identifier": "meyer", "Rights": ["one", "two"]},
        }
    )
    assert bag.all_labels() == (
        ("Source-Organization", "City Archive"),
        ("Organization-Address", "1 Street"),
        ("Contact-Name", "Ada"),
        ("Contact-Phone", "123"),
        ("Contact-Email", "ada@example.org"),
        ("External-Description", "Slides"),
        ("Internal-Sender-Description", "Box 3"),
        ("Bag-Group-Identifier", "meyer"),
        ("Rights", "one"),
        ("Rights", "two"),
    )


def test_nothing_has_to_be_said():
    assert (Bag().all_labels(), Bag().manifests) == ((), (DigestAlgorithm.SHA512,))


def test_manifests_come_strongest_first():
    assert Bag.model_validate({"manifests": ["md5", "sha512"]}).manifests == ("sha512", "md5")


@pytest.mark.parametrize(
    "wrong",
    [
        {"manifests": []},
        {"manifests": ["sha1"]},
        {"manifests": ["md5", "md5"]},
        {"labels": {"Payload-Oxum": "1.1"}},
        {"labels": {"bagging-date": "today"}},
        {"labels": {"a:b": "x"}},
        {"labels": {"a": "two\nlines"}},
        {"organisation": ""},
        {"organization": "City Archive"},
    ],
)
def test_mistakes_are_refused(wrong):
    with pytest.raises(ValidationError):
        Bag.model_validate(wrong)


def test_the_profile_is_looked_for_in_the_folder_of_the_station(tmp_path):
    (tmp_path / "station.yaml").write_text(f"root: {tmp_path}\nbag: {{profile: profiles/city.json}}\n")
    assert load_station(tmp_path / "station.yaml").bag.profile == tmp_path / "profiles/city.json"
