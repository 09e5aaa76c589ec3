"""Checks whether scanners can be used: libraries, SANE's configuration, the devices and the right to use them."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from filmscand.daemon.maintenance.checks import Check, Verdict
from filmscand.drivers.command.recipe import PREFIX, load_program, program_files
from filmscand.drivers.scanner.errors import ScannerSetupError
from filmscand.drivers.scanner.python_sane import how_to_install_here
from filmscand.drivers.scanner.recipes import load_recipes

ELSEWHERE: Final = (
    "scan with its own program or VueScan into a watch folder, or let a program drive it (`scanners.programs`)"
)
RIGHTS: Final = (
    "add the user to the group scanner (adduser USER scanner), install systemd/70-filmscand.rules in"
    " /etc/udev/rules.d, then plug the scanner in again"
)
# Scanners without (infrared) support, by USB vendor and product. SANE has no backend for devices with a GL128. epson2
# is compiled without infrared, epkowa offers none. Epson's numbers are from sane-backends 1.2 (doc/descriptions:
# epson2.desc and, external, epkowa.desc).
_UNSUPPORTED: Final = {
    ("07b3", "1825"): "Plustek OpticFilm 8200i SE: SANE does not support it",
    ("07b3", "1824"): "Plustek OpticFilm 8100 V2: SANE does not support it",
    ("04b8", "0128"): "Epson Perfection 4870: no infrared through SANE",
    ("04b8", "012a"): "Epson Perfection 4990: no infrared through SANE",
    ("04b8", "012c"): "Epson Perfection V700/V750: no infrared through SANE",
    ("04b8", "0130"): "Epson Perfection V500: no infrared through SANE",
    ("04b8", "013a"): "Epson Perfection V600: no infrared through SANE",
    ("04b8", "013b"): "Epson Perfection V550: no infrared through SANE",
    ("04b8", "0151"): "Epson Perfection V800/V850: no infrared through SANE",
}
_USB_MAJOR: Final = 189


@dataclass(frozen=True, slots=True)
class _UsbDevice:
    ids: tuple[str, str]
    name: str
    node: Path
    is_scanner: bool


def examine_scanners(programs: Path | None = None, system: Path = Path("/")) -> Iterator[Check]:
    """Yield the results of all checks of scanners.

    Parameters
    ----------
    programs : Path or None
        Folder with the recipes of scanners that other programs drive (`scanners.programs`).
    system : Path
        Root of the file system whose devices and configuration are checked.
    """
    yield from examine_libraries()
    yield from _backends(system)
    for device in _usb_devices(system):
        yield from _device(device)
    if programs is not None:
        yield from _programs(programs)


def examine_libraries() -> Iterator[Check]:
    """Yield whether libsane and python-sane are installed; without either no scanner can be used."""
    try:
        ctypes.CDLL("libsane.so.1")
        yield Check("libsane", Verdict.OK, "installed")
    except OSError:
        advice = "for scanners at this machine: apt install libsane1 sane-utils (watch folders need neither)"
        yield Check("libsane", Verdict.WARNING, "missing", advice)
    if importlib.util.find_spec("sane") is None:
        yield Check("python-sane", Verdict.WARNING, "missing", f"for scanners at this machine: {how_to_install_here()}")
    else:
        yield Check("python-sane", Verdict.OK, version("python-sane"))


def _backends(system: Path) -> Iterator[Check]:
    """Yield the backends of film scanners that SANE's own configuration disables."""
    folder = system / "etc/sane.d"
    files = [folder / "dll.conf", *sorted((folder / "dll.d").glob("*"))]
    text = "\n".join(file.read_text(errors="replace") for file in files if file.is_file())
    enabled = {line.strip() for line in text.splitlines()}
    if not enabled - {""}:
        return
    for backend in sorted({recipe.backend for recipe in load_recipes()} - enabled - {"test"}):
        found = f"disabled in {folder / 'dll.conf'}; filmscand enables it for itself"
        advice = f"for scanimage and other programs: add a line `{backend}` without # in front"
        yield Check(f"backend {backend}", Verdict.OK, found, advice)


def _programs(folder: Path) -> Iterator[Check]:
    try:
        files = program_files(folder)
    except ScannerSetupError as error:
        yield Check("scanner programs", Verdict.FAILED, str(error), "correct `scanners.programs` in the configuration")
        return
    for file in files:
        name = f"scanner {PREFIX}{file.stem}"
        try:
            missing = load_program(file).missing_program()
        except ScannerSetupError as error:
            yield Check(name, Verdict.FAILED, str(error), f"correct {file}")
            continue
        if missing is None:
            yield Check(name, Verdict.OK, "its program is installed; see `filmscand devices`")
        else:
            yield Check(name, Verdict.FAILED, f"no program {missing}", f"install it, or correct {file}")


def _device(device: _UsbDevice) -> Iterator[Check]:
    name = f"scanner {':'.join(device.ids)}"
    if device.ids in _UNSUPPORTED:
        yield Check(name, Verdict.WARNING, _UNSUPPORTED[device.ids], ELSEWHERE)
    elif device.is_scanner and not os.access(device.node, os.R_OK | os.W_OK, effective_ids=True):
        yield Check(name, Verdict.FAILED, f"{device.name}: no right to use {device.node}", RIGHTS)
    elif device.is_scanner:
        yield Check(name, Verdict.OK, f"{device.name} at {device.node}; see `filmscand devices`")


def _usb_devices(system: Path) -> Iterator[_UsbDevice]:
    for folder in sorted((system / "sys/bus/usb/devices").glob("*")):
        ids = _word(folder / "idVendor"), _word(folder / "idProduct")
        bus, number = _word(folder / "busnum"), _word(folder / "devnum")
        if not (all(ids) and bus.isdigit() and number.isdigit()):
            continue
        name = " ".join(filter(None, (_word(folder / "manufacturer"), _word(folder / "product")))) or "USB scanner"
        node = system / f"dev/bus/usb/{int(bus):03d}/{int(number):03d}"
        yield _UsbDevice(ids, name, node, _matched(system, int(bus), int(number)))


def _matched(system: Path, bus: int, number: int) -> bool:
    """Return whether libsane's udev rules call the device a scanner (linux/Documentation/admin-guide/devices.txt)."""
    minor = (bus - 1) * 128 + number - 1
    record = system / f"run/udev/data/c{_USB_MAJOR}:{minor}"
    return record.is_file() and re.search(r"^E:libsane_matched=yes$", record.read_text(), re.MULTILINE) is not None


def _word(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
