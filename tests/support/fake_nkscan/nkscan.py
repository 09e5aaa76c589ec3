"""A stand-in for the package nkscan 0.17, whose only transport is hardware: the same names, calls and results.

The scanner is a folder ($FAKE_NKSCAN) as `support.command_station` makes it: slides, the one in the gate, faults. The
file `adapter` says what is in the scanner: `strip` (frames found by a pass over the film), `feeder` or `mount`.
"""

import json
import os
import time
from pathlib import Path

import numpy as np

OPTICAL_DPI = 4000
# Distance of two frames on the strip, in dots.
PITCH = 100
LOCATION = "usb:1-3.2"


class ScannerError(RuntimeError):
    pass


class TransientError(ScannerError):
    pass


class TransportError(TransientError):
    pass


class DeviceBusy(TransientError):
    pass


class DeviceNotFound(ScannerError):
    pass


class MediaError(ScannerError):
    pass


class UnsupportedError(ScannerError):
    def __init__(self, op, reason):
        super().__init__(f"{op}: {reason}")
        self.op, self.reason = op, reason


class ScanCancelled(ScannerError):
    pass


FAULTS = {
    "busy": DeviceBusy("the scanner is busy"),
    "transport": TransportError("timed out after 5s"),
    "media": MediaError("IA-20: The LL door is not completely opened"),
    "stuck": ScannerError("scanner fault: mechanical error (None)"),
    "forbidden": TransportError("Permission denied (os error 13)"),
    "unsupported": UnsupportedError("scan window", "this unit advertises no pixel depth"),
}


def _folder():
    return Path(os.environ["FAKE_NKSCAN"])


def _fault(moment, slide=None):
    """Fail as the folder says for this moment; return the kind of a fault that only spoils the result."""
    file = _folder() / "faults.json"
    faults = json.loads(file.read_text())
    for fault in faults:
        if fault["moment"] == moment and fault["slide"] in (slide, None) and fault["times"] > 0:
            fault["times"] -= 1
            file.write_text(json.dumps(faults))
            if fault["kind"] in FAULTS:
                raise FAULTS[fault["kind"]]
            if fault["kind"] == "crash":
                os.abort()
            if fault["kind"] == "stall":
                time.sleep(600)
            return fault["kind"]
    return None


class Device:
    def __init__(self, location, name):
        self._location, self._name = location, name

    @property
    def location(self):
        return self._location

    @property
    def name(self):
        return self._name


def list_devices():
    in_use = _fault("list") == "in_use"
    return [Device(LOCATION, "LS-5000 ED (in use)" if in_use else "Nikon LS-5000 ED")]


def init_logging(level=None, path=None):
    pass


class Capabilities:
    def __init__(self, adapter):
        strip = adapter == "strip"
        self.vendor, self.product, self.revision, self.model = "Nikon", "LS-5000 ED", "1.02", "LS-5000 ED"
        self.x_dpi_range = self.y_dpi_range = (90, OPTICAL_DPI)
        self.optical_dpi = OPTICAL_DPI
        self.max_frames = 6 if strip else 1
        self.framing = "perforation" if strip else "address"
        self.thumbnail = strip
        self.thumbnail_dpi, self.focus_range = (97, 97), (0, 450)
        self.film_format, self.film_formats = ("135", []) if strip else (None, [])
        self.max_samples = 16
        self.multi_line = self.autofocus = True
        self.hardware_metering = False
        self.eject = adapter != "mount"
        self.interleavings = ["line_without_distance"]

    @staticmethod
    def locks_white_balance(film):
        return film != "negative"


class Discovery:
    def __init__(self, frames, thumbnail):
        self.frames, self.thumbnail = frames, thumbnail
        self.addresses_per_column = self.column_addresses = self.row_addresses = self.contrast = None
        self.thumbnail_complete = self.thumbnail_blocks = None
        self.base_density = (0.1, 0.2, 0.3) if thumbnail is not None else None


class ScanResult:
    def __init__(self, colors, ir, dpi, exposures, complete):
        self.colors, self.ir, self.dpi, self.exposures = colors, ir, dpi, exposures
        self.rows, self.cols = colors["red"].shape
        self.cleaned = None
        self.complete, self.blocks = complete, 12 if complete else 5
        self.focused, self.focus_position = "focused", 230


class Session:
    def __init__(self, location):
        _fault("open")
        if location != LOCATION:
            raise DeviceNotFound("no scanner matched")
        self._adapter = (_folder() / "adapter").read_text()
        self._closed = False

    @staticmethod
    def open(device):
        return Session(device.location)

    @property
    def capabilities(self):
        self._require_open()
        return Capabilities(self._adapter)

    def media_loaded(self):
        self._require_open()
        return self._adapter == "strip" or self._gate > 0

    def stage(self):
        self._require_open()

    def eject(self):
        self._require_open()
        if self._adapter == "mount":
            return False
        _fault("eject")
        (_folder() / "out").write_text("yes")
        return True

    def load(self):
        self._require_open()
        _fault("load")
        if self._adapter != "feeder" or not self._slide(self._last + 1).exists():
            return False
        (_folder() / "gate").write_text(str(self._last + 1))
        (_folder() / "out").unlink(missing_ok=True)
        return True

    def discover_frames(self, format=None, film=None, progress=None):
        self._require_open()
        if self._adapter != "strip":
            rows, cols, _ = self._read(self._gate)
            return Discovery([(0, 0, cols, rows)], None)
        _fault("discover")
        self._report(progress, "discover", 1000)
        rows, cols, _ = self._read(1)
        count = len(list(_folder().glob("*.slide")))
        frames = [(PITCH * number, 0, PITCH * number + cols, rows) for number in range(count)]
        return Discovery(frames, {"red": np.zeros((10, 10), np.uint16)})

    def scan_frame(
        self,
        frame,
        dpi=None,
        samples=1,
        superfine=False,
        infrared=False,
        clean=False,
        film=None,
        format=None,
        base_density=None,
        lock_white_balance=None,
        exposures=None,
        focus=None,
        progress=None,
    ):
        self._require_open()
        assert not clean
        top, left, bottom, right = frame
        number = top // PITCH + 1 if self._adapter == "strip" else self._gate
        _fault("focus", number)
        if exposures is None:
            self._report(progress, "meter", 500)
        rows, _, planes = self._read(number)
        from_col = top % PITCH
        step = OPTICAL_DPI // (dpi or OPTICAL_DPI)
        planes = planes[rows - right : rows - left, from_col : from_col + bottom - top][::step, ::step]
        self._report(progress, "scan", planes.nbytes, lambda: _fault("scan", number))
        kind = _fault("end", number)
        names = ("red", "green", "blue")
        colors = {name: np.ascontiguousarray(planes[..., index]) for index, name in enumerate(names)}
        ir = np.ascontiguousarray(planes[..., 3]) if infrared and kind != "no_infrared" else None
        measured = dict.fromkeys((*names, *(("infrared",) if infrared else ())), 100 * number)
        with (_folder() / "exposures").open("a") as log:
            log.write(f"{json.dumps(exposures or measured)}\n")
        return ScanResult(colors, ir, dpi or OPTICAL_DPI, dict(exposures or measured), kind != "short")

    def meter_frame(
        self,
        frame,
        infrared=False,
        film=None,
        format=None,
        base_density=None,
        lock_white_balance=None,
        progress=None,
    ):
        raise NotImplementedError("the driver does not call it")

    def focus_frame(self, frame, focus=None):
        raise NotImplementedError("the driver does not call it")

    def autofocus(self, x, y, color=None):
        raise NotImplementedError("the driver does not call it")

    def focus_to(self, position):
        raise NotImplementedError("the driver does not call it")

    def focus_position(self):
        return 230

    def nikon_profile(self, film):
        return None

    def close(self):
        self._closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_args):
        self.close()

    def _require_open(self):
        if self._closed:
            raise ScannerError("session is closed")

    @property
    def _last(self):
        return int((_folder() / "gate").read_text())

    @property
    def _gate(self):
        return 0 if (_folder() / "out").exists() else self._last

    @staticmethod
    def _slide(number):
        return _folder() / f"{number}.slide"

    def _read(self, number):
        size, _, content = self._slide(number).read_bytes().partition(b"\n")
        rows, cols = map(int, size.split())
        samples = np.frombuffer(content, np.uint16)
        rgb = samples[: rows * cols * 3].reshape(rows, cols, 3)
        return rows, cols, np.dstack([rgb, samples[rows * cols * 3 :].reshape(rows, cols)])

    @staticmethod
    def _report(progress, phase, total_bytes, halfway=lambda: None):
        for part in range(1, 5):
            if progress is not None and progress(phase, 0, total_bytes * part // 4, total_bytes) is False:
                raise ScanCancelled("scan cancelled")
            if part == 2 and halfway() == "endless":
                # As slow as a scanner that reads each line sixteen times.
                while progress(phase, 0, total_bytes // 2, total_bytes) is not False:
                    time.sleep(0.01)
                raise ScanCancelled("scan cancelled")
