"""The names and the content of the tag files of bags."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.archive.records.bag import (
    algorithms_of,
    bag_info,
    digests_of,
    past_generations,
    past_name,
    payload,
    read_bag_info,
    read_manifest,
)
from filmscand.daemon.station.bag import DigestAlgorithm


def test_the_payload_comes_in_the_order_of_its_paths(tmp_path):
    for name in ("data/b/2.tif", "data/a.tif", "bag-info.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [str(path.relative_to(tmp_path)) for path in payload(tmp_path)] == ["data/a.tif", "data/b/2.tif"]


def test_a_value_of_several_lines_becomes_one_line_and_a_label_may_come_twice():
    labels = (("Source-Organization", "City\n  Archive"), ("Count", "2"), ("Count", "a: b"))
    written = bag_info(labels)
    assert written == b"Source-Organization: City Archive\nCount: 2\nCount: a: b\n"
    assert read_bag_info(written) == (("Source-Organization", "City Archive"), ("Count", "2"), ("Count", "a: b"))


@pytest.mark.parametrize("algorithm", list(DigestAlgorithm))
def test_each_algorithm_has_digests_and_a_manifest_of_its_own(tmp_path, algorithm):
    (tmp_path / "a").write_bytes(b"content")
    digest = hashlib.new(algorithm, b"content").hexdigest()
    assert digests_of(tmp_path / "a", [algorithm]) == {algorithm: digest}
    assert read_manifest(f"{digest}  a\n".encode(), tmp_path, algorithm) == {tmp_path / "a": digest}
    with pytest.raises(ValueError, match="and a path below the bag"):
        read_manifest(f"{digest}0  a\n".encode(), tmp_path, algorithm)


def test_earlier_generations_are_numbered_by_the_tag_manifests_that_are_kept(tmp_path):
    assert (algorithms_of(tmp_path), past_generations(tmp_path)) == ((), [])
    assert past_name("manifest-sha512.txt", 12) == "history/manifest-sha512.12.txt"
    (tmp_path / "history").mkdir()
    for name in ("tagmanifest-md5.txt", "tagmanifest-sha512.txt"):
        (tmp_path / name).touch()
        for number in (2, 10):
            (tmp_path / past_name(name, number)).touch()
    (tmp_path / past_name("manifest-sha512.txt", 11)).touch()
    assert algorithms_of(tmp_path) == (DigestAlgorithm.SHA512, DigestAlgorithm.MD5)
    assert past_generations(tmp_path) == [2, 10]
