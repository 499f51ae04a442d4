"""DenseNet-121 with fixed weights, with fewer multiplications and passes over memory.

The same function as `DenseNet121`, up to rounding:

* what follows a convolution and is linear is folded into it;
* each block writes its layers' outputs side by side into one array, which the next layer reads, in
  place of joining all earlier outputs anew at every layer;
* what goes into a product is normalised in runs of rows that stay in a core's cache, where whole
  pictures would go to memory and back;
* where a block passes on to the next, pictures are halved before their channels are mixed, not
  after: both are linear, and the mixing costs a quarter.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .backbones import DENSENET_LAYERS, DenseNet121

BLOCKS = 4
RUN = 2048  # values of every channel that are normalised and mixed at once


def halve_before_mixing(backbone: DenseNet121) -> None:
    """Let the transitions between blocks halve pictures first; the outputs stay the same."""
    for number in range(1, BLOCKS):
        transition = getattr(backbone[0], f"transition{number}")
        parts = OrderedDict(transition.named_children())
        for name in ("conv", "pool"):
            delattr(transition, name)
        for name in ("pool", "conv"):
            transition.add_module(name, parts[name])


class FixedDenseNet(nn.Module):
    """A `DenseNet121` for inference with channels last, its weights folded.

    Parameters
    ----------
    backbone
        In 32 bits; it is left as it is.
    dtype
        Arithmetic of all but the folding.
    """

    def __init__(self, backbone: DenseNet121, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.rectified = backbone.rectified
        net: Any = backbone[0]
        weight, bias = _folded(net.conv0, net.norm0)
        self.weight = _fixed(weight.to(dtype).contiguous(memory_format=torch.channels_last))
        self.bias = _fixed(bias.to(dtype))
        self.blocks = nn.ModuleList()
        self.transitions = nn.ModuleList()
        for number in range(1, BLOCKS + 1):
            layers = getattr(net, f"denseblock{number}").children()
            self.blocks.append(nn.ModuleList(_Layer(layer, dtype) for layer in layers))
            if number < BLOCKS:
                transition = getattr(net, f"transition{number}")
                self.transitions.append(_Transition(transition, dtype))
        self.norm = _Affine(net.norm5, dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 1024) features of (B, 3, H, W) normalised pictures."""
        last = self.inner(x, (DENSENET_LAYERS["last"],))[DENSENET_LAYERS["last"]]
        return last.flatten(2).mean(dim=2)

    def inner(self, x: Tensor, wanted: tuple[str, ...]) -> dict[str, Tensor]:
        """Return (B, C, h, w) maps of the layers wanted, by torchvision's names."""
        x = functional.relu_(functional.conv2d(x, self.weight, self.bias, stride=2, padding=3))
        x = functional.max_pool2d(x, 3, 2, 1)
        found: dict[str, Tensor] = {}
        for number, block in enumerate(self.blocks, start=1):
            b, _, h, w = x.shape
            values = _through(block, x)  # type: ignore[arg-type]
            name = f"denseblock{number}"
            if name in wanted:
                found[name] = _picture(values, b, h, w)
            if len(found) == len(wanted):
                return found
            if number < BLOCKS:
                x = self.transitions[number - 1](values, b, h, w)
            else:
                values = self.norm(values)
                values = functional.relu_(values) if self.rectified else values
                found[DENSENET_LAYERS["last"]] = _picture(values, b, h, w)
        return found


class _Affine(nn.Module):
    """A normalisation with fixed statistics, on (n, C) values."""

    def __init__(self, norm: Any, dtype: torch.dtype) -> None:
        super().__init__()
        scale, shift = _scale_and_shift(norm)
        self.scale, self.shift = _fixed(scale.to(dtype)), _fixed(shift.to(dtype))

    def forward(self, values: Tensor) -> Tensor:
        return torch.addcmul(self.shift, values, self.scale)

    def rectified(self, values: Tensor, out: Tensor) -> Tensor:
        """Return the normalised values that are above 0, else 0, in the memory given."""
        return torch.addcmul(self.shift, values, self.scale, out=out).relu_()


class _Layer(nn.Module):
    """A layer of a block: (n, C) values of (b, h, w) pictures to their (b, 32, h, w) output.

    What is in between, (n, 128), goes to memory that a block's layers share.
    """

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm = _Affine(layer.norm1, dtype)
        weight, bias = _folded(layer.conv1, layer.norm2)
        self.mix = _fixed(weight.flatten(1).t().to(dtype).contiguous())
        self.bias = _fixed(bias.to(dtype))
        near: Tensor = layer.conv2.weight.detach().to(dtype)
        self.weight = _fixed(near.contiguous(memory_format=torch.channels_last))
        self.growth = len(near)

    def forward(self, values: Tensor, mixed: Tensor, b: int, h: int, w: int) -> Tensor:
        n, channels = values.shape
        room = values.new_empty(min(RUN, n), channels)
        for start in range(0, n, RUN):
            some, into = values[start : start + RUN], mixed[start : start + RUN]
            ready = self.norm.rectified(some, room[: len(some)])
            torch.addmm(self.bias, ready, self.mix, out=into).relu_()
        return functional.conv2d(_picture(mixed, b, h, w), self.weight, padding=1)


class _Transition(nn.Module):
    """(n, C) values of (b, h, w) pictures to (b, C / 2, h / 2, w / 2) pictures."""

    def __init__(self, transition: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self.norm = _Affine(transition.norm, dtype)
        weight: Tensor = transition.conv.weight.detach()
        self.mix = _fixed(weight.flatten(1).t().to(dtype).contiguous())

    def forward(self, values: Tensor, b: int, h: int, w: int) -> Tensor:
        pictures = values.view(b, h, w, -1)
        mixed = values.new_empty(b, h // 2, w // 2, self.mix.shape[1])
        lines = max(2, RUN // (b * w) // 2 * 2)  # of the pictures, that are halved at once
        for start in range(0, h - 1, lines):
            ready = self.norm(pictures[:, start : start + lines]).relu_()
            halved = functional.avg_pool2d(ready.permute(0, 3, 1, 2), 2)
            there = mixed[:, start // 2 : start // 2 + halved.shape[2]]
            there[:] = (_rows(halved) @ self.mix).view(there.shape)
        return mixed.permute(0, 3, 1, 2)


def _through(block: nn.ModuleList, x: Tensor) -> Tensor:
    """Return the (n, C) outputs of a block, its input and every layer's side by side."""
    b, channels, h, w = x.shape
    layers = [layer for layer in block if isinstance(layer, _Layer)]
    whole = channels + sum(layer.growth for layer in layers)
    values = x.new_empty(b * h * w, whole)
    values[:, :channels] = _rows(x)
    mixed = x.new_empty(b * h * w, layers[0].mix.shape[1])
    for layer in layers:
        new = layer(values[:, :channels], mixed, b, h, w)
        values[:, channels : channels + layer.growth] = _rows(new)
        channels += layer.growth
    return values


def _rows(picture: Tensor) -> Tensor:
    return picture.permute(0, 2, 3, 1).reshape(-1, picture.shape[1])


def _picture(rows: Tensor, b: int, h: int, w: int) -> Tensor:
    return rows.view(b, h, w, -1).permute(0, 3, 1, 2)


def _scale_and_shift(norm: Any) -> tuple[Tensor, Tensor]:
    scale: Tensor = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    shift: Tensor = norm.bias.detach() - norm.running_mean * scale
    return scale, shift


def _folded(conv: Any, norm: Any) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution with the normalisation that follows it."""
    scale, shift = _scale_and_shift(norm)
    return conv.weight.detach() * scale[:, None, None, None], shift


def _fixed(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values, requires_grad=False)
