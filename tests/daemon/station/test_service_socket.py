"""The local socket: who may connect, where it lies, and what an earlier service left there."""

from __future__ import annotations

import grp
import os
import shutil
import socket
import stat
from types import SimpleNamespace

import pytest

from filmscand.daemon.station import service_socket
from filmscand.daemon.station.configuration import Station
from filmscand.daemon.station.service_socket import connect_locally, listening_locally, socket_path
from support.two_users import GROUP, MEMBER, STRANGER, make_shared_folder, needs_root


@pytest.fixture
def station(tmp_path):
    found = Station(root=tmp_path / "station")
    found.root.mkdir()
    return found


def group_is(monkeypatch, number):
    """Let the group of operators have a number, or be none; the kernel asks for numbers only."""

    def find(name):
        assert name == service_socket.OPERATORS
        if number is None:
            raise KeyError(name)
        return SimpleNamespace(gr_gid=number)

    monkeypatch.setattr(grp, "getgrnam", find)


def mode_of(station):
    found = socket_path(station).stat()
    return stat.S_IMODE(found.st_mode), found.st_gid


def test_without_the_group_only_the_user_of_the_service_may_connect(station, monkeypatch):
    group_is(monkeypatch, None)
    with listening_locally(station):
        assert mode_of(station)[0] == 0o600


def test_with_the_group_its_members_may_connect_too(station, monkeypatch):
    group_is(monkeypatch, os.getegid())
    with listening_locally(station):
        assert mode_of(station) == (0o660, os.getegid())


def test_the_socket_goes_with_the_service_and_the_rest_of_one_that_was_killed_is_no_hindrance(station):
    with listening_locally(station):
        pass
    assert not socket_path(station).exists()
    assert connect_locally(station, 1.0) is None
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(socket_path(station)))
    assert connect_locally(station, 1.0) is None
    with listening_locally(station), connect_locally(station, 1.0) as client:
        assert client.getpeername()


def test_a_station_in_a_deep_folder_has_a_socket_although_an_address_takes_107_bytes(tmp_path):
    deep = Station(root=tmp_path.joinpath(*["a-folder-with-a-long-name"] * 6))
    deep.root.mkdir(parents=True)
    assert len(str(socket_path(deep))) > 107
    with listening_locally(deep), connect_locally(deep, 1.0) as client:
        assert client is not None


def test_a_folder_that_is_gone_is_no_service(tmp_path):
    assert connect_locally(Station(root=tmp_path / "nowhere"), 1.0) is None


@needs_root
@pytest.mark.parametrize(("user", "groups", "may"), [(MEMBER, [GROUP], True), (STRANGER, [], False)])
def test_the_kernel_lets_members_of_the_group_in_and_nobody_else(monkeypatch, user, groups, may):
    folder = make_shared_folder()
    station = Station(root=folder / "station")
    station.root.mkdir(mode=0o755)
    group_is(monkeypatch, GROUP)
    script = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
    try:
        with listening_locally(station):
            import subprocess

            command = ["/usr/bin/python3", "-c", script, str(socket_path(station))]
            done = subprocess.run(command, user=user, group=user, extra_groups=groups, capture_output=True, text=True)
        assert (done.returncode == 0) == may, done.stderr
        assert may or "PermissionError" in done.stderr
    finally:
        shutil.rmtree(folder)
