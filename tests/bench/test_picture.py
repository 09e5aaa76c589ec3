"""The picture of the README shows four planes, whole and in detail."""

from __future__ import annotations

from PIL import Image

from bench import picture
from support.ir_frames import compiled


@compiled
def test_the_picture_has_a_column_for_each_plane(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(picture, "TARGET", tmp_path / "pictures" / "before-after.jpg")
    picture.main()
    with Image.open(picture.TARGET) as sheet:
        size = sheet.size
    assert size == (4 * picture.PANEL_COLS + 3 * picture.GAP_PX, 468)
    assert str(picture.TARGET) in capsys.readouterr().out
