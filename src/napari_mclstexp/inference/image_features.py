"""Patches to features: the image encoder on its device, in its arithmetic, stoppable."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..model import MclSTExp
from ..progress import CancelToken, Progress, ProgressCallback
from ..slides import Slide
from .device import Device
from .feature_cache import cached_features
from .patches import reading_order, stream_patches


@contextmanager
def stoppable(module: nn.Module, cancel: CancelToken) -> Iterator[None]:
    """Let a cancel end the forward or backward pass of a module in between its layers.

    A pass over a batch can take many seconds on a CPU; a person waits one.
    """

    def look(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        cancel.raise_if_cancelled()
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda _: cancel.raise_if_cancelled())  # type: ignore[no-untyped-call]

    layers = [each for each in module.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(look) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def to_tensor(pixels: NDArray[np.uint8], device: Device) -> Tensor:
    """Return (b, H, W, 3) uint8 pixels as (b, 3, H, W) values of 0..1 on the device."""
    return torch.from_numpy(pixels).to(device.torch).permute(0, 3, 1, 2).float() / 255


class FrozenEncoder:
    """A model's image encoder for inference, its weights in the device's arithmetic.

    Parameters
    ----------
    module
        The network; it is left as it is.
    device
        Where and how to run.
    cancel
        Ends an encoding in between layers.
    """

    def __init__(self, module: MclSTExp, device: Device, cancel: CancelToken | None = None) -> None:
        self._device = device
        self._cancel = cancel or CancelToken()
        encoder = copy.deepcopy(module.image_encoder).eval().to(device.torch, device.dtype)
        if device.channels_last:
            encoder = encoder.to(memory_format=torch.channels_last)
        # The statistics and the averaging over views stay the module's own.
        self._module = copy.copy(module)
        self._module._modules = {**module._modules, "image_encoder": _InDtype(encoder, device)}
        self._module._buffers = {
            name: None if buffer is None else buffer.to(device.torch)
            for name, buffer in module._buffers.items()
        }

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the (b, n_features) float32 features of (b, H, W, 3) uint8 patches."""
        with torch.inference_mode(), stoppable(self._module.image_encoder, self._cancel):
            return self._module.encode_images(to_tensor(pixels, self._device))


class _InDtype(nn.Module):
    """Runs an encoder in its arithmetic and returns 32-bit features."""

    def __init__(self, encoder: nn.Module, device: Device) -> None:
        super().__init__()
        self.encoder = encoder
        self._dtype = device.dtype
        self._format = torch.channels_last if device.channels_last else torch.contiguous_format

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.encoder(images.to(self._dtype, memory_format=self._format))
        return features.float()


def image_features(
    slide: Slide,
    xy: NDArray[np.float64],
    module: MclSTExp,
    *,
    patch_px: int,
    um_per_px: float,
    device: Device,
    batch_size: int | None = None,
    what: str = "Reading patches",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> NDArray[np.float32]:
    """Return the (n, n_features) features of the patches around (n, 2) centres, kept by content.

    Parameters
    ----------
    slide
        With its scale known.
    xy
        Centres in level-0 pixels.
    module
        Whose image encoder, statistics and views are used.
    patch_px, um_per_px
        The physical field.
    device, batch_size
        Where, and how many at once.
    what, progress, cancel
        What to report, to whom, and what ends it.
    """

    def compute() -> NDArray[np.float32]:
        encoder = FrozenEncoder(module, device, cancel)
        order = reading_order(xy)
        features = np.empty((len(xy), module.n_features), dtype=np.float32)
        for rows, pixels in stream_patches(
            slide,
            xy[order],
            patch_px=patch_px,
            um_per_px=um_per_px,
            batch_size=batch_size or device.batch_size,
            cancel=cancel,
        ):
            features[order[rows]] = encoder(pixels).cpu().numpy()
            if progress is not None:
                progress(Progress(rows.stop, len(xy), what))
        return features

    return cached_features(
        slide,
        xy,
        module,
        patch_px=patch_px,
        um_per_px=um_per_px,
        device=device,
        compute=compute,
    )
