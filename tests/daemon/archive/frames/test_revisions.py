from __future__ import annotations

import tifffile

from support.archive_frames import FRAME, content


def test_a_revision_has_clean_mask_and_access_file(archive):
    made = content(3)
    stored = archive.store_revision(FRAME, made)
    folder = archive.frame_folder(FRAME).path
    assert [file.name for file in stored.files] == [
        "r12_0007_r03_clean.tif",
        "r12_0007_r03_mask.png",
        "r12_0007_r03_access.jpg",
    ]
    assert (tifffile.imread(folder / "r12_0007_r03_clean.tif") == made.rgb).all()
    assert stored.seconds.keys() == {"write_clean", "write_mask", "write_access"}


def test_files_of_a_revision_that_no_sidecar_names_are_made_again(archive):
    archive.store_revision(FRAME, content(seed=1))
    archive.store_revision(FRAME, content(seed=2))
    clean = archive.frame_folder(FRAME).path / "r12_0007_r01_clean.tif"
    assert (tifffile.imread(clean) == content(seed=2).rgb).all()


def test_the_same_revision_gives_the_same_bytes(archive):
    assert archive.store_revision(FRAME, content()).files == archive.store_revision(FRAME, content()).files
