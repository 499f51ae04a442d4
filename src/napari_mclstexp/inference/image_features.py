"""Patches to features: the image encoder on its device, by the backend that suits it best."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..model.image_encoder import ImageEncoder
from ..progress import CancelToken, Progress, ProgressCallback
from ..slides import Slide
from .backends.run_network import load
from .backends.settle import settle
from .device import Device
from .feature_cache import cached_features, encoder_digest
from .patches import read_patch, reading_order, stream_patches

PROBE = 8  # patches that backends are measured on


class FrozenEncoder:
    """An image encoder for inference, run by the device's backend.

    Parameters
    ----------
    encoder
        The encoder; it is left as it is.
    device
        Where and how to run; torch where its backend was not settled.
    cancel
        Ends an encoding in between layers.
    """

    def __init__(
        self, encoder: ImageEncoder, device: Device, cancel: CancelToken | None = None
    ) -> None:
        self._lanes = load(encoder, device, cancel=cancel)

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return the (b, n_features) float32 features of (b, H, W, 3) uint8 patches."""
        return torch.from_numpy(self._lanes(pixels)[0])

    def stream(
        self, batches: Iterable[tuple[slice, NDArray[np.uint8]]]
    ) -> Generator[tuple[slice, NDArray[np.uint8], Tensor], None, None]:
        """Yield batches with their features, in order; the next ones are under way meanwhile."""
        with closing(self._lanes.stream(batches)) as encoded:
            for rows, pixels, found in encoded:
                yield rows, pixels, torch.from_numpy(found[0])


def settled(
    device: Device,
    encoder: ImageEncoder,
    slide: Slide,
    xy: NDArray[np.float64],
    *,
    patch_px: int,
    um_per_px: float,
    cancel: CancelToken | None = None,
) -> Device:
    """Return the device with the backend that shall encode the patches around (n, 2) centres."""

    def probe() -> NDArray[np.uint8]:
        spread = xy[np.linspace(0, len(xy) - 1, min(PROBE, len(xy))).astype(np.int64)]
        return np.stack([read_patch(slide, x, y, patch_px, um_per_px) for x, y in spread])

    px = len(xy) * patch_px**2
    return settle(
        device, encoder, f"{encoder_digest(encoder)} {patch_px}", probe, px, cancel=cancel
    )


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
    device = settled(
        device, encoder, slide, xy, patch_px=patch_px, um_per_px=um_per_px, cancel=cancel
    )

    def compute() -> NDArray[np.float32]:
        frozen = FrozenEncoder(encoder, device, cancel)
        order = reading_order(xy)
        features = np.empty((len(xy), encoder.n_features), dtype=np.float32)
        batches = stream_patches(
            slide,
            xy[order],
            patch_px=patch_px,
            um_per_px=um_per_px,
            batch_size=batch_size or device.batch_for(patch_px),
            cancel=cancel,
        )
        with closing(frozen.stream(batches)) as encoded:
            for rows, _, found in encoded:
                features[order[rows]] = found.numpy()
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
