"""Weights that a training begins with or holds to: those of a checkpoint, or of an exported model of the same size or
smaller.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from training.networks.learning import CPU
from training.networks.network import DefectNetwork
from training.networks.onnx_weights import load_exported
from training.sheets.sources import load_sources
from training.sheets.synthesizer import draw_sheet

# Sheets that the statistics of an exported model's normalisation are measured on.
SAMPLE_SHEETS = 32


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint that `Trainer.save` wrote, with all tensors in the processor's memory."""
    state: dict[str, Any] = torch.load(path, map_location=CPU, weights_only=True)
    return state


def reference_network(options: argparse.Namespace) -> DefectNetwork:
    """Return the network that a training holds to (`--hold-to`, else `--start`), in evaluation mode."""
    network = DefectNetwork(blocks=tuple(options.blocks))
    copy_smaller(network, weights_and_history(options, options.hold_to or options.start)[0])
    network.eval()
    return network


def weights_and_history(options: argparse.Namespace, path: Path) -> tuple[Mapping[str, Tensor], list[dict[str, Any]]]:
    """Return the weights of a checkpoint or a model, and the runs that led to them.

    Parameters
    ----------
    options : argparse.Namespace
        Options of the training that wants them; sheets drawn with them give the statistics of an exported model.
    path : Path
        `checkpoint.pt` or `NAME.onnx`; a model's card NAME.json is read if there is one.

    Returns
    -------
    tuple
        Weights by name, and command, steps and hours of each run, oldest first.
    """
    if path.suffix == ".onnx":
        smaller, history = _network_and_history(options, path)
        samples = _samples(options.photos, options.artefacts, options.seed, options.sheet_px)
        return load_exported(path, smaller, samples).state_dict(), history
    state = read_checkpoint(path)
    done = {"command": state["command"], "steps": state["step"], "hours": round(state["seconds"] / 3600, 3)}
    return state["averaged"], [*state["history"], done]


def _network_and_history(options: argparse.Namespace, path: Path) -> tuple[DefectNetwork, list[dict[str, Any]]]:
    """Return a new network of an exported model's size and the runs that led to the model, both from its card.

    Without a card the network has the size that the options ask for, and the history is empty.
    """
    file = path.with_suffix(".json")
    if not file.exists():
        return DefectNetwork(blocks=tuple(options.blocks)), []
    card = json.loads(file.read_text())
    try:
        done = {name: card[name] for name in ("command", "steps", "hours")}
        widths, blocks = (tuple(card["network"][name]) for name in ("widths", "blocks"))
        return DefectNetwork(widths, blocks), [*card["went_on_from"], done]
    except KeyError as error:
        raise ValueError(f"{file}: expected the card of a training, found none of its key {error}") from error


@lru_cache(maxsize=1)
def _samples(photos: Path | None, artefacts: Path | None, seed: int, sheet_px: int) -> list[tuple[Tensor, Tensor]]:
    """Draw sheets to measure a network's statistics on: densities and infrared, (1, 3, size, size) each.

    The network that a training holds to is often the one that it begins with: the sheets are drawn once for both.
    """
    sources = load_sources(photos, artefacts, held_out=False)
    rngs = (np.random.default_rng([seed, 11, number]) for number in range(SAMPLE_SHEETS))
    sheets = [draw_sheet(rng, sheet_px, sources) for rng in rngs]
    return [(torch.from_numpy(sheet.density)[None], torch.from_numpy(sheet.infrared)[None]) for sheet in sheets]


def copy_smaller(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a network the weights of one with as many blocks and channels, or fewer, so that both say the same.

    Additional blocks begin as the identity. Additional channels keep their random weights, but no channel of the
    smaller network reads them yet.

    Parameters
    ----------
    network : nn.Module
        A new network; changed in place.
    weights : mapping from str to Tensor
        State of the smaller network.

    Raises
    ------
    ValueError
        The weights do not fit into this network.
    """
    own = network.state_dict()
    unlike = [name for name in own if name not in weights and not name.startswith("blocks.")]
    unlike += [name for name, weight in weights.items() if name not in own or not _holds(own[name], weight)]
    if unlike:
        raise ValueError(
            f"--start, --hold-to: expected weights of this network or a smaller one, found others: {unlike[:3]}"
        )
    for name, weight in weights.items():
        into = own[name]
        if weight.dim() > 1:
            into[: weight.shape[0]] = 0
        into[tuple(slice(length) for length in weight.shape)] = weight


def _holds(own: Tensor, weight: Tensor) -> bool:
    """Whether a smaller weight fits into an own one: kernels of one size, and at least as many channels."""
    if own.dim() != weight.dim() or own.shape[2:] != weight.shape[2:]:
        return False
    return all(large >= small for large, small in zip(own.shape, weight.shape, strict=True))
