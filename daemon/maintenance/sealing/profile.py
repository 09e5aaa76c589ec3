"""BagIt profiles: what an archive accepts as a bag, and where a bag to be made would not conform.

The package `bagit_profile` of the same authors as the specification checks bags too. It is not used: its last release
is of March 2020, it needs the deprecated `pkg_resources`, fetches the profile over the network, and wants a bag that
exists already, while a roll has to be checked before it becomes one.

References
----------
BagIt Profiles Specification 1.4.0; https://bagit-profiles.github.io/bagit-profiles-specification/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from filmscand.daemon.archive.records import bag
from filmscand.daemon.core.errors import DaemonError
from filmscand.daemon.core.plain_file import read_plain
from filmscand.daemon.station.bag import DigestAlgorithm


class ProfileError(DaemonError):
    """The profile cannot be used, or a roll would become a bag that does not conform to it."""


class Serialization(StrEnum):
    """Whether a bag may or has to be packed into one file when it is sent; in the archive it is a folder."""

    FORBIDDEN = "forbidden"
    REQUIRED = "required"
    OPTIONAL = "optional"


class _Part(BaseModel):
    # A profile may have keys of its own.
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


class ProfileInfo(_Part):
    """What a profile tells of itself."""

    organisation: str = Field(alias="Source-Organization")
    description: str = Field(alias="External-Description")
    version: str = Field(alias="Version")
    identifier: str = Field(alias="BagIt-Profile-Identifier", min_length=1)
    # The key came with version 1.2 of the specification.
    specification: str = Field(alias="BagIt-Profile-Version", default="1.1.0")


class LabelRule(_Part):
    """What a profile wants of one label of `bag-info.txt`."""

    required: bool = False
    values: tuple[str, ...] = ()
    repeatable: bool = True


class Profile(_Part):
    """A BagIt profile, as its JSON file has it."""

    info: ProfileInfo = Field(alias="BagIt-Profile-Info")
    labels: dict[str, LabelRule] = Field(alias="Bag-Info", default={})
    manifests_required: tuple[str, ...] = Field(alias="Manifests-Required", default=())
    manifests_allowed: tuple[str, ...] | None = Field(alias="Manifests-Allowed", default=None)
    tag_manifests_required: tuple[str, ...] = Field(alias="Tag-Manifests-Required", default=())
    tag_manifests_allowed: tuple[str, ...] | None = Field(alias="Tag-Manifests-Allowed", default=None)
    tag_files_required: tuple[str, ...] = Field(alias="Tag-Files-Required", default=())
    tag_files_allowed: tuple[str, ...] = Field(alias="Tag-Files-Allowed", default=("*",))
    fetch_allowed: bool = Field(alias="Allow-Fetch.txt", default=True)
    fetch_required: bool = Field(alias="Fetch.txt-Required", default=False)
    data_empty: bool = Field(alias="Data-Empty", default=False)
    serialization: Serialization = Field(alias="Serialization", default=Serialization.OPTIONAL)
    packed_as: tuple[str, ...] = Field(alias="Accept-Serialization", default=())
    versions: tuple[str, ...] = Field(alias="Accept-BagIt-Version", min_length=1)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        pairs = (
            ("Manifests", self.manifests_required, self.manifests_allowed),
            ("Tag-Manifests", self.tag_manifests_required, self.tag_manifests_allowed),
        )
        for name, required, allowed in pairs:
            if allowed is not None and not set(required) <= set(allowed):
                raise ValueError(f"{name}-Allowed: expected all of {name}-Required, {required}, found {allowed}")
        for name in self.tag_files_required:
            if not _matches(name, self.tag_files_allowed):
                raise ValueError(f"Tag-Files-Allowed: expected {name}, which is in Tag-Files-Required")
        if self.fetch_required and not self.fetch_allowed:
            raise ValueError("Fetch.txt-Required: expected false, for Allow-Fetch.txt is false")
        if self.serialization is Serialization.REQUIRED and not self.packed_as:
            raise ValueError("Accept-Serialization: expected a format, for Serialization is required")
        return self


@dataclass(frozen=True, slots=True)
class BagToBe:
    """What is known of a bag before it is made.

    Attributes
    ----------
    labels : sequence of (str, str)
        The lines of its `bag-info.txt`.
    algorithms : sequence of DigestAlgorithm
        Those of its manifests and tag manifests.
    tag_files : sequence of str
        Paths, below the bag, of the files beside the payload, without manifests, `bagit.txt` and `bag-info.txt`.
    """

    labels: Sequence[tuple[str, str]]
    algorithms: Sequence[DigestAlgorithm]
    tag_files: Sequence[str]


def read_profile(path: Path) -> Profile:
    """Read a profile.

    Raises
    ------
    ProfileError
        The file cannot be read or is no profile; the message tells each mistake.
    """
    try:
        return Profile.model_validate_json(read_plain(path))
    except OSError as error:
        raise ProfileError(f"{path}: cannot read the BagIt profile: {error.strerror or error}") from error
    except ValidationError as error:
        mistakes = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise ProfileError(f"{path}: expected a BagIt profile, found mistakes: {mistakes}") from error


def require_conforming(path: Path, profile: Profile, found: BagToBe) -> None:
    """Require that a bag to be made conforms to a profile.

    Raises
    ------
    ProfileError
        It names everything that the profile wants and the bag would not have.
    """
    problems = [*_declared(profile), *_labels(profile, found), *_manifests(profile, found), *_tags(profile, found)]
    if problems:
        raise ProfileError(f"the bag would not conform to the profile {path}: {'; '.join(problems)}")


def _declared(profile: Profile) -> Iterator[str]:
    if bag.VERSION not in profile.versions:
        yield f"Accept-BagIt-Version: the profile wants {_any_of(profile.versions)}, found {bag.VERSION}"
    if profile.fetch_required:
        yield "Fetch.txt-Required: the profile wants a fetch.txt, found none: a roll holds all of its files"
    if profile.data_empty:
        yield "Data-Empty: the profile wants an empty payload, found frames"


def _labels(profile: Profile, found: BagToBe) -> Iterator[str]:
    # RFC 8493 compares labels without regard to upper and lower case.
    counts = Counter(label.lower() for label, _ in found.labels)
    for label, rule in profile.labels.items():
        count = counts[label.lower()]
        if rule.required and count == 0:
            wanted = f" {_any_of(rule.values)}" if rule.values else ""
            yield f"Bag-Info: the profile wants {label}{wanted}, found no such line (keys of `bag`, or --info)"
        if not rule.repeatable and count > 1:
            yield f"Bag-Info: the profile wants {label} once, found it {count} times"
        values = [value for name, value in found.labels if name.lower() == label.lower()]
        for value in values if rule.values else ():
            if value not in rule.values:
                yield f"Bag-Info: the profile wants {label} to be {_any_of(rule.values)}, found {value!r}"


def _manifests(profile: Profile, found: BagToBe) -> Iterator[str]:
    rules = (
        ("Manifests", profile.manifests_required, profile.manifests_allowed),
        ("Tag-Manifests", profile.tag_manifests_required, profile.tag_manifests_allowed),
    )
    have = ", ".join(found.algorithms)
    for name, required, allowed in rules:
        for algorithm in required:
            if algorithm not in found.algorithms:
                yield f"{name}-Required: the profile wants {algorithm}, found {have} (key bag.manifests)"
        for algorithm in found.algorithms:
            if allowed is not None and algorithm not in allowed:
                yield f"{name}-Allowed: the profile allows {_any_of(allowed)}, found {algorithm} (key bag.manifests)"


def _tags(profile: Profile, found: BagToBe) -> Iterator[str]:
    always = {bag.DECLARATION, bag.INFO}
    for name in profile.tag_files_required:
        if name not in found.tag_files and name not in always:
            yield f"Tag-Files-Required: the profile wants {name}, found no such file in the roll's folder"
    for name in found.tag_files:
        if not _matches(name, profile.tag_files_allowed):
            yield f"Tag-Files-Allowed: the profile allows {_any_of(profile.tag_files_allowed)}, found {name}"


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _any_of(values: Iterable[str]) -> str:
    return " or ".join(values) or "none"
