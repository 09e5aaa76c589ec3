"""The segmentation network: a residual U-Net from densities and infrared to the log odds of a defect."""

from __future__ import annotations

import itertools
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

# Channels at a half, a quarter, an eighth and a sixteenth of the resolution. With 24 in the first place, runtimes with
# vectors of 16 numbers would compute 32 all the same.
WIDTHS = (32, 48, 80, 128)
# Residual blocks at a quarter, an eighth and a sixteenth of the resolution.
BLOCKS = (2, 2, 2)
MULTIPLE_PX = 2 ** len(WIDTHS)
# Half the receptive field is 172 px. With 136 no probability changes by 2e-4; with 32, F1 on 48 frames is the same.
MARGIN_PX = 32
# Factor of density differences before the tanh: they are small beside the density of a picture.
DETAIL_GAIN = 6.0
# Factor of density differences that go in linearly.
LINE_GAIN = 3.0
# Side of the near surroundings, half-resolution pixels.
WINDOW = 5
# Channels of the folded input.
COLOUR_INPUTS, INFRARED_INPUTS = 30, 15
# Factors of the light that infrared lacks: of its strength (in deviations of the noise), linearly and before a tanh,
# and of its density (in nepers), before a tanh.
STRENGTH_LINE, STRENGTH_GAIN, NEPER_GAIN = 0.05, 0.3, 3.0
# Factor of all infrared inputs. The larger an input, the faster its weights are learnt beside those of the others: a
# network that knows the colours shall learn the infrared before it forgets them.
INFRARED_GAIN = 3.0
# The far surroundings are averaged over cells of this many half-resolution pixels.
FAR_FACTOR = 4


Network = TypeVar("Network", bound=nn.Module)


class DefectNetwork(nn.Module):
    """A residual U-Net that folds 2 x 2 pixels into channels at its beginning and unfolds them at its end.

    Parameters
    ----------
    widths : tuple of int
        Channels at a half, a quarter, an eighth and a sixteenth of the resolution.
    blocks : tuple of int
        Residual blocks at a quarter, an eighth and a sixteenth. All blocks after the first of a resolution begin as the
        identity, so that a deeper network can begin with the weights of a shallower one.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS) -> None:
        super().__init__()
        first = widths[0]
        self.stem = nn.Sequential(_convolution(COLOUR_INPUTS + INFRARED_INPUTS, first), _convolution(first, first))
        self.down = nn.ModuleList(_convolution(a, b, stride=2) for a, b in itertools.pairwise(widths))
        self.blocks = nn.ModuleList(
            nn.Sequential(*(_Residual(width, idle=block > 0) for block in range(count)))
            for width, count in zip(widths[1:], blocks, strict=True)
        )
        self.narrow = nn.ModuleList(nn.Conv2d(b, a, 1, bias=False) for a, b in itertools.pairwise(widths))
        self.merge = nn.ModuleList(_convolution(width, width) for width in widths[:-1])
        refine, last = _convolution(first, first), nn.Conv2d(first, 4, 3, padding=1)
        self.head = nn.Sequential(refine, last)
        # Defects are rare: the initial probability is about their share (3 %), not a half.
        assert last.bias is not None
        nn.init.constant_(last.bias, -3.5)

    def forward(self, density: Tensor, infrared: Tensor) -> Tensor:
        """Return the log odds of a defect, (n, 1, rows, cols).

        Parameters
        ----------
        density : Tensor, shape (n, 3, rows, cols)
            Optical density of the colours above the frame's white; rows and columns are multiples of 16.
        infrared : Tensor, shape (n, 3, rows, cols)
            Strength, density and visibility of `filmscand.ir.network.infrared_view`; all 0 where there is none.
        """
        features = [self.stem(torch.cat([_folded(density), _folded_infrared(infrared)], dim=1))]
        for down, block in zip(self.down, self.blocks, strict=True):
            features.append(block(down(features[-1])))
        coarse = features.pop()
        for narrow, merge in zip(reversed(self.narrow), reversed(self.merge), strict=True):
            coarse = functional.interpolate(narrow(coarse), scale_factor=2.0, mode="nearest")
            coarse = merge(coarse + features.pop())
        unfolded: Tensor = functional.pixel_shuffle(self.head(coarse), 2)
        return unfolded


class _Residual(nn.Module):
    def __init__(self, width: int, *, idle: bool) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        norm = nn.BatchNorm2d(width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), norm)
        if idle:
            nn.init.zeros_(norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        total: Tensor = functional.relu(features + self.second(self.first(features)))
        return total


def with_memory_format(network: Network, memory_format: torch.memory_format) -> Network:
    """Return a network whose kernels lie in a memory format; PyTorch's own types do not know this argument of `to`."""
    convert: Any = network.to
    converted: Network = convert(memory_format=memory_format)
    return converted


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _folded(density: Tensor) -> Tensor:
    """Fold 2 x 2 pixels into channels: their differences from near and far surroundings, and the near surroundings."""
    coarse = functional.avg_pool2d(density, 2)
    near = _surroundings(coarse)
    detail = functional.pixel_unshuffle(density, 2) - near.repeat_interleave(4, dim=1)
    far = _surroundings(functional.avg_pool2d(coarse, FAR_FACTOR))
    far = functional.interpolate(far, scale_factor=float(FAR_FACTOR), mode="bilinear", align_corners=False)
    # The tanh makes faint dust large. In rough parts of a picture it saturates, and the linear channel tells more.
    bounded = torch.tanh(DETAIL_GAIN * torch.cat([detail, coarse - far], dim=1))
    return torch.cat([LINE_GAIN * detail, near, bounded], dim=1)


def _folded_infrared(infrared: Tensor) -> Tensor:
    """Fold 2 x 2 pixels into channels: strength, density, the surroundings of both, and where infrared saw the film."""
    strength, density, seen = (infrared[:, plane : plane + 1] for plane in range(3))
    fine = functional.pixel_unshuffle(strength, 2)
    around = _surroundings(functional.avg_pool2d(infrared[:, :2], 2))
    seeing = torch.cat(
        [
            STRENGTH_LINE * fine,
            torch.tanh(STRENGTH_GAIN * fine),
            torch.tanh(NEPER_GAIN * functional.pixel_unshuffle(density, 2)),
            torch.tanh(STRENGTH_GAIN * around[:, :1]),
            torch.tanh(NEPER_GAIN * around[:, 1:]),
            functional.avg_pool2d(seen, 2),
        ],
        dim=1,
    )
    return INFRARED_GAIN * seeing


def _surroundings(plane: Tensor) -> Tensor:
    return functional.avg_pool2d(plane, WINDOW, stride=1, padding=WINDOW // 2, count_include_pad=False)
