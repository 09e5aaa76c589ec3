"""Makes hostile film files: seeded mutations of valid TIFF, PNG and JPEG files, and things that are no files at all."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

# Tags whose values decide about memory: sizes, bits, codec, photometric, strips, samples, resolution, tiles, format.
_TAGS = (256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 282, 284, 317, 322, 323, 330, 338, 339)
_VALUES = (0, 1, 2, 3, 7, 8, 16, 17, 255, 4096, 30000, 65535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1)


def make_hostile(folder: Path, count: int, seed: int) -> list[Path]:
    """Write `count` hostile files into a folder and return their paths; the same seed makes the same files."""
    rng = np.random.default_rng(seed)
    seeds = list(_valid(folder / "seed.tif", rng))
    (folder / "seed.tif").unlink()
    made = [_not_a_file(folder, kind) for kind in ("pipe", "folder", "socket", "link", "loop", "empty", "device")]
    mutations: list[Callable[[bytearray, np.random.Generator], bytes]]
    mutations = [_truncated, _flipped, _wrong_tag, _wrong_tag, _looping, _bomb]
    while len(made) < count:
        name, data = seeds[int(rng.integers(len(seeds)))]
        mutation = mutations[int(rng.integers(len(mutations)))]
        path = folder / f"h{len(made):04d}_{mutation.__name__[1:]}.{name}"
        path.write_bytes(mutation(bytearray(data), rng))
        made.append(path)
    return made


def _valid(scratch: Path, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    rgb = rng.integers(0, 65535, (48, 64, 3)).astype(np.uint16)
    eight = (rgb >> 8).astype(np.uint8)
    for samples, options in (
        (rgb, {"photometric": "rgb"}),
        (rgb, {"photometric": "rgb", "compression": "zlib", "rowsperstrip": 16, "resolution": (2400, 2400)}),
        (rgb, {"photometric": "rgb", "compression": "lzw", "tile": (16, 16)}),
        (eight, {"photometric": "rgb", "compression": "jpeg", "rowsperstrip": 16}),
        (rgb, {"photometric": "rgb", "compression": "jpeg2000"}),
        (rgb, {"photometric": "rgb", "compression": "zstd", "bigtiff": True}),
        (rgb.transpose(2, 0, 1).copy(), {"photometric": "rgb", "planarconfig": "separate"}),
        (np.dstack([rgb, rgb[..., 0]]), {"photometric": "rgb", "extrasamples": [0]}),
        (rgb[..., 0], {"photometric": "minisblack"}),
        ((rgb / 65535.0).astype(np.float16), {"photometric": "rgb"}),
        (rgb.astype(np.float32), {"photometric": "rgb"}),
        (eight[..., 0] > 127, {"photometric": "minisblack"}),
    ):
        tifffile.imwrite(scratch, samples, metadata=None, **options)
        yield "tif", scratch.read_bytes()
    yield "png", imagecodecs.png_encode(rgb)
    yield "jpg", imagecodecs.jpeg8_encode(eight)


def _truncated(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: int(rng.integers(len(data)))])


def _flipped(data: bytearray, rng: np.random.Generator) -> bytes:
    for at in rng.integers(0, min(len(data), 512), 6):
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _wrong_tag(data: bytearray, rng: np.random.Generator) -> bytes:
    """Set a tag of the first directory of a classic TIFF to a value that it should not have."""
    if data[:4] != b"II*\0":
        return _flipped(data, rng)
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = [at + 2 + 12 * index for index in range(count)]
    fitting = [entry for entry in entries if struct.unpack_from("<H", data, entry)[0] in _TAGS]
    entry = fitting[int(rng.integers(len(fitting)))]
    struct.pack_into("<HII", data, entry + 2, int(rng.choice([3, 4, 9, 10])), 1, _VALUES[int(rng.integers(15))])
    return bytes(data)


def _looping(data: bytearray, rng: np.random.Generator) -> bytes:
    """Let the chain of directories return to its start."""
    if data[:4] != b"II*\0":
        return _truncated(data, rng)
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    struct.pack_into("<I", data, at + 2 + 12 * count, at)
    return bytes(data)


def _bomb(data: bytearray, rng: np.random.Generator) -> bytes:
    """Claim 30000 x 30000 in the codec's own header."""
    for mark, offset, code in ((b"\xff\xc0", 5, ">HH"), (b"\xff\x4f\xff\x51", 8, ">II"), (b"IHDR", 4, ">II")):
        at = data.find(mark)
        if at >= 0:
            struct.pack_into(code, data, at + offset, 30000, 30000)
            return bytes(data)
    return _wrong_tag(data, rng)


def _not_a_file(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.tif"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    elif kind == "empty":
        path.touch()
    else:
        path.symlink_to({"link": "nowhere.tif", "loop": "loop.tif", "device": "/dev/zero"}[kind])
    return path
