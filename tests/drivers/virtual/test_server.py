"""The virtual scanner as SANE's own programs see it, and what it holds and does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys

import numpy as np
import pytest
import tifffile

from filmscand.drivers.sane.configuration import SaneConfig
from filmscand.drivers.sane.scanner import SaneScanner
from filmscand.drivers.scanner.protocol import ScanRequest
from filmscand.drivers.virtual.command import ScannerSettings, make_scanner
from filmscand.drivers.virtual.faults import Fault, FaultKind, Moment, Plane
from filmscand.drivers.virtual.film_slides import SIX_KINDS, file_magazine, film_magazine
from filmscand.drivers.virtual.frames import Content
from filmscand.drivers.virtual.magazine import Drift, Magazine, Slide, drift_of
from filmscand.drivers.virtual.models import MODELS
from filmscand.drivers.virtual.server import VirtualScanner
from support.scanner_station import COLS, RESOLUTION_DPI, ROWS, make_magazine, make_slide, quick_recipe

pytest.importorskip("sane", reason="python-sane is not installed", exc_type=ImportError)
pytestmark = pytest.mark.skipif(shutil.which("scanimage") is None, reason="scanimage (sane-utils) is not installed")


def scanimage(virtual, *arguments):
    config = SaneConfig([], [virtual.address])
    try:
        environment = {**os.environ, **config.environment}
        return subprocess.run(
            ["scanimage", *arguments], env=environment, capture_output=True, text=True, timeout=30, check=False
        )
    finally:
        config.close()


@pytest.fixture
def coolscan3():
    with VirtualScanner("coolscan3", make_magazine("coolscan3", 3), address=None) as virtual:
        yield virtual


@pytest.mark.parametrize("model", MODELS)
def test_scanimage_lists_it(model):
    with VirtualScanner(model, make_magazine(model, 1), address=None) as virtual:
        listed = scanimage(virtual, "-L")
    assert listed.returncode == 0
    assert (
        f"`{virtual_name(model, listed.stdout)}' is a {MODELS[model].vendor} {MODELS[model].product}" in listed.stdout
    )


def virtual_name(model, listed):
    return listed.split("`")[1].split("'")[0] if MODELS[model].device in listed else "nothing"


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("coolscan2", ["--infrared[=(yes|no)] [no]", "--frame 1..3", "--eject", "--autofocus"]),
        ("coolscan3", ["--infrared[=(yes|no)] [inactive]", "--autoload", "--depth 8|14bit"]),
        ("pieusb", ["--mode Gray|Color|RGBI [Color]", "--advance", "--correct-infrared"]),
        ("genesys", ["--source Transparency Adapter|Transparency Adapter Infrared", "--mode Color|Gray [Gray]"]),
        ("pixma", ["--mode Color|Gray|Infrared", "--source Flatbed|Transparency Unit"]),
    ],
)
def test_scanimage_shows_the_options_of_the_model(model, shown):
    with VirtualScanner(model, make_magazine(model, 3), address=None) as virtual:
        text = scanimage(virtual, "-A", "-d", virtual.device).stdout
    assert [option for option in shown if option not in text] == []


def test_scanimage_scans_a_magazine_in_a_batch(coolscan3, tmp_path):
    done = scanimage(coolscan3, "-d", coolscan3.device, "--autoload=yes", "--format=tiff", f"--batch={tmp_path}/%d.tif")
    assert "out of documents" in done.stderr
    pages = sorted(tmp_path.glob("*.tif"))
    assert len(pages) == 3
    for number, page in enumerate(pages, start=1):
        assert np.array_equal(tifffile.imread(page), make_slide(number).rgb)


def test_scanimage_gets_the_infrared_of_coolscan2_from_the_second_start(tmp_path):
    with VirtualScanner("coolscan2", make_magazine("coolscan2", 1), address=None) as virtual:
        scanimage(
            virtual,
            *("-d", virtual.device, "--infrared=yes", "--format=tiff", f"--batch={tmp_path}/%d.tif", "--batch-count=2"),
        )
    slide = make_slide(1)
    assert np.array_equal(tifffile.imread(tmp_path / "1.tif"), slide.rgb)
    assert np.array_equal(tifffile.imread(tmp_path / "2.tif"), slide.infrared)


@pytest.mark.parametrize(("kind", "status"), [("jammed", 6), ("cover_open", 8), ("io_error", 9)])
def test_scanimage_ends_with_the_status_of_a_fault(coolscan3, tmp_path, kind, status):
    coolscan3.add_fault(Fault(FaultKind(kind), Moment.READ, slide=1))
    done = scanimage(coolscan3, "-d", coolscan3.device, "--autoload=yes", "-o", str(tmp_path / "page.pnm"))
    assert done.returncode == status


def test_eject_and_load_are_pressed_by_scanimage_while_the_device_is_closed(coolscan3):
    with SaneScanner(coolscan3.device, quick_recipe("coolscan3")) as scanner:
        request = ScanRequest(RESOLUTION_DPI["coolscan3"])
        scanner.capture(request, 1)
        scanner.press("eject")
        assert coolscan3.slide_in_gate == 0
        scanner.press("load")
        assert coolscan3.slide_in_gate == 2
        # the slide that the button has loaded is not passed over
        assert np.array_equal(scanner.capture(request, 2).rgb, make_slide(2).rgb[: ROWS - 1])


def test_a_scanner_that_another_program_holds_is_busy(coolscan3, tmp_path):
    with SaneScanner(coolscan3.device, quick_recipe("coolscan3")) as scanner:
        scanner.capabilities()
        refused = scanimage(coolscan3, "-d", coolscan3.device, "-n")
    assert "Device busy" in refused.stderr
    assert scanimage(coolscan3, "-d", coolscan3.device, "-n").returncode == 0


def test_two_scanners_stand_side_by_side_on_two_addresses(coolscan3):
    with VirtualScanner("genesys", make_magazine("genesys", 1), address=None) as other:
        assert other.address != coolscan3.address
        listed = scanimage(coolscan3, "-L").stdout + scanimage(other, "-L").stdout
    assert "coolscan3:virtual" in listed
    assert "genesys:virtual" in listed


def test_an_address_that_is_taken_is_refused_and_stopping_twice_is_harmless(coolscan3):
    with pytest.raises(OSError, match="in use"):
        VirtualScanner("coolscan3", make_magazine("coolscan3", 1), address=coolscan3.address).start()
    coolscan3.stop()
    coolscan3.stop()


def test_a_client_that_speaks_no_sane_is_hung_up_on(coolscan3):
    with socket.create_connection((coolscan3.address, 6566)) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert client.recv(100) == b""
    assert scanimage(coolscan3, "-L").returncode == 0


def test_a_second_pass_lies_where_its_drift_puts_it():
    rows = np.arange(200, dtype=np.float64)[:, None] * 200.0
    ramp = np.broadcast_to(rows, (200, 60)).astype(np.uint16)
    slide = Slide(np.repeat(ramp[..., None], 3, axis=2), ramp.copy(), Drift(rows_px=-2.5, wander_px=0.5))
    with (
        VirtualScanner("genesys", Magazine.of([slide]), address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("genesys")) as scanner,
    ):
        capture = scanner.capture(ScanRequest(7200), 1)
    shift_px = (capture.infrared.astype(float) - capture.rgb[..., 0]) / 200.0
    wander_px = 0.5 * np.sin(2 * np.pi * np.arange(200) / 200)
    inside = slice(5, -5)
    assert np.abs(shift_px.mean(axis=1) - (-2.5 + wander_px))[inside].max() < 0.01


def test_no_two_slides_drift_alike_and_each_drifts_alike_again():
    assert len({drift_of(number) for number in range(1, 20)}) == 19
    assert drift_of(3) == drift_of(3)


@pytest.mark.parametrize(("model", "contents"), [
    ("coolscan2", [Content.COLOUR, Content.INFRARED]),
    ("coolscan3", [Content.COLOUR_AND_INFRARED]),
    ("pieusb", [Content.COLOUR_AND_INFRARED]),
    ("genesys", [Content.COLOUR, Content.INFRARED]),
    ("pixma", [Content.COLOUR, Content.INFRARED]),
])  # fmt: skip
def test_each_model_delivers_its_infrared_in_its_own_way(model, contents):
    with (
        VirtualScanner(model, make_magazine(model, 1), address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe(model)) as scanner,
    ):
        scanner.capture(ScanRequest(RESOLUTION_DPI[model]), 1)
        assert [frame.content for frame in virtual.delivered] == contents


def test_pixma_gives_infrared_of_a_lower_resolution_and_the_driver_says_that_it_was_enlarged():
    magazine = Magazine.of([make_slide(1, "pixma")])
    with (
        VirtualScanner("pixma", magazine, address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("pixma")) as scanner,
    ):
        capture = scanner.capture(ScanRequest(9600), 1)
    assert capture.rgb.shape == (4 * ROWS, 4 * COLS, 3)
    assert capture.infrared.shape == (4 * ROWS, 4 * COLS)
    assert capture.info.flags == ("infrared_resampled",)


def test_bare_light_comes_after_the_last_slide_of_a_scanner_that_does_not_notice():
    with (
        VirtualScanner("pieusb", make_magazine("pieusb", 1), address=None) as virtual,
        SaneScanner(virtual.device, quick_recipe("pieusb")) as scanner,
    ):
        scanner.capture(ScanRequest(5000), 1)
        assert (scanner.capture(ScanRequest(5000), 2).rgb == 65535).all()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("jammed", Fault(FaultKind.JAMMED)),
        ("stall@start:3", Fault(FaultKind.STALL, Moment.START, 3)),
        ("io_error@read:4/0.25+infrared", Fault(FaultKind.IO_ERROR, Moment.READ, 4, 0.25, Plane.INFRARED)),
        ("busy@start:2x5", Fault(FaultKind.BUSY, Moment.START, 2, times=5)),
        ("empty@start:7xall", Fault(FaultKind.EMPTY, Moment.START, 7, times=None)),
    ],
)
def test_a_fault_is_read_from_text(text, fault):
    assert Fault.parse(text) == fault


@pytest.mark.parametrize("text", ["", "sneeze", "reset@start", "jammed@option", "stall@noon", "io_error:2/7"])
def test_a_fault_that_cannot_be_is_refused(text):
    with pytest.raises(ValueError):
        Fault.parse(text)


def test_a_magazine_of_simulated_film_is_the_same_slide_for_both_ways_but_for_where_infrared_lies():
    shape = (80, 120)
    same_pass = film_magazine("coolscan3", SIX_KINDS, shape)
    second_pass = film_magazine("genesys", SIX_KINDS, shape)
    assert len(same_pass) == len(second_pass) == 6
    one, two = same_pass.slide(1), second_pass.slide(1)
    assert np.array_equal(one.rgb, two.rgb)
    assert not np.array_equal(one.infrared, two.infrared)


def test_a_magazine_takes_film_files_with_their_infrared_beside_them(tmp_path):
    slide = make_slide(5)
    tifffile.imwrite(tmp_path / "a.tif", slide.rgb, photometric="rgb")
    tifffile.imwrite(tmp_path / "a_ir.tif", slide.infrared)
    loaded = file_magazine([tmp_path / "a.tif"]).slide(1)
    assert np.array_equal(loaded.rgb, slide.rgb)
    assert np.array_equal(loaded.infrared, slide.infrared)


def test_a_film_file_without_infrared_is_no_slide(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", make_slide(5).rgb, photometric="rgb")
    with pytest.raises(ValueError, match=r"a\.tif.*infrared"):
        file_magazine([tmp_path / "a.tif"])


def test_slides_of_another_size_and_kind_are_refused():
    with pytest.raises(ValueError, match="uint16"):
        Slide(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError, match="kinds of slides"):
        film_magazine("coolscan3", ["velvet"], (10, 10))
    with pytest.raises(ValueError, match="at least one"):
        Magazine.of([])


def test_the_command_makes_what_its_settings_say():
    scanner = make_scanner(ScannerSettings(model="coolscan", slides=2, rows_px=40, cols_px=60, address=None))
    with scanner:
        assert scanner.device.endswith("coolscan3:virtual")


def test_the_command_tells_where_the_scanner_is_and_ends_when_asked_to():
    with VirtualScanner("pixma", make_magazine("pixma", 1), address=None) as taken:
        free = f"127.0.1.{taken.address.rsplit('.', 1)[1]}"
    command = [sys.executable, "-m", "filmscand.drivers.virtual", "--model", "genesys", "--rows", "30", "--cols", "40"]
    with subprocess.Popen([*command, "--address", free], stdout=subprocess.PIPE, text=True) as process:
        told = process.stdout.readline()
        process.terminate()
        assert process.wait(10) == 0
    assert told.startswith(f"net:{free}:genesys:virtual")
