from __future__ import annotations

from pathlib import Path

from filmscand.daemon.cleaning.engine_options import missing_model, model_problem, options_of
from filmscand.daemon.station.configuration import Cleaning
from filmscand.ir import CleanOptions, DetectorUse


def test_a_station_says_which_models_clean_its_frames_and_the_frame_how_sensitively():
    cleaning = Cleaning(sensitivity=0.2, detector="off", detector_model=Path("/models/own.onnx"))
    assert options_of(cleaning, 0.7) == CleanOptions(0.7, DetectorUse.OFF, "/models/own.onnx", None)
    assert options_of(cleaning).sensitivity == 0.2


def test_a_file_that_is_no_model_is_told_by_its_name(tmp_path):
    file = tmp_path / "own.onnx"
    assert str(file) in model_problem("detector_model", file)
    file.write_bytes(b"no model")
    assert str(file) in model_problem("inpainting_model", file)


def test_the_model_that_is_missing_is_named_with_its_key_and_none_where_every_file_is_there(tmp_path):
    there, gone = tmp_path / "own.onnx", tmp_path / "lama.onnx"
    there.write_bytes(b"a model")
    assert missing_model(Cleaning()) is None
    assert missing_model(Cleaning(detector_model=there)) is None
    message = missing_model(Cleaning(detector_model=there, inpainting_model=gone))
    assert message.startswith(f"{gone}: expected a model")
    assert "cleaning.inpainting_model" in message


def test_a_healer_that_is_not_installed_is_told_like_a_missing_model():
    assert missing_model(Cleaning(healer="sh heal.sh {picture} {mask} {output}")) is None
    message = missing_model(Cleaning(healer="no-such-healer {picture} {mask} {output}"))
    assert message.startswith("cleaning.healer: expected a program, found none named no-such-healer")
