"""The image side's encoder: pixels of 0..1 in, features out, with all that decides them."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .backbones import DenseNet121, build_backbone
from .config import EncoderConfig
from .densenet_inference import FixedDenseNet, halve_before_mixing


class ImageEncoder(nn.Module):
    """A backbone with the pixel statistics it was made for and the views it is averaged over.

    Parameters
    ----------
    config
        Backbone, statistics, views.
    patch_px
        Side of the patches, for backbones that must know it.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: EncoderConfig, patch_px: int | None = None) -> None:
        super().__init__()
        self.config = config
        # Named as in the reference implementation, so that its state dict can be imported; the
        # statistics are no part of that, since the configuration holds them.
        self.model, self.n_features = build_backbone(config.name, patch_px)
        self.register_buffer("mean", torch.tensor(config.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return (B, n_features) features of (B, 3, H, W) pixel values of 0..1.

        The backbone computes in its own arithmetic; all else, and the result, is in the images'.
        """
        dtype = next(self.model.parameters()).dtype
        normal = (images - self.mean) / self.std
        features = [self.model(view.to(dtype)).to(images.dtype) for view in self._views(normal)]
        return torch.stack(features).mean(dim=0)

    def for_inference(
        self, device: torch.device, dtype: torch.dtype, memory_format: torch.memory_format
    ) -> ImageEncoder:
        """Return a copy on a device, its backbone in the arithmetic and layout that suit it."""
        encoder = copy.deepcopy(self).eval().to(device)
        if isinstance(encoder.model, DenseNet121):
            if device.type == "cpu" and memory_format == torch.channels_last:
                encoder.model = FixedDenseNet(encoder.model, dtype)
                return encoder.eval()
            halve_before_mixing(encoder.model)
        encoder.model.to(dtype).to(memory_format=memory_format)
        return encoder

    def _views(self, images: Tensor) -> Iterator[Tensor]:
        yield images
        for view in range(1, self.config.views):
            turned = images.rot90(view % 4, (-2, -1))
            yield turned.flip(-1) if view >= 4 else turned
