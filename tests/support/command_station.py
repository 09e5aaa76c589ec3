"""A scanner that another program drives: the virtual program, its slides and faults, and its recipe."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from filmscand.drivers.command.recipe import Program
from filmscand.drivers.scanner.recipes import Budgets
from support import slide_program
from support.scanner_station import MODEL, RESOLUTION_DPI, make_slide

DPI = RESOLUTION_DPI[MODEL]
EXIT_CODES = {
    slide_program.EMPTY: "end_of_magazine",
    slide_program.JAMMED: "jammed",
    slide_program.COVER_OPEN: "cover_open",
    slide_program.BUSY: "wait",
    slide_program.ACCESS: "access",
    slide_program.GONE: "gone",
}


class ProgramStation:
    """The folder that the virtual program works on."""

    def __init__(self, folder: Path, slides: int) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, slides + 1):
            slide = make_slide(number, MODEL)
            rows, cols = slide.infrared.shape
            content = f"{rows} {cols}\n".encode() + slide.rgb.tobytes() + slide.infrared.tobytes()
            (folder / f"{number}.slide").write_bytes(content)
        (folder / "gate").write_text("0")
        self.will_fail()

    def will_fail(self, *faults: str) -> None:
        """Prepare faults, each as kind@moment:slide, once; a slide of 0 means any."""
        parts = [(fault.partition("@")[0], *fault.partition("@")[2].split(":")) for fault in faults]
        listed = [
            {"kind": kind, "moment": moment, "slide": int(slide) or None, "times": 1} for kind, moment, slide in parts
        ]
        (self.folder / "faults.json").write_text(json.dumps(listed))

    def command(self, *arguments: object) -> list[object]:
        """Return the command line of the virtual program."""
        return [sys.executable, "-I", "-S", slide_program.__file__, str(self.folder), *arguments]

    def recipe(self, **changes: Any) -> dict[str, Any]:
        """Return the recipe of a slide feeder whose program writes four samples, as YAML holds it."""
        region = ["--region", "{top_mm}", "{left_mm}", "{height_mm}", "{width_mm}"]
        scan = ["scan", "--output", "{output}", "--dpi", "{dpi}", "--frame", "{frame}"]
        choices = [
            {"if": "infrared", "then": ["--infrared"]},
            {"if": "feed", "then": ["--feed"]},
            {"if": "region", "then": region},
        ]
        return {
            "driver": "command",
            "name": "virtual",
            "vendor": "Nobody",
            "model": "Virtual Feeder",
            "scan": self.command(*scan, *choices),
            "buttons": {"eject": self.command("eject")},
            "exit_codes": EXIT_CODES,
            "resolutions_dpi": [DPI],
            "infrared": True,
            "feeder": "autoload",
            "after_kill": "Turn the virtual scanner off and on again.",
        } | changes

    def program(self, **changes: Any) -> Program:
        """Return the recipe with short time limits."""
        return quick(Program.model_validate(self.recipe(**changes)))

    def strip(self, layout: str = "pair", **changes: Any) -> Program:
        """Return the recipe of a holder whose frames are addressed, with the infrared in a file or page of its own."""
        recipe = self.recipe()
        strip = {"scan": [*recipe["scan"], "--strip", "--layout", layout], "feeder": "frame", "frame_count": 3}
        return self.program(**strip | changes)

    def install(self, folder: Path, **changes: Any) -> str:
        """Write the recipe into a folder, and return the name of the scanner."""
        folder.mkdir(parents=True, exist_ok=True)
        recipe = self.recipe(**changes)
        (folder / f"{recipe['name']}.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
        return f"command:{recipe['name']}"


def quick(program: Program) -> Program:
    """Return a recipe with the shortest time limits that a busy machine keeps to."""
    budgets = Budgets(open_s=20, start_s=1.5, read_s=1.5, cancel_s=1.0, close_s=2.0)
    return program.model_copy(update={"budgets": budgets})
