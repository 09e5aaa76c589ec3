"""A roll is compared with a BagIt profile before it becomes a bag.

The profiles have the shapes of public ones: the example `bagProfileFoo` of the specification, the profile of APTrust,
and that of Beyond the Repository.
"""

from __future__ import annotations

import json

import pytest

from filmscand.daemon.maintenance.sealing.profile import BagToBe, ProfileError, read_profile, require_conforming
from filmscand.daemon.station.bag import DigestAlgorithm
from support.sealed_roll import ROLL

ABOUT = {
    "Source-Organization": "An Archive",
    "External-Description": "What we accept",
    "Version": "1.0",
    "BagIt-Profile-Identifier": "https://archive.example.org/profile.json",
    "BagIt-Profile-Version": "1.4.0",
}
DISK_IMAGES = {
    "BagIt-Profile-Info": ABOUT,
    "Bag-Info": {
        "Bagging-Date": {"required": True},
        "Source-Organization": {"required": True, "values": ["Simon Fraser University", "York University"]},
        "Contact-Phone": {"required": True},
    },
    "Manifests-Required": ["md5"],
    "Allow-Fetch.txt": False,
    "Serialization": "required",
    "Accept-Serialization": ["application/zip"],
    "Tag-Manifests-Required": ["md5"],
    "Tag-Files-Required": ["metadata/premis.xml"],
    "Accept-BagIt-Version": ["0.97", "1.0"],
}
APTRUST = {
    "BagIt-Profile-Info": ABOUT,
    "Bag-Info": {
        "Source-Organization": {"required": True, "repeatable": False},
        "Bag-Group-Identifier": {"required": False, "repeatable": False},
        "Storage-Option": {"required": True, "values": ["Standard", "Glacier-OH"]},
    },
    "Manifests-Required": [],
    "Manifests-Allowed": ["md5", "sha256"],
    "Tag-Manifests-Allowed": ["md5", "sha256"],
    "Tag-Files-Required": [],
    "Tag-Files-Allowed": ["*"],
    "Allow-Fetch.txt": False,
    "Serialization": "required",
    "Accept-Serialization": ["application/tar"],
    "Accept-BagIt-Version": ["0.97", "1.0"],
}
BEYOND = {
    "BagIt-Profile-Info": ABOUT,
    "Bag-Info": {
        "Source-Organization": {"required": True, "recommended": False},
        "Bag-Count": {"required": False},
        "Bagging-Date": {"required": True},
        "Payload-Oxum": {"required": True},
    },
    "Manifests-Required": [],
    "Manifests-Allowed": ["md5", "sha1", "sha256", "sha512"],
    "Tag-Manifests-Allowed": ["md5", "sha1", "sha256", "sha512"],
    "Tag-Files-Allowed": ["metadata/*", "history/*"],
    "Allow-Fetch.txt": False,
    "Serialization": "optional",
    "Accept-Serialization": ["application/tar", "application/zip"],
    "Accept-BagIt-Version": ["0.97", "1.0"],
}
PLACES = ("metadata/events.jsonl", "metadata/frames.csv", "metadata/premis.xml", "metadata/roll.json")
DATED = (("Bagging-Date", "2026-11-29"), ("Payload-Oxum", "1.1"))
FITTING = {
    "disk-images": (DISK_IMAGES, ("md5",), (("Source-Organization", "York University"), ("Contact-Phone", "1"))),
    "aptrust": (APTRUST, ("sha256",), (("source-organization", "A"), ("Storage-Option", "Standard"))),
    "beyond": (BEYOND, ("sha512",), (("Source-Organization", "A"),)),
}


@pytest.fixture
def profile_of(tmp_path):
    """Return the profile of a content, read from a file."""

    def read(content):
        (tmp_path / "profile.json").write_text(content if isinstance(content, str) else json.dumps(content))
        return tmp_path / "profile.json", read_profile(tmp_path / "profile.json")

    return read


@pytest.mark.parametrize(("content", "algorithms", "labels"), FITTING.values(), ids=FITTING)
def test_a_bag_that_conforms_is_accepted(profile_of, content, algorithms, labels):
    require_conforming(
        *profile_of(content), BagToBe((*DATED, *labels), tuple(map(DigestAlgorithm, algorithms)), PLACES)
    )


@pytest.mark.parametrize(
    ("content", "labels", "told"),
    [
        (
            DISK_IMAGES,
            (("Source-Organization", "City Archive"),),
            (
                "wants Source-Organization to be Simon Fraser University or York University, found 'City Archive'",
                "wants Contact-Phone, found no such line",
                "Manifests-Required: the profile wants md5, found sha512",
                "Tag-Manifests-Required: the profile wants md5, found sha512",
            ),
        ),
        (
            APTRUST,
            (("Source-Organization", "A"), ("Source-Organization", "B")),
            (
                "wants Source-Organization once, found it 2 times",
                "wants Storage-Option Standard or Glacier-OH, found no such line",
                "Manifests-Allowed: the profile allows md5 or sha256, found sha512",
            ),
        ),
        (
            {**BEYOND, "Tag-Files-Allowed": ["metadata/*.json*", "metadata/*.xml"], "Accept-BagIt-Version": ["0.97"]},
            (("Source-Organization", "A"),),
            (
                "Accept-BagIt-Version: the profile wants 0.97, found 1.0",
                "Tag-Files-Allowed: the profile allows metadata/*.json* or metadata/*.xml, found metadata/frames.csv",
            ),
        ),
        (
            {**BEYOND, "Tag-Files-Required": ["history/x.txt"], "Data-Empty": True},
            (("Source-Organization", "A"),),
            ("wants history/x.txt, found no such file", "Data-Empty: the profile wants an empty payload"),
        ),
        (
            {**BEYOND, "Allow-Fetch.txt": True, "Fetch.txt-Required": True},
            (("Source-Organization", "A"),),
            ("Fetch.txt-Required: the profile wants a fetch.txt",),
        ),
    ],
    ids=["disk-images", "aptrust", "tag-files", "data-empty", "fetch"],
)
def test_all_that_does_not_conform_is_told_at_once(profile_of, content, labels, told):
    with pytest.raises(ProfileError) as refused:
        require_conforming(*profile_of(content), BagToBe((*DATED, *labels), (DigestAlgorithm.SHA512,), PLACES))
    assert [one for one in told if one not in str(refused.value)] == []
    assert str(refused.value).count(";") == len(told) - 1 + (content is APTRUST)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("no JSON", "expected a BagIt profile"),
        ({**BEYOND, "BagIt-Profile-Info": {}}, "BagIt-Profile-Info.Source-Organization"),
        ({**BEYOND, "Accept-BagIt-Version": []}, "Accept-BagIt-Version"),
        ({**BEYOND, "Manifests-Required": ["sha3"]}, "Manifests-Allowed: expected all of Manifests-Required"),
        ({**BEYOND, "Tag-Files-Required": ["a.txt"]}, "Tag-Files-Allowed: expected a.txt"),
        ({**BEYOND, "Fetch.txt-Required": True}, "Fetch.txt-Required: expected false"),
        (
            {**BEYOND, "Serialization": "required", "Accept-Serialization": []},
            "Accept-Serialization: expected a format",
        ),
        ({**BEYOND, "Serialization": "maybe"}, "Serialization"),
    ],
)
def test_a_file_that_is_no_profile_is_told(profile_of, content, why):
    with pytest.raises(ProfileError, match=why):
        profile_of(content)


def test_a_profile_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ProfileError, match="cannot read the BagIt profile"):
        read_profile(tmp_path / "gone.json")


def test_a_roll_that_would_not_conform_stays_open_and_one_that_does_names_its_profile(roll, tmp_path):
    (tmp_path / "profile.json").write_text(json.dumps(APTRUST))
    config = roll.live.config.read_text()
    roll.live.config.write_text(config + f"bag: {{profile: {tmp_path}/profile.json, organisation: City Archive}}\n")
    roll.station = roll.live.station
    with pytest.raises(ProfileError, match=r"profile.json: .*Storage-Option.*; Manifests-Allowed"):
        roll.seal()
    assert not (roll.folder / "bagit.txt").exists()
    wanted = "manifests: [md5, sha256], organisation: City Archive, labels: {Storage-Option: Standard}"
    roll.live.config.write_text(config + f"bag: {{profile: {tmp_path}/profile.json, {wanted}}}\n")
    roll.station = roll.live.station
    roll.seal()
    roll.require_bag()
    named = "BagIt-Profile-Identifier: https://archive.example.org/profile.json\n"
    assert named in (roll.folder / "bag-info.txt").read_text()
    assert roll.problems() == ()
    assert ROLL in (roll.folder / "bag-info.txt").read_text()
