"""The section `replicate` of the configuration: where sealed rolls are copied to."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from filmscand.daemon.core.installing import pip_install
from filmscand.daemon.station.sections.section import Section, Text
from filmscand.daemon.station.yaml_file import KeyPath

# What the extra `s3` installs (pyproject.toml).
_PACKAGES: Final = ("fsspec", "s3fs")


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("expected an address such as s3://bucket/prefix")
    if "@" in parts.netloc or ":" in parts.netloc:
        raise ValueError("expected an address without a password: credentials come from the environment")
    return url.rstrip("/")


def _checked_endpoint(endpoint: str) -> str:
    try:
        parts = urlsplit(endpoint)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("expected an address such as https://minio.example.org:9000")
    if "@" in parts.netloc:
        raise ValueError("expected an address without a password: credentials come from the environment")
    return endpoint.rstrip("/")


class Replica(Section):
    """A place that every sealed roll is copied to: a folder, or a prefix in a bucket of S3.

    `endpoint` is the address of a server that speaks S3; None: Amazon's.
    """

    name: Annotated[Text, Field(min_length=1, max_length=64)]
    folder: Path | None = None
    url: Annotated[str, AfterValidator(_checked_url)] | None = None
    endpoint: Annotated[str, AfterValidator(_checked_endpoint)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Replica:
        if (self.folder is None) == (self.url is None):
            raise ValueError(f"expected one of folder and url, found {'none' if self.url is None else 'both'}")
        if self.endpoint is not None and self.url is None:
            raise ValueError("endpoint: expected with url only, which names the bucket")
        return self

    @property
    def place(self) -> str:
        """The folder or the address, which names the place for people and in the database; it holds no secret."""
        return str(self.folder) if self.url is None else self.url + (f" at {self.endpoint}" if self.endpoint else "")


def replica_problems(replicas: tuple[Replica, ...], taken: dict[str, Path]) -> Iterator[tuple[KeyPath, str]]:
    """Yield what is wrong with the targets as a whole.

    Parameters
    ----------
    replicas : tuple of Replica
        The targets.
    taken : dict of str to Path
        The folders and files of the station, by the key that names them: no target may lie in one, or hold one.
    """
    for index, replica in enumerate(replicas):
        key: KeyPath = ("replicate", index)
        earlier = replicas[:index]
        if replica.name in {one.name for one in earlier}:
            yield key, f"expected another name than that of an earlier target, found {replica.name!r}"
        if replica.url is not None:
            if replica.place in {one.place for one in earlier}:
                yield (*key, "url"), f"expected another place than that of an earlier target, found {replica.place}"
            if missing := [name for name in _PACKAGES if find_spec(name) is None]:
                advice = pip_install("'fsspec>=2025.3' 's3fs>=2025.3'", "the extra `s3` of filmscand")
                yield (*key, "url"), f"needs the extra `s3`, {' and '.join(missing)} not installed: {advice}"
        if replica.folder is not None:
            places = {**taken, **{f"replicate.{n}": one.folder for n, one in enumerate(earlier) if one.folder}}
            for other, place in places.items():
                if replica.folder.is_relative_to(place) or place.is_relative_to(replica.folder):
                    yield (*key, "folder"), f"expected a folder apart from {other} ({place}), found {replica.folder}"
