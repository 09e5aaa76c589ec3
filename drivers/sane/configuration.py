"""A private SANE configuration with only the needed backends, and the buttons of a scanner."""

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
# How long the net backend waits for a host to accept a connection, in seconds.
CONNECT_TIMEOUT_S = 10


def network_host(device: str) -> str | None:
    """Return the host of a device name such as ``net:127.0.0.2:coolscan3:usb``; None for a local device."""
    found = re.match(r"net:(\[[^]]+\]|[^:]+):", device)
    return found.group(1).strip("[]") if found else None


class SaneConfig:
    """A temporary folder for SANE_CONFIG_DIR: few backends, no search of the network, no device listed twice.

    Parameters
    ----------
    backends : iterable of str
        Backends to enable; their configuration files are copied from the system's configuration.
    hosts : iterable of str
        Host names or addresses whose scanners the net backend lists.
    """

    def __init__(self, backends: Iterable[str], hosts: Iterable[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="filmscand-sane-")
        folder = Path(self._folder.name)
        enabled = list(dict.fromkeys(backends))
        distinct_hosts = list(dict.fromkeys(hosts))
        if distinct_hosts:
            enabled.append("net")
            lines = [f"connect_timeout = {CONNECT_TIMEOUT_S}", *distinct_hosts]
            (folder / "net.conf").write_text("\n".join(lines) + "\n", encoding="ascii")
        (folder / "dll.conf").write_text("\n".join(enabled) + "\n", encoding="ascii")
        for backend in enabled:
            settings = SYSTEM_CONFIG / f"{backend}.conf"
            if backend != "net" and settings.is_file():
                shutil.copy(settings, folder / settings.name)

    @classmethod
    def for_device(cls, device: str, backend: str) -> SaneConfig:
        """Make the configuration for one device: the net backend for a remote one, else its own backend."""
        host = network_host(device)
        return cls([], [host]) if host else cls([backend])

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for a process that loads libsane."""
        return {"SANE_CONFIG_DIR": self._folder.name}

    def close(self) -> None:
        """Remove the folder; may be called repeatedly."""
        self._folder.cleanup()


def press_button(device: str, button: str, config: SaneConfig, budget_s: float) -> None:
    """Press a button such as ``eject`` with ``scanimage -n``, because python-sane cannot set a button.

    Parameters
    ----------
    device : str
        Name by which SANE opens the scanner; it must not be open.
    button : str
        Name of the option.
    config : SaneConfig
        Configuration that lists the device.
    budget_s : float
        How long the scanner may take, in seconds.

    Raises
    ------
    LibsaneMissingError
        If scanimage is not installed.
    ScannerHungError
        If the scanner does not answer within `budget_s`.
    ScannerIoError
        If the scanner refuses.
    """
    command = ["scanimage", "-d", device, f"--{button}", "-n"]
    environment = {**os.environ, **config.environment}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=budget_s, check=False)
    except FileNotFoundError as error:
        raise LibsaneMissingError("scanimage is not installed", advice="Run 'apt install sane-utils'.") from error
    except subprocess.TimeoutExpired as error:
        raise ScannerHungError(f"{device}: button {button}: no answer within {budget_s:g} s") from error
    if done.returncode != 0:
        reason = done.stderr.strip().split("\n")[-1] or f"scanimage ended with status {done.returncode}"
        raise ScannerIoError(f"{device}: button {button}: {reason}")
