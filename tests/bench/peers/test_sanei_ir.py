"""sane-backends' cleaner is downloaded with lists of its own, or is unavailable with the reason."""

from __future__ import annotations

import pytest

from bench.peers import sanei_ir
from bench.peers.sanei_ir import UnavailableError


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """An /etc/apt of its own, and an output folder."""
    folder = tmp_path / "apt"
    (folder / "sources.list.d").mkdir(parents=True)
    monkeypatch.setattr(sanei_ir, "_APT", folder)
    monkeypatch.setattr(sanei_ir, "OUT", tmp_path / "out")
    return folder


def test_a_library_that_is_there_is_not_built_again(apt, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "libsanei_ir.so").write_bytes(b"")
    assert sanei_ir.build() == tmp_path / "out" / "libsanei_ir.so"


def test_without_its_tools_it_is_unavailable_and_names_them(apt, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UnavailableError, match="apt-get is not installed"):
        sanei_ir.build()


def test_without_a_package_source_it_is_unavailable(apt, tmp_path):
    with pytest.raises(UnavailableError, match="names no package source"):
        sanei_ir._apt_configuration(tmp_path / "out")


def test_package_sources_are_asked_for_source_packages(apt, tmp_path):
    (apt / "sources.list").write_text("deb http://a.b/debian bookworm main\n# deb http://c.d/ x y\n")
    stanza = "# comment\nTypes: deb\nURIs: http://a.b/debian\n\nTypes: rpm\nURIs: http://e.f/\n"
    (apt / "sources.list.d" / "debian.sources").write_text(stanza)
    configuration = sanei_ir._apt_configuration(tmp_path / "out").read_text()
    assert f'Dir::State "{tmp_path / "out" / "state"}";' in configuration
    sources = tmp_path / "out" / "sources"
    assert (sources / "own.list").read_text() == "deb-src http://a.b/debian bookworm main\n"
    assert (sources / "own.sources").read_text().strip() == "Types: deb-src\nURIs: http://a.b/debian"
