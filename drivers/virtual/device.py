"""The mechanics of a virtual scanner: where the slides are, and what a start delivers."""

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

# Share of the picture after which coolscan2 switches to infrared for the next start.
ARMED_AT = 1 / 3
# Lowest and highest resolution of pixma's infrared lamp.
INFRARED_DPI = (600, 2400)


class StartRefused(Exception):
    """The scanner answers a start with a status instead of a frame."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


@dataclass(frozen=True, slots=True)
class Delivered:
    """A frame that was sent completely."""

    slide: int
    content: Content


@dataclass
class Mechanics:
    """The scanner behind all connections: magazine, gate and faults.

    Attributes
    ----------
    model : Model
        The model that it simulates.
    magazine : Magazine
        The slides.
    faults : FaultBook
        Faults still to come.
    delivered : list of Delivered
        Frames that were sent completely, oldest first.
    slide_in_gate : int
        Number of the slide in the gate, from 1; 0 if the gate is empty.
    lock : RLock
        Guards the movements of slides.
    opened : bool
        Whether a client holds the scanner.
    """

    model: Model
    magazine: Magazine
    faults: FaultBook
    delivered: list[Delivered] = field(default_factory=list)
    slide_in_gate: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)
    opened: bool = False
    _last_delivered: int = 0
    _armed: Frame | None = None

    def __post_init__(self) -> None:
        if self.model.feeder in (Feeder.ADVANCE, Feeder.HAND):
            self.slide_in_gate = 1

    @property
    def gate(self) -> Gate:
        """What the options depend on."""
        rows_px, cols_px = self.magazine.shape_px
        return Gate(rows_px, cols_px, len(self.magazine), self.model.resolution_dpi)

    def next_slide(self) -> int:
        """Return the number of the slide that a client scans next: the one after the last complete frame."""
        return self._last_delivered + 1

    def press(self, button: str) -> None:
        """Press a button: "load" feeds the next slide, "eject" empties the gate; others do nothing.

        Raises
        ------
        StartRefused
            If no slide is left to load.
        """
        with self.lock:
            if button == "load":
                self._load_next()
            elif button == "eject":
                self.slide_in_gate = 0

    def requested_slide(self, options: OptionSet) -> int:
        """Return the number of the slide that a start would scan."""
        if self.model.feeder is Feeder.STRIP:
            return int(options.number("frame"))
        if self.model.feeder is Feeder.AUTOLOAD and options["autoload"]:
            return self._current_slide() + 1
        return self.slide_in_gate

    def plane_of_start(self, options: OptionSet) -> Plane:
        """Return whether a start would deliver the picture or a separate infrared frame."""
        infrared = self._second_start(options) or content_of(self.model, options) is Content.INFRARED
        return Plane.INFRARED if infrared else Plane.PICTURE

    def start(self, options: OptionSet) -> Frame:
        """Move the requested slide into the gate and return the frame to read.

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
            # Load the slide now: a real scanner also needs its time in the start, not between the rows.
            self.magazine.slide(self.slide_in_gate)
            return self._frame(options)

    def after_start(self, options: OptionSet) -> None:
        """Move on to the next slide if the scanner does so at the end of a start."""
        with self.lock:
            if self.model.feeder is Feeder.ADVANCE and options["advance"] and not options["preview"]:
                self.slide_in_gate += 1

    def record_sent(self, frame: Frame, share: float, options: OptionSet) -> None:
        """Record that a share of a frame was sent, 0..1; 1 is a complete frame."""
        with self.lock:
            self._arm(frame, share, options)
            if share < 1.0:
                return
            self.delivered.append(Delivered(frame.slide, frame.content))
            self._last_delivered = frame.slide
            # In a scanner without a feeder a person changes the slide after the infrared pass.
            if self.model.feeder is Feeder.HAND and frame.content is Content.INFRARED:
                self.slide_in_gate = frame.slide + 1

    def _arm(self, frame: Frame, share: float, options: OptionSet) -> None:
        picture = frame.content is Content.COLOUR and bool(options.values.get("infrared"))
        if self.model.delivery is Delivery.SECOND_START and picture and share >= ARMED_AT:
            self._armed = frame

    def _second_start(self, options: OptionSet) -> bool:
        return self._armed is not None and bool(options.values.get("infrared"))

    def _current_slide(self) -> int:
        return self.slide_in_gate or self._last_delivered

    def _load_next(self) -> None:
        following = self._current_slide() + 1
        if following > len(self.magazine):
            raise StartRefused(Status.NO_DOCS)
        self.slide_in_gate = following

    def _feed(self, options: OptionSet) -> None:
        if self.model.feeder is Feeder.STRIP:
            self.slide_in_gate = int(options.number("frame"))
        elif self.model.feeder is Feeder.AUTOLOAD and options["autoload"]:
            self._load_next()
        if self.slide_in_gate == 0:
            raise StartRefused(Status.NO_DOCS)

    def _frame(self, options: OptionSet) -> Frame:
        content = content_of(self.model, options)
        second_pass = content is Content.INFRARED and self.model.delivery is not Delivery.SECOND_START
        return Frame(
            slide=self.slide_in_gate,
            content=content,
            grid=grid_of(self.model, self.gate, options),
            sample_bits=int(options.values.get("depth", 16)),
            drift=self.magazine.drift(self.slide_in_gate) if second_pass else STILL,
        )

    def describe_frame(self, options: OptionSet) -> Frame:
        """Return the frame that a start would announce, without starting."""
        with self.lock:
            return self._frame(options)


def content_of(model: Model, options: OptionSet) -> Content:
    """Return what a first start delivers with these options."""
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
    """Set an option as the model does, including its effect on other options.

    Parameters
    ----------
    model : Model
        The scanner's model.
    options : OptionSet
        Options of the open handle; changed in place.
    index : int
        Number of the option.
    value : int, float or str
        The new value.

    Raises
    ------
    OptionRefused
        If the model does not accept the value.
    StartRefused
        If the option is the button "load" and no slide is left.
    """
    info = options.set(index, value)
    name = options.options[index].name
    if model.name == "pixma" and name in ("mode", "source"):
        if name == "source":
            options.values["mode"] = "Color"
        options.replace(_pixma_resolutions(model, options))
    return info


def _pixma_resolutions(model: Model, options: OptionSet) -> Option:
    resolutions = [model.resolution_dpi // divisor for divisor in (32, 16, 8, 4, 2, 1)]
    if options["mode"] == "Infrared":
        resolutions = [dpi for dpi in resolutions if INFRARED_DPI[0] <= dpi <= INFRARED_DPI[1]]
    option = next(option for option in options.options if option.name == "resolution")
    return dataclasses.replace(option, choices=tuple(resolutions), default=resolutions[0])
