"""The convolutional part of DenseNet-121 (Huang et al. 2017), as torchvision builds and names it.

torchvision's own is the same network, but importing it takes over a second on a laptop, which is
most of what a short prediction would take. `tests/unit/model/test_densenet.py` holds the two
together: names, values, and the random weights of a seed.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

LAYERS = (6, 12, 24, 16)  # of each block
GROWTH, WIDTH = 32, 4  # channels that a layer adds; its bottleneck, times as wide
FIRST, CLASSES = 64, 1000


class DenseLayer(nn.Module):
    """Reads the outputs of all layers before it, and adds `GROWTH` channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(channels, WIDTH * GROWTH, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(WIDTH * GROWTH)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(WIDTH * GROWTH, GROWTH, 3, padding=1, bias=False)

    def forward(self, before: list[Tensor]) -> Tensor:
        """Return the layer's own (B, GROWTH, h, w) output."""
        mixed = self.conv1(self.relu1(self.norm1(torch.cat(before, 1))))
        out: Tensor = self.conv2(self.relu2(self.norm2(mixed)))
        return out


class DenseBlock(nn.ModuleDict):
    """Layers that each read all before them."""

    def __init__(self, layers: int, channels: int) -> None:
        super().__init__()
        for number in range(layers):
            self.add_module(f"denselayer{number + 1}", DenseLayer(channels + number * GROWTH))

    def forward(self, x: Tensor) -> Tensor:
        """Return the input and every layer's output, side by side."""
        outputs = [x]
        for layer in self.values():
            outputs.append(layer(outputs))
        return torch.cat(outputs, 1)


class Transition(nn.Sequential):
    """Half the channels, and half the pixels each way."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            OrderedDict(
                norm=nn.BatchNorm2d(channels),
                relu=nn.ReLU(inplace=True),
                conv=nn.Conv2d(channels, channels // 2, 1, bias=False),
                pool=nn.AvgPool2d(2, 2),
            )
        )


def densenet121_features() -> nn.Sequential:
    """Build the network up to its last normalisation: (B, 3, H, W) to (B, 1024, H / 32, W / 32).

    Its random weights are those that torchvision's `densenet121` has from the same seed.
    """
    features = nn.Sequential(
        OrderedDict(
            conv0=nn.Conv2d(3, FIRST, 7, stride=2, padding=3, bias=False),
            norm0=nn.BatchNorm2d(FIRST),
            relu0=nn.ReLU(inplace=True),
            pool0=nn.MaxPool2d(3, stride=2, padding=1),
        )
    )
    channels = FIRST
    for number, layers in enumerate(LAYERS, start=1):
        features.add_module(f"denseblock{number}", DenseBlock(layers, channels))
        channels += layers * GROWTH
        if number < len(LAYERS):
            features.add_module(f"transition{number}", Transition(channels))
            channels //= 2
    features.add_module("norm5", nn.BatchNorm2d(channels))
    nn.Linear(channels, CLASSES)  # torchvision's draws random numbers here
    for each in features.modules():
        if isinstance(each, nn.Conv2d):
            nn.init.kaiming_normal_(each.weight)
    return features
