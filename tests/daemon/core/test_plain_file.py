"""Only plain files are opened; whatever else has the name is told by its kind, at once."""

from __future__ import annotations

import hashlib
import os
import socket

import pytest

from filmscand.daemon.core.plain_file import NotAPlainFileError, digest_of, open_plain, read_plain


def test_a_plain_file_is_read_whole(tmp_path):
    (tmp_path / "a").write_bytes(b"counts")
    assert read_plain(tmp_path / "a") == b"counts"


@pytest.mark.parametrize("from_disk", [False, True])
def test_the_digest_of_a_plain_file_is_that_of_its_content(tmp_path, from_disk):
    (tmp_path / "a").write_bytes(b"counts")
    assert digest_of(tmp_path / "a", "sha256", from_disk=from_disk) == hashlib.sha256(b"counts").hexdigest()


def link(path):
    path.with_name("target").write_bytes(b"x")
    path.symlink_to(path.with_name("target"))


def listen(path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [(os.mkfifo, "a named pipe"), (link, "a symbolic link"), (os.mkdir, "a folder"), (listen, "a socket")],
    ids=["pipe", "link", "folder", "socket"],
)
def test_anything_else_is_refused_with_its_kind(tmp_path, make, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(tmp_path / "a")
    with pytest.raises(NotAPlainFileError, match=f"expected a plain file, found {kind}"):
        open_plain(tmp_path / "a")


def test_a_missing_file_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_plain(tmp_path / "a")
