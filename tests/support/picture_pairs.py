"""Pairs of damaged and restored pictures for tests of the evaluation."""

import imagecodecs
import numpy as np
import tifffile
from PIL import Image


def write_png(path, rgb):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(imagecodecs.png_encode(rgb))


def write_infrared(path, plane):
    tifffile.imwrite(path, plane, photometric="minisblack", metadata=None)


def write_mask(path, mask):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)


def write_pair(folder, frame, name="a"):
    write_png(folder / f"{name}_damaged.png", frame.rgb)
    write_png(folder / f"{name}_restored.png", frame.clean_rgb)


def mask_of(*pixels, shape=(20, 30)):
    mask = np.zeros(shape, np.bool_)
    for pixel in pixels:
        mask[pixel] = True
    return mask
