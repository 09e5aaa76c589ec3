"""Film scans of a simulated frame, as scanning programs write them."""

import numpy as np
import tifffile


def rgbi(file, scanned):
    plane = np.dstack([scanned.rgb, scanned.infrared])
    tifffile.imwrite(
        file, plane, photometric="rgb", extrasamples=[0], metadata=None, software="VueScan 9 x64 (9.8.26.08)"
    )
    return file


def pair(folder, scanned, name="pair"):
    picture, infrared = folder / f"{name}.tif", folder / f"{name}_ir.tif"
    tifffile.imwrite(picture, scanned.rgb, photometric="rgb", metadata=None)
    tifffile.imwrite(infrared, scanned.infrared, photometric="minisblack", metadata=None)
    return picture, infrared
