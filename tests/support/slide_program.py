"""A scanner program that exists only in tests: it feeds simulated slides, writes TIFFs, and fails on demand.

    python -I -S slide_program.py STATION scan --output FILE ... | feed | probe | eject

It needs nothing but Python's own library, so that it starts at once, and knows nothing of filmscand. In the folder
STATION are the slides (NUMBER.slide: rows and columns as text, then the samples), the number of the one in the gate,
and the faults to come.
"""

import argparse
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

EMPTY, JAMMED, COVER_OPEN, BUSY, ACCESS, GONE, UNKNOWN = 3, 4, 5, 6, 7, 8, 99
MM_PER_INCH = 25.4


class Station:
    def __init__(self, folder):
        self.folder = folder
        self.gate_file = folder / "gate"
        self.faults_file = folder / "faults.json"

    @property
    def gate(self):
        return int(self.gate_file.read_text())

    def feed(self):
        if not (self.folder / f"{self.gate + 1}.slide").exists():
            print("the magazine is empty", file=sys.stderr)
            sys.exit(EMPTY)
        self.gate_file.write_text(str(self.gate + 1))

    def slide(self, number):
        file = self.folder / f"{number}.slide"
        if not file.exists():
            print("there is no slide in the gate", file=sys.stderr)
            sys.exit(EMPTY)
        size, _, samples = file.read_bytes().partition(b"\n")
        rows, cols = map(int, size.split())
        return rows, cols, samples[: rows * cols * 6], samples[rows * cols * 6 :]

    def fault(self, moment, slide):
        """Return the kind of the fault that is due, and count it."""
        faults = json.loads(self.faults_file.read_text())
        for fault in faults:
            if fault["moment"] == moment and fault["slide"] in (slide, None) and fault["times"] > 0:
                fault["times"] -= 1
                self.faults_file.write_text(json.dumps(faults))
                return fault["kind"]
        return None


def fail(kind):
    """Fail at once in the way that `kind` says; return for the kinds that only spoil the picture."""
    if kind is not None and kind.startswith("exit"):
        print(f"something went wrong: {kind}", file=sys.stderr)
        sys.exit(int(kind.removeprefix("exit")))
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if kind == "family":
        # A helper that would hold the scanner after its parent has gone.
        subprocess.Popen(["sleep", "600"])
    if kind in ("stall", "deaf", "family"):
        time.sleep(600)


def scan(station, options):
    number = station.gate + 1 if options.feed else options.frame if options.strip else station.gate
    fail(station.fault("start", number))
    if options.feed:
        station.feed()
    fail(station.fault("fed", number))
    rows, cols, rgb, infrared = station.slide(number)
    if options.region:
        rows, cols, rgb, infrared = crop(rows, cols, rgb, infrared, options)
    kind = station.fault("write", number)
    if kind == "nothing":
        return
    if kind == "small":
        rows //= 2
        rgb, infrared = rgb[: rows * cols * 6], infrared[: rows * cols * 2]
    if kind == "no_infrared" or not options.infrared:
        infrared = None
    for file, content in tiffs(Path(options.output), (rows, cols, rgb, infrared), options):
        write(file, b"garbage!" * (len(content) // 8) if kind == "garbage" else content, kind)


def write(file, content, kind):
    with file.open("wb") as output:
        output.write(content[: len(content) // 2])
        output.flush()
        if kind == "half":
            return
        fail(kind)
        output.write(content[len(content) // 2 :])


def crop(rows, cols, rgb, infrared, options):
    top, left, height, width = (round(mm * options.dpi / MM_PER_INCH) for mm in options.region)
    lines = range(top, top + height)
    rgb = b"".join(rgb[(row * cols + left) * 6 : (row * cols + left + width) * 6] for row in lines)
    infrared = b"".join(infrared[(row * cols + left) * 2 : (row * cols + left + width) * 2] for row in lines)
    return height, width, rgb, infrared


def tiffs(output, planes, options):
    """Yield the files of a frame in the layout that is wanted."""
    rows, cols, rgb, infrared = planes
    if infrared is None:
        yield output, tiff([(rows, cols, 3, rgb)], options.dpi)
    elif options.layout == "rgbi":
        both = bytearray(rows * cols * 8)
        for byte in range(6):
            both[byte::8] = rgb[byte::6]
        for byte in range(2):
            both[6 + byte :: 8] = infrared[byte::2]
        yield output, tiff([(rows, cols, 4, bytes(both))], options.dpi)
    elif options.layout == "page":
        yield output, tiff([(rows, cols, 3, rgb), (rows, cols, 1, infrared)], options.dpi)
    else:
        yield output, tiff([(rows, cols, 3, rgb)], options.dpi)
        yield output.with_name(f"{output.stem}_ir.tif"), tiff([(rows, cols, 1, infrared)], options.dpi)


def tiff(pages, dpi):
    """Return a TIFF 6.0 of uncompressed pages of 16 bits, one strip each."""
    content = bytearray(b"II*\0\0\0\0\0")
    link = 4
    for rows, cols, samples, data in pages:
        bits, strip = len(content), len(content) + 8
        content += struct.pack("<4H", *[16] * 4) + data + b"\0" * (len(data) % 2)
        resolution = len(content)
        content += struct.pack("<2I", dpi, 1)
        struct.pack_into("<I", content, link, len(content))
        tags = [(256, 4, 1, cols), (257, 4, 1, rows)]
        tags += [(258, 3, samples, bits) if samples > 2 else (258, 3, samples, 16)]
        tags += [(259, 3, 1, 1), (262, 3, 1, 2 if samples > 1 else 1), (273, 4, 1, strip), (277, 3, 1, samples)]
        tags += [(278, 4, 1, rows), (279, 4, 1, len(data)), (282, 5, 1, resolution), (283, 5, 1, resolution)]
        tags += [(296, 3, 1, 2)] + ([(338, 3, 1, 0)] if samples == 4 else [])
        content += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        link = len(content)
        content += b"\0\0\0\0"
    return bytes(content)


def parse(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("station", type=Path)
    parser.add_argument("action", choices=["scan", "feed", "probe", "eject"])
    parser.add_argument("--output")
    parser.add_argument("--frame", type=int)
    parser.add_argument("--dpi", type=int)
    parser.add_argument("--layout", choices=["rgbi", "page", "pair"], default="rgbi")
    parser.add_argument("--infrared", action="store_true")
    parser.add_argument("--feed", action="store_true")
    parser.add_argument("--strip", action="store_true")
    parser.add_argument("--region", type=float, nargs=4)
    return parser.parse_args(arguments)


def main():
    options = parse(sys.argv[1:])
    station = Station(options.station)
    if options.action == "scan":
        scan(station, options)
        return
    fail(station.fault(options.action, None))
    if options.action == "feed":
        station.feed()
    elif options.action == "eject":
        station.gate_file.write_text("0")


if __name__ == "__main__":
    main()
