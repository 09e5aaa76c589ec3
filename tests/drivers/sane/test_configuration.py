"""A process that loads libsane gets a SANE configuration of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmscand.drivers.sane.configuration import SYSTEM_CONFIG, SaneConfig, network_host, press_button
from filmscand.drivers.scanner.errors import LibsaneMissingError, ScannerHungError, ScannerIoError
from support.scanner_station import needs_scanimage


@pytest.mark.parametrize(
    ("device", "host"),
    [
        ("net:127.0.0.2:coolscan3:usb", "127.0.0.2"),
        ("net:scanner.example.org:pieusb:libusb:001:002", "scanner.example.org"),
        ("net:[fe80::1]:genesys:libusb:001:002", "fe80::1"),
        ("coolscan3:usb:libusb:001:004", None),
        ("network:0", None),
    ],
)
def test_a_remote_device_names_its_host(device, host):
    assert network_host(device) == host


def files_of(config: SaneConfig) -> dict[str, str]:
    folder = Path(config.environment["SANE_CONFIG_DIR"])
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in folder.iterdir()}


def test_a_local_device_gets_its_backend_alone_with_the_systems_settings():
    config = SaneConfig.for_device("genesys:libusb:001:009", "genesys")
    files = files_of(config)
    assert files.pop("dll.conf") == "genesys\n"
    settings = SYSTEM_CONFIG / "genesys.conf"
    assert list(files) == (["genesys.conf"] if settings.is_file() else [])
    config.close()


def test_a_remote_device_gets_the_net_backend_with_its_host():
    config = SaneConfig.for_device("net:127.0.0.5:genesys:virtual", "genesys")
    assert files_of(config) == {"dll.conf": "net\n", "net.conf": "connect_timeout = 10\n127.0.0.5\n"}
    config.close()


def test_backends_and_hosts_are_listed_once_and_in_order():
    config = SaneConfig(["pixma", "test", "pixma"], ["b", "a", "b"])
    files = files_of(config)
    assert files["dll.conf"] == "pixma\ntest\nnet\n"
    assert files["net.conf"].splitlines()[1:] == ["b", "a"]
    config.close()


def test_closing_removes_the_folder_and_twice_is_harmless():
    config = SaneConfig(["test"])
    config.close()
    config.close()
    assert not Path(config.environment["SANE_CONFIG_DIR"]).exists()


@pytest.fixture
def config():
    config = SaneConfig(["test"])
    yield config
    config.close()


@needs_scanimage
def test_a_button_of_a_device_that_does_not_exist_is_an_error_with_the_words_of_scanimage(config):
    with pytest.raises(ScannerIoError, match="test:99: button eject: scanimage: open of device test:99 failed"):
        press_button("test:99", "eject", config, 10)


def test_without_scanimage_the_error_says_what_to_install(config, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(LibsaneMissingError) as missing:
        press_button("test:0", "eject", config, 1)
    assert "sane-utils" in missing.value.advice


def test_a_scanner_that_does_not_answer_to_a_button_is_given_up(config, monkeypatch, tmp_path):
    (tmp_path / "scanimage").write_text("#!/bin/sh\nexec sleep 30\n")
    (tmp_path / "scanimage").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(ScannerHungError, match=r"test:0: button load: no answer within 0\.2 s"):
        press_button("test:0", "load", config, 0.2)
