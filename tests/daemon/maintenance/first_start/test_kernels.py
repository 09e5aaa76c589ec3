"""The engine is compiled by the user of the service, where the service looks for it."""

from __future__ import annotations

import sys
from dataclasses import replace

from filmscand.daemon.maintenance.checks import Verdict
from filmscand.daemon.maintenance.first_start import kernels
from filmscand.daemon.maintenance.first_start.kernels import compile_kernels
from support.first_start import own_ground


def program(folder, body):
    """A program in the place of Python."""
    file = folder / "python"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


def test_kernels_that_are_ready_are_told_with_their_folder(tmp_path):
    check = compile_kernels(own_ground(tmp_path))
    assert check.verdict is Verdict.OK
    assert "31 ready" in check.found


def test_an_installed_service_keeps_them_in_its_cache(tmp_path, monkeypatch):
    answer = '{"kernels": 31, "compiled": 2, "folder": "%s"}'
    monkeypatch.setattr(kernels.sys, "executable", program(tmp_path, f"printf '{answer}' $NUMBA_CACHE_DIR"))
    ground = replace(own_ground(tmp_path), is_installed=True)
    check = compile_kernels(ground, tmp_path / "cache")
    assert check.found == f"31 ready, 2 of them compiled now, in {tmp_path / 'cache/numba'}"


def test_a_compiler_that_fails_is_a_warning_with_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels.sys, "executable", program(tmp_path, "echo first >&2; echo no room >&2; exit 1"))
    check = compile_kernels(own_ground(tmp_path))
    assert (check.verdict, check.found) == (Verdict.WARNING, "not compiled: no room")
    assert "when it first starts" in check.advice
    assert sys.executable.endswith("python")
