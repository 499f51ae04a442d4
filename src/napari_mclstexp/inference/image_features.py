"""Patches to features: the image encoder on its device, in its arithmetic, stoppable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..model.image_encoder import ImageEncoder
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
    """An image encoder for inference, its weights in the device's arithmetic.

    Parameters
    ----------
    encoder
        The encoder; it is left as it is.
    device
        Where and how to run.
    cancel
        Ends an encoding in between layers.
    """

    def __init__(
        self, encoder: ImageEncoder, device: Device, cancel: CancelToken | None = None
    ) -> None:
        self._device = device
        self._cancel = cancel or CancelToken()
        self._layout = torch.channels_last if device.channels_last else torch.contiguous_format
        self._encoder = encoder.for_inference(device.torch, device.dtype, self._layout)

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the (b, n_features) float32 features of (b, H, W, 3) uint8 patches."""
        images = to_tensor(pixels, self._device).contiguous(memory_format=self._layout)
        with torch.inference_mode(), stoppable(self._encoder, self._cancel):
            features: Tensor = self._encoder(images)
        return features


def image_features(
    slide: Slide,
    xy: NDArray[np.float64],
    encoder: ImageEncoder,
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
    encoder
        Makes the features.
    patch_px, um_per_px
        The physical field.
    device, batch_size
        Where, and how many at once.
    what, progress, cancel
        What to report, to whom, and what ends it.
    """

    def compute() -> NDArray[np.float32]:
        frozen = FrozenEncoder(encoder, device, cancel)
        order = reading_order(xy)
        features = np.empty((len(xy), encoder.n_features), dtype=np.float32)
        for rows, pixels in stream_patches(
            slide,
            xy[order],
            patch_px=patch_px,
            um_per_px=um_per_px,
            batch_size=batch_size or device.batch_size,
            cancel=cancel,
        ):
            features[order[rows]] = frozen(pixels).cpu().numpy()
            if progress is not None:
                progress(Progress(rows.stop, len(xy), what))
        return features

    return cached_features(
        slide,
        xy,
        encoder,
        patch_px=patch_px,
        um_per_px=um_per_px,
        device=device,
        compute=compute,
    )
