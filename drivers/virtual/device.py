"""The mechanics of a virtual scanner: where the slides are, and what a start will deliver."""

from __future__ import annotations

import dataclasses
import threading
from dataclasses import dataclass, field

from filmscand.drivers.virtual.faults import FaultBook, Plane
from filmscand.drivers.virtual.frames import Content, Frame, grid_of
from filmscand.drivers.virtual.magazine import STILL, Magazine
from filmscand.drivers.virtual.models import TRANSPARENCY_INFRARED, Delivery, Feeder, Gate, Model
from filmscand.drivers.virtual.options import Info, Option, OptionSet, Value
from filmscand.drivers.virtual.wire import Status

# coolscan2 arms its switch to the infrared stage once a third of the picture has been read.
ARMED_AT = 1 / 3
INFRARED_DPI = (600, 2400)


class StartRefused(Exception):
    """A start that ends with a status instead of a frame."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(frozen=True, slots=True)
class Delivered:
    """A frame that has been sent to its end."""

    slide: int
    content: Content


@dataclass
class Mechanics:
    """The one scanner behind all connections: magazine, gate and faults."""

    model: Model
    magazine: Magazine
    faults: FaultBook
    delivered: list[Delivered] = field(default_factory=list)
    slide_in_gate: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    opened: bool = False
    _read_out: int = 0
    _armed: Frame | None = None

    def __post_init__(self) -> None:
        if self.model.feeder in (Feeder.ADVANCE, Feeder.HAND):
            self.slide_in_gate = 1

    @property
    def gate(self) -> Gate:
        """What the option sets need to know."""
        rows_px, cols_px = self.magazine.shape_px
        return Gate(rows_px, cols_px, len(self.magazine), self.model.resolution_dpi)

    def coming_slide(self) -> int:
        """Give the number of the slide that a client will want next: the one after the last complete one."""
        return self._read_out + 1

    def press(self, button: str) -> None:
        """Press a button."""
        with self.lock:
            if button == "load":
                self._load_next()
            elif button == "eject":
                self.slide_in_gate = 0

    def wanted_slide(self, options: OptionSet) -> int:
        """Give the number of the slide that a start would scan."""
        if self.model.feeder is Feeder.STRIP:
            return int(options.number("frame"))
        if self.model.feeder is Feeder.AUTOLOAD and options["autoload"]:
            return self._read_or_gate() + 1
        return self.slide_in_gate

    def plane_of_start(self, options: OptionSet) -> Plane:
        """Tell whether a start would give the picture or a separate infrared frame."""
        infrared = self._second_start(options) or content_of(self.model, options) is Content.INFRARED
        return Plane.INFRARED if infrared else Plane.PICTURE

    def start(self, options: OptionSet) -> Frame:
        """Move the wanted slide into the gate and say what will be read.

        Raises
        ------
        StartRefused
            If there is no slide.
        """
        with self.lock:
            if self._second_start(options) and self._armed is not None:
                frame = dataclasses.replace(self._armed, content=Content.INFRARED)
                self._armed = None
                return frame
            self._feed(options)
            # A slide that has to be made or read first takes its time here, as a scanner's start does.
            self.magazine.slide(self.slide_in_gate)
            return self._frame(options)

    def after_start(self, options: OptionSet) -> None:
        """Move on where the scanner does so at the end of a start."""
        with self.lock:
            if self.model.feeder is Feeder.ADVANCE and options["advance"] and not options["preview"]:
                self.slide_in_gate += 1

    def sent(self, frame: Frame, share: float, options: OptionSet) -> None:
        """Take note that `share` of a frame has been sent."""
        with self.lock:
            self._arm(frame, share, options)
            if share < 1.0:
                return
            self.delivered.append(Delivered(frame.slide, frame.content))
            self._read_out = frame.slide
            # At a scanner without a feeder a person changes the slide once the infrared pass is through.
            if self.model.feeder is Feeder.HAND and frame.content is Content.INFRARED:
                self.slide_in_gate = frame.slide + 1

    def _arm(self, frame: Frame, share: float, options: OptionSet) -> None:
        picture = frame.content is Content.COLOUR and bool(options.values.get("infrared"))
        if self.model.delivery is Delivery.SECOND_START and picture and share >= ARMED_AT:
            self._armed = frame

    def _second_start(self, options: OptionSet) -> bool:
        return self._armed is not None and bool(options.values.get("infrared"))

    def _read_or_gate(self) -> int:
        return self.slide_in_gate or self._read_out

    def _load_next(self) -> None:
        coming = self._read_or_gate() + 1
        if coming > len(self.magazine):
            raise StartRefused(Status.NO_DOCS)
        self.slide_in_gate = coming

    def _feed(self, options: OptionSet) -> None:
        if self.model.feeder is Feeder.STRIP:
            self.slide_in_gate = int(options.number("frame"))
        elif self.model.feeder is Feeder.AUTOLOAD and options["autoload"]:
            self._load_next()
        if self.slide_in_gate == 0:
            raise StartRefused(Status.NO_DOCS)

    def _frame(self, options: OptionSet) -> Frame:
        content = content_of(self.model, options)
        second = content is Content.INFRARED and self.model.delivery is not Delivery.SECOND_START
        return Frame(
            slide=self.slide_in_gate,
            content=content,
            grid=grid_of(self.model, self.gate, options),
            sample_bits=int(options.values.get("depth", 16)),
            drift=self.magazine.drift(self.slide_in_gate) if second else STILL,
        )

    def description(self, options: OptionSet) -> Frame:
        """Say what a start would give, without starting."""
        with self.lock:
            return self._frame(options)


def content_of(model: Model, options: OptionSet) -> Content:
    """Tell from the options what a first start gives."""
    if model.delivery is Delivery.SECOND_START:
        return Content.COLOUR
    if model.name == "coolscan3":
        inline = options["infrared"] and not options["preview"]
        return Content.COLOUR_AND_INFRARED if inline else Content.COLOUR
    if options.values.get("source") == TRANSPARENCY_INFRARED:
        return Content.INFRARED
    modes = {"Gray": Content.GRAY, "RGBI": Content.COLOUR_AND_INFRARED, "Infrared": Content.INFRARED}
    return modes.get(str(options["mode"]), Content.COLOUR)


def set_option(model: Model, options: OptionSet, index: int, value: Value) -> Info:
    """Set an option as the model does, with what it does to other options.

    Raises
    ------
    OptionRefused
        If the model takes no such value.
    """
    info = options.set(index, value)
    name = options.options[index].name
    if model.name == "pixma" and name in ("mode", "source"):
        if name == "source":
            options.values["mode"] = "Color"
        options.replace(_pixma_resolutions(model, options))
    return info


def _pixma_resolutions(model: Model, options: OptionSet) -> Option:
    listed = [model.resolution_dpi // part for part in (32, 16, 8, 4, 2, 1)]
    if options["mode"] == "Infrared":
        listed = [dpi for dpi in listed if INFRARED_DPI[0] <= dpi <= INFRARED_DPI[1]]
    old = next(option for option in options.options if option.name == "resolution")
    return dataclasses.replace(old, choices=tuple(listed), default=listed[0])
