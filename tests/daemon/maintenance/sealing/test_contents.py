"""The digests of a payload come from its records; what is new is read."""

from __future__ import annotations

import hashlib

import pytest

from filmscand.daemon.archive.records.reopened import read_reopening
from filmscand.daemon.archive.records.verify_reopened import last_generation
from filmscand.daemon.core.errors import IntegrityError
from filmscand.daemon.maintenance.sealing.contents import first_digests, next_digests
from filmscand.daemon.station.bag import DigestAlgorithm
from support.sealed_roll import FRAMES


@pytest.mark.parametrize("algorithms", [(DigestAlgorithm.SHA512,), (DigestAlgorithm.SHA256, DigestAlgorithm.MD5)])
def test_the_digests_of_every_file_are_right(roll, algorithms):
    digests = first_digests(roll.archive, roll.folder, FRAMES, algorithms)
    assert len(digests) == 10
    for path, found in digests.items():
        assert found == {one: hashlib.new(one, path.read_bytes()).hexdigest() for one in algorithms}


def test_only_what_is_new_is_read_and_the_rest_is_as_it_was(sealed):
    sealed.clean_again(1, 0.9)
    last = last_generation(sealed.folder, read_reopening(sealed.folder))
    digests = next_digests(sealed.archive, sealed.folder, FRAMES, last)
    assert {path for path in digests if digests[path] != last.payload.get(path)} == {
        sealed.folder / "data/r_0001" / name
        for name in ("r_0001.json", "r_0001_r02_clean.tif", "r_0001_r02_mask.png", "r_0001_r02_access.jpg")
    }
    (sealed.folder / "data/r_0001/r_0001_r02_mask.png").write_bytes(b"rot")
    with pytest.raises(IntegrityError, match="expected the file that its sidecar names"):
        next_digests(sealed.archive, sealed.folder, FRAMES, last)
