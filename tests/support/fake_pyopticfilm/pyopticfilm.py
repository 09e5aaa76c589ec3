"""The names of pyopticfilm 1.3 that the script of the how-to page uses; the scanner fails as $FAKE_OPTICFILM says."""

import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np

exceptions = sys.modules["pyopticfilm.exceptions"] = ModuleType("pyopticfilm.exceptions")
for name in ("DeviceNotFoundError", "DriverBindingError", "MotorTimeoutError", "ScanCancelled", "UsbError"):
    setattr(exceptions, name, type(name, (Exception,), {}))


class Scanner:
    @classmethod
    def open(cls, device_id=None, *, calib_cache=None):
        if name := os.environ.get("FAKE_OPTICFILM"):
            raise getattr(exceptions, name)("as the test wants it")
        return cls()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def warmup(self, *, home=True, lamp=True):
        pass

    def scan(self, *, resolution=1800, mode="color", cancel=None, infrared=False, n_passes=1):
        rows, cols = 30, 45
        ramp = np.arange(rows * cols, dtype=np.uint16).reshape(rows, cols) * 40
        return SimpleNamespace(rgb=np.dstack([ramp, ramp + 1, ramp + 2]), ir=65535 - ramp if infrared else None)
