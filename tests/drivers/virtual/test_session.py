"""A session answers the calls of one client."""

from __future__ import annotations

import socket

import pytest

from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.recipes import load_recipe
from filmscand.drivers.virtual.models import MODELS, Gate
from filmscand.drivers.virtual.server import VirtualScanner
from filmscand.drivers.virtual.wire import Status
from support.sane_client import BUTTON, GET, SET, START, SaneClient
from support.scanner_station import (
    COLS,
    ROWS,
    make_magazine,
    make_slide,
    needs_sane,
    needs_scanimage,
    scanimage,
    wait_until,
)

BOOL = 0


@pytest.fixture
def coolscan3():
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 3), address=None) as virtual:
        yield virtual


@needs_sane
@needs_scanimage
def test_a_scanner_that_another_program_holds_is_busy(coolscan3, tmp_path):
    with SaneScanner(coolscan3.device, load_recipe("coolscan3")) as scanner:
        scanner.capabilities()
        refused = scanimage(coolscan3, "-d", coolscan3.device, "-n")
    assert "Device busy" in refused.stderr
    assert scanimage(coolscan3, "-d", coolscan3.device, "-n").returncode == 0


@needs_scanimage
def test_a_client_that_speaks_no_sane_is_hung_up_on(coolscan3):
    with socket.create_connection((coolscan3.address, 6566)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b""
    assert scanimage(coolscan3, "-L").returncode == 0


def test_a_client_opens_scans_and_closes(coolscan3):
    with SaneClient(coolscan3.address) as client:
        assert (client.init_status, client.version) == (Status.GOOD, 0x01000003)
        assert client.open("") == Status.GOOD
        assert client.control(index_of("autoload"), SET, 1, BOOL).words == (1,)
        status, port = client.start()
        assert status == Status.GOOD
        assert client.parameters() == (Status.GOOD, 1, 1, COLS * 6, COLS, ROWS, 16)
        assert client.read_frame(port) == (make_slide(1).rgb.tobytes(), Status.EOF)
        assert client.cancel() == 0
        assert client.close_handle() == 0
    assert [frame.slide for frame in coolscan3.delivered] == [1]


def index_of(name):
    options = MODELS["coolscan3"].options(Gate(ROWS, COLS, 3, 4000))
    return 1 + [option.name for option in options].index(name)


def test_an_unknown_device_is_invalid_and_an_open_one_busy(coolscan3):
    with SaneClient(coolscan3.address) as client, SaneClient(coolscan3.address) as other:
        assert client.open("epson2:virtual") == Status.INVAL
        assert client.open("coolscan3:virtual") == Status.GOOD
        assert other.open("coolscan3:virtual") == Status.DEVICE_BUSY


def test_a_client_that_leaves_frees_the_scanner(coolscan3):
    with SaneClient(coolscan3.address) as client:
        client.open("")
    with SaneClient(coolscan3.address) as client:
        assert wait_until(lambda: client.open("") == Status.GOOD)


@pytest.mark.parametrize(
    ("index", "action", "status"), [(999, GET, Status.INVAL), (-1, GET, Status.INVAL), (1, 2, Status.UNSUPPORTED)]
)
def test_a_call_on_an_option_that_cannot_be_is_answered_with_a_status(coolscan3, index, action, status):
    with SaneClient(coolscan3.address) as client:
        client.open("")
        if action == 2:
            client.send(5, client.handle, index, action)
            assert client.word() == status
        else:
            assert client.control(index, action).status == status


def test_a_button_that_finds_no_slide_answers_that_the_magazine_is_empty(coolscan3):
    with SaneClient(coolscan3.address) as client:
        client.open("")
        answers = [client.control(index_of("load"), SET, 0, BUTTON).status for _ in range(4)]
    assert answers == [Status.GOOD, Status.GOOD, Status.GOOD, Status.NO_DOCS]


def test_a_call_without_an_open_handle_ends_the_session(coolscan3):
    with SaneClient(coolscan3.address) as client:
        client.send(START, 0)
        with pytest.raises(EOFError):
            client.word()


def test_a_start_without_a_slide_is_answered_with_the_status(coolscan3):
    with SaneClient(coolscan3.address) as client:
        client.open("")
        assert client.start() == (Status.NO_DOCS, 0)
