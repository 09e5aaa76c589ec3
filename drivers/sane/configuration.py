"""A private SANE configuration with the one backend that is needed, and the buttons of a scanner."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from filmscand.drivers.scanner.errors import LibsaneMissingError, ScannerHungError, ScannerIoError

SYSTEM_CONFIG = Path("/etc/sane.d")
CONNECT_TIMEOUT_S = 10


def network_host(device: str) -> str | None:
    """Give the host of a device name such as ``net:127.0.0.2:coolscan3:usb``; None where the device is local."""
    found = re.match(r"net:(\[[^]]+\]|[^:]+):", device)
    return found.group(1).strip("[]") if found else None


class SaneConfig:
    """A folder for SANE_CONFIG_DIR: few backends, no search through the network, no device twice.

    Parameters
    ----------
    backends : iterable of str
        Backends to enable; their own files are taken over from the system's.
    hosts : iterable of str
        Hosts that the net backend asks.
    """

    def __init__(self, backends: Iterable[str], hosts: Iterable[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="filmscand-sane-")
        folder = Path(self._folder.name)
        listed = list(dict.fromkeys(backends))
        known_hosts = list(dict.fromkeys(hosts))
        if known_hosts:
            listed.append("net")
            lines = [f"connect_timeout = {CONNECT_TIMEOUT_S}", *known_hosts]
            (folder / "net.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        (folder / "dll.conf").write_text("\n".join(listed) + "\n", encoding="ascii")
        for backend in listed:
            own = SYSTEM_CONFIG / f"{backend}.conf"
            if backend != "net" and own.is_file():
                shutil.copy(own, folder / own.name)

    @classmethod
    def for_device(cls, device: str, backend: str) -> SaneConfig:
        """Make the configuration for one device."""
        host = network_host(device)
        return cls([], [host]) if host else cls([backend])

    @property
    def environment(self) -> dict[str, str]:
        """What a process that loads libsane needs in its environment."""
        return {"SANE_CONFIG_DIR": self._folder.name}

    def close(self) -> None:
        """Remove the folder; harmless when done twice."""
        self._folder.cleanup()


def press_button(device: str, button: str, config: SaneConfig, budget_s: float) -> None:
    """Press a button such as ``eject``, which python-sane cannot; the device must not be open.

    scanimage's ``-n`` sets options without scanning.

    Raises
    ------
    LibsaneMissingError
        If scanimage is not installed.
    ScannerIoError
        If the scanner refuses, or does not answer within `budget_s`.
    """
    command = ["scanimage", "-d", device, f"--{button}", "-n"]
    environment = {**os.environ, **config.environment}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=budget_s, check=False)
    except FileNotFoundError as error:
        raise LibsaneMissingError("scanimage is not installed", advice="apt install sane-utils") from error
    except subprocess.TimeoutExpired as error:
        raise ScannerHungError(f"{button}: no answer within {budget_s:g} s") from error
    if done.returncode != 0:
        raise ScannerIoError(f"{button}: {done.stderr.strip() or f'exit status {done.returncode}'}")
