"""A package of a newer filmscand has to be newer for dpkg as well: the versions of pip and of Debian sort alike."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version

MODULE = Path(__file__).parents[2] / "packaging" / "debian_version.py"
spec = importlib.util.spec_from_file_location("debian_version", MODULE)
debian = importlib.util.module_from_spec(spec)
spec.loader.exec_module(debian)

NUMBERS = st.integers(0, 12)
needs_dpkg = pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")


@st.composite
def versions(draw):
    """A version without a local part; the number of its parts is always three, for Debian tells 1.0 from 1.0.0."""
    text = ".".join(str(draw(NUMBERS)) for _ in range(3))
    text += draw(
        st.sampled_from(["", "a", "b", "rc"]).flatmap(lambda kind: st.just(kind) if not kind else numbered(kind))
    )
    text += draw(st.one_of(st.just(""), numbered(".post")))
    return Version(text + draw(st.one_of(st.just(""), numbered(".dev"))))


def numbered(word):
    return NUMBERS.map(lambda number: f"{word}{number}")


def is_older(first, second):
    return subprocess.run(["dpkg", "--compare-versions", first, "lt", second], check=False).returncode == 0


@pytest.mark.parametrize(
    ("pip", "dpkg"),
    [
        ("0.2.0", "0.2.0"),
        ("0.2.0.dev5+gabc", "0.2.0~dev5+gabc"),
        ("0.2.0rc1", "0.2.0~pre.rc1"),
        ("0.2.0.post1", "0.2.0+post1"),
        ("1!0.2.0", "1:0.2.0"),
        ("0.2.0.dev5+gabc.d20261129", "0.2.0~dev5+gabc.d20261129"),
    ],
)
def test_a_version_of_pip_becomes_one_of_debian(pip, dpkg):
    assert debian.debian_version(pip) == dpkg


@needs_dpkg
@settings(max_examples=10, deadline=None)
@given(st.lists(versions(), min_size=2, max_size=6, unique=True))
def test_dpkg_sorts_as_pip_does(some):
    ordered = [debian.debian_version(str(version)) for version in sorted(some)]
    assert [pair for pair in pairwise(ordered) if not is_older(*pair)] == []


@needs_dpkg
def test_a_build_between_two_tags_is_newer_than_the_earlier_build_and_older_than_the_next_tag():
    builds = ["0.1.0", "0.2.0.dev1+gfff", "0.2.0.dev2+gaaa", "0.2.0a1", "0.2.0rc1", "0.2.0", "0.2.0.post1", "0.2.1"]
    ordered = [debian.debian_version(build) for build in builds]
    assert [pair for pair in pairwise(ordered) if not is_older(*pair)] == []


@pytest.mark.parametrize("wrong", ["v0.2", "0.2-1", "newest", ""])
def test_what_is_no_version_of_a_wheel_is_refused(wrong):
    with pytest.raises(ValueError, match="expected a version in the normal form of PEP 440"):
        debian.debian_version(wrong)
