"""The bags' section of the configuration: what their `bag-info.txt` says, and which archive has to accept them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from filmscand.daemon.station.section import Section, Text

# filmscand writes these labels itself.
OWN_LABELS: Final = (
    "Bagging-Date",
    "Bag-Software-Agent",
    "Bag-Size",
    "BagIt-Profile-Identifier",
    "External-Identifier",
    "Payload-Oxum",
)


class DigestAlgorithm(StrEnum):
    """Algorithms of the manifests that a bag can have, strongest first, by their names in RFC 8493."""

    SHA512 = "sha512"
    SHA256 = "sha256"
    MD5 = "md5"


def checked_label(label: str) -> str:
    """Return a label of `bag-info.txt`; ValueError unless it is one that filmscand does not write itself."""
    own = label.lower() in (one.lower() for one in OWN_LABELS)
    if own or not label or any(letter in label for letter in ":\r\n\0") or label != label.strip():
        raise ValueError(f"bag-info.txt: expected a label that is not written anyway, found {label!r}")
    return label


Label = Annotated[str, AfterValidator(checked_label)]
# What bag-info.txt takes in one line.
Line = Annotated[Text, Field(min_length=1, max_length=1000, pattern=r"^[^\r\n\x00]+$")]


class Contact(Section):
    """Who answers questions about a bag."""

    name: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    address: Line | None = None


class Bag(Section):
    """How rolls become bags."""

    organisation: Line | None = None
    contact: Contact = Contact()
    description: Line | None = None
    sender_description: Line | None = None
    labels: dict[Label, Line | tuple[Line, ...]] = Field(default={}, max_length=100)
    manifests: Annotated[tuple[DigestAlgorithm, ...], Field(min_length=1)] = (DigestAlgorithm.SHA512,)
    profile: Path | None = None

    @field_validator("manifests")
    @classmethod
    def _each_once(cls, manifests: tuple[DigestAlgorithm, ...]) -> tuple[DigestAlgorithm, ...]:
        if len(set(manifests)) < len(manifests):
            raise ValueError("expected each algorithm once")
        return tuple(one for one in DigestAlgorithm if one in manifests)

    def all_labels(self) -> tuple[tuple[str, str], ...]:
        """Return the lines for `bag-info.txt`, each as label and value, in the order of RFC 8493."""
        named = {
            "Source-Organization": self.organisation,
            "Organization-Address": self.contact.address,
            "Contact-Name": self.contact.name,
            "Contact-Phone": self.contact.phone,
            "Contact-Email": self.contact.email,
            "External-Description": self.description,
            "Internal-Sender-Description": self.sender_description,
        }
        lines = [(label, value) for label, value in named.items() if value is not None]
        for label, value in self.labels.items():
            lines += [(label, one) for one in ((value,) if isinstance(value, str) else value)]
        return tuple(lines)
