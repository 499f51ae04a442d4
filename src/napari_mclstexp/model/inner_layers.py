"""What a backbone sees on the way: the outputs of its inner layers, as maps over the picture."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from .backbones import (
    DENSENET,
    DENSENET_LAYERS,
    DENSENET_UNRECTIFIED,
    LAST,
    DenseNet121,
    build_backbone,
)
from .densenet_inference import FixedDenseNet
from .image_encoder import ImageEncoder

_TRIED_PX = 128  # a side that the deepest usual stride divides, and no backbone finds too small


def inner_layers(name: str) -> tuple[str, ...]:
    """Return the names of a backbone's inner layers, from the pixels inwards.

    Parameters
    ----------
    name
        As of `build_backbone`.

    Returns
    -------
    DenseNet-121: ``block1``, ``block2``, ``block3`` (its dense blocks' 256, 512 and 1024 channels)
    and ``last`` (1024 channels, with the last normalisation). timm: ``stage1``, … as timm's
    ``forward_intermediates`` counts them, and ``last``.

    Raises
    ------
    ModelError
        If the backbone is unknown or shows no inner layers.
    """
    if name in (DENSENET, DENSENET_UNRECTIFIED):
        return tuple(DENSENET_LAYERS)
    with torch.device("meta"):  # shapes only: no memory, no time
        model, _ = build_backbone(name)
        stages = _timm_stages(model.eval(), name, torch.empty(1, 3, _TRIED_PX, _TRIED_PX))
    return tuple(stages)


class InnerLayers(nn.Module):
    """Some inner layers of an encoder: (B, 3, H, W) pixel values of 0..1 to maps (B, C, h, w).

    The backbone runs over pictures of any size. Near a picture's edge, as far as the receptive
    field reaches, values depend on where the edge is. So do all values of a backbone that
    averages over the whole picture on the way (squeeze and excitation).

    Parameters
    ----------
    encoder
        With the pixel statistics of its backbone; views are not averaged.
    layers
        Names from `inner_layers`, in the order wanted; each once.

    Attributes
    ----------
    layers
        Their names.
    channels, strides
        Of each: number of channels, and pixels of the picture per pixel of the map.

    Raises
    ------
    ModelError
        If there is no layer of a name, or the backbone shows no inner layers.
    """

    def __init__(self, encoder: ImageEncoder, layers: Sequence[str]) -> None:
        super().__init__()
        self.encoder = encoder
        self.layers = tuple(layers)
        known = inner_layers(encoder.config.name)
        for layer in self.layers:
            if layer not in known:
                raise ModelError(
                    f"The encoder {encoder.config.name} has no layer {layer!r}; "
                    f"its layers are {', '.join(known)}."
                )
        if len(set(self.layers)) < len(self.layers):
            raise ModelError(f"A layer stands twice in {', '.join(self.layers)}; name it once.")
        device = encoder.mean.device
        was_training = encoder.training
        with torch.inference_mode():
            tried = self.eval()(torch.zeros(1, 3, _TRIED_PX, _TRIED_PX, device=device))
        self.train(was_training)
        self.channels = tuple(each.shape[1] for each in tried)
        self.strides = tuple(_TRIED_PX // each.shape[-1] for each in tried)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return a (B, C, h, w) map for each layer, in the backbone's arithmetic."""
        if not self.layers:
            return []
        backbone = self.encoder.model
        normal = (images - self.encoder.mean) / self.encoder.std
        x = normal.to(next(backbone.parameters()).dtype)
        if isinstance(backbone, FixedDenseNet):
            names = {DENSENET_LAYERS[layer]: layer for layer in self.layers}
            maps = backbone.inner(x, tuple(names))
            found = {names[name]: each for name, each in maps.items() if name in names}
        elif isinstance(backbone, DenseNet121):
            found = _densenet_layers(backbone, x, self.layers)
        else:
            found = _timm_stages(backbone, self.encoder.config.name, x)
        return [found[layer] for layer in self.layers]

    def for_inference(
        self, device: torch.device, dtype: torch.dtype, memory_format: torch.memory_format
    ) -> InnerLayers:
        """Return a copy on a device, as `ImageEncoder.for_inference` makes one."""
        other = copy.copy(self)
        other._modules = {"encoder": self.encoder.for_inference(device, dtype, memory_format)}
        return other.eval()


def _densenet_layers(backbone: DenseNet121, x: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    wanted = {DENSENET_LAYERS[layer]: layer for layer in layers}
    found: dict[str, Tensor] = {}
    for name, module in backbone[0].named_children():
        x = module(x)
        if name in wanted:
            rectify = name == DENSENET_LAYERS[LAST] and backbone.rectified
            found[wanted[name]] = functional.relu(x) if rectify else x
        if len(found) == len(wanted):
            break  # nothing further in is asked for
    return found


def _timm_stages(backbone: Any, name: str, x: Tensor) -> dict[str, Tensor]:
    why = "it does not show its inner layers"
    if hasattr(backbone, "forward_intermediates"):
        try:
            last, stages = backbone.forward_intermediates(x)
        except (AssertionError, RuntimeError, TypeError, ValueError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            why = f"it does not run over a picture of any size ({str(error).splitlines()[0]})"
        else:
            found = {f"stage{number}": each for number, each in enumerate(stages, start=1)}
            found[LAST] = last
            if all(each.ndim == 4 for each in found.values()):
                return found
            why = "its inner layers are no maps over the picture"
    raise ModelError(
        f"The encoder {name} cannot make a feature map: {why}; use a convolutional one, "
        "for instance densenet121."
    )
