"""What `metadata/roll.json` holds: the name of the roll, written when its first frame comes."""

from __future__ import annotations

import json
from pathlib import Path

from filmscand.daemon.archive.atomic_file import make_folders, publish_bytes
from filmscand.daemon.core.frame_id import FrameId


def write_roll_record(metadata: Path, frame: FrameId) -> None:
    """Write the record of the frame's roll where there is none yet."""
    path = metadata / "roll.json"
    if path.exists():
        return
    make_folders(metadata)
    record = {"schema_version": 1, "collection": frame.collection, "box": frame.box, "roll": frame.roll}
    publish_bytes(path, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
