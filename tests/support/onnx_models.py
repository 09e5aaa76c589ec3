"""Tiny models in ONNX: a detector that is a filter, and inpainting that paints a hole in the mean of its picture."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
CARD = {
    "margin_px": 32,
    "multiple_px": 4,
    "probabilities": {
        "0": {"seed": 0.95, "grow": 0.6},
        "0.5": {"seed": 0.8, "grow": 0.4},
        "1": {"seed": 0.5, "grow": 0.3},
    },
}
DENSITY = {"density": (1, 3, "rows", "cols")}
INFRARED = {"infrared": (1, 3, "rows", "cols")}
PROBABILITY = {"probability": (1, 1, "rows", "cols")}


def save(path, nodes, inputs, outputs, constants=()):
    """Write a graph of nodes (operator, inputs, output, attributes)."""

    def info(named):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in named.items()]

    made = [helper.make_node(operator, ins, [out], **attributes) for operator, ins, out, attributes in nodes]
    initial = [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()]
    graph = helper.make_graph(made, "tiny", info(inputs), info(outputs), initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def save_card(model, **changes):
    """Write the card of a detector beside it."""
    described = {"sha256": hashlib.sha256(model.read_bytes()).hexdigest(), **CARD, **changes}
    model.with_suffix(".json").write_text(json.dumps(described))


def save_detector(path, threshold=0.02, steepness=150.0, *, infrared=False):
    """A detector, with its card, that calls dark what is denser than the blocks of 4 by 4 pixels around it.

    With `infrared` it looks at the sum of what picture and infrared show.
    """
    nodes = [
        ("Add", ["density", "infrared"], "both", {}),
        ("ReduceMean", ["both" if infrared else "density"], "grey", {"axes": [1]}),
        ("AveragePool", ["grey"], "blocks", {"kernel_shape": [4, 4], "strides": [4, 4]}),
        ("AveragePool", ["blocks"], "around", {"kernel_shape": [13, 13], "pads": [6, 6, 6, 6]}),
        ("Resize", ["around", "", "scales"], "level", {"mode": "nearest"}),
        ("Sub", ["grey", "level"], "darker", {}),
        ("AveragePool", ["darker"], "calm", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Sub", ["calm", "threshold"], "beyond", {}),
        ("Mul", ["beyond", "steepness"], "odds", {}),
        ("Sigmoid", ["odds"], "probability", {}),
    ]
    constants = {
        "scales": np.array([1, 1, 4, 4], np.float32),
        "threshold": np.float32(threshold),
        "steepness": np.float32(steepness),
    }
    save(path, nodes[not infrared :], DENSITY | INFRARED if infrared else DENSITY, PROBABILITY, constants)
    save_card(path)
    return path


def save_inpainting(path, white=1.0, output_planes=3):
    """A model that paints the hole in the mean of its sound pixels, and answers on a scale of `white`."""
    nodes = [
        ("Sub", ["one", "mask"], "sound", {}),
        ("Mul", ["image", "sound"], "seen", {}),
        ("ReduceSum", ["seen", "axes"], "light", {}),
        ("ReduceSum", ["sound", "axes"], "area", {}),
        ("Div", ["light", "area"], "mean", {}),
        ("Mul", ["mean", "mask"], "painted", {}),
        ("Add", ["seen", "painted"], "whole", {}),
        ("Mul", ["whole", "white"], "output", {}),
    ]
    constants = {"one": np.float32(1), "white": np.float32(white), "axes": np.array([2, 3])}
    inputs = {"image": (1, 3, 512, 512), "mask": (1, 1, 512, 512)}
    return save(path, nodes, inputs, {"output": (1, output_planes, 512, 512)}, constants)
