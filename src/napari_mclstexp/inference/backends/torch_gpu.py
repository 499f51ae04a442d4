"""torch on an NVIDIA or Apple GPU: copies and computation side by side where the GPU can."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor

from ...progress import CancelToken
from ..device import Device
from ..torch_pass import stop_between_layers, to_tensor
from .backend import Finish, Lane, Network, Pixels, Values, as_list

LANES = 2  # while one computes, the other copies


class TorchGpu:
    """torch on CUDA or MPS.

    On CUDA weights and activations are in 16 bits with channels last, which is what automatic
    mixed precision comes to for convolutions, without its casts at every layer. Each lane has a
    stream of its own and copies from and to pinned memory.
    """

    name = "torch"

    def why_not(self, device: Device) -> str:
        """Say why it cannot run: `pick_device` has looked already."""
        return ""

    def lanes(self, device: Device) -> int:
        """Return how many pieces of work it runs side by side."""
        return LANES if device.torch.type == "cuda" else 1

    def piece(self, height: int, width: int) -> int:
        """Return how many pictures a lane gets at once: a whole batch, whatever its size."""
        return sys.maxsize

    def load(
        self, network: Network, device: Device, finish: Finish, cancel: CancelToken
    ) -> Callable[[], Lane]:
        """Prepare a network; see `Backend.load`."""
        layout = torch.channels_last if device.channels_last else torch.contiguous_format
        ready = network.for_inference(device.torch, device.dtype, layout)
        stop_between_layers(ready, cancel)
        cuda = device.torch.type == "cuda"
        if cuda:
            torch.cuda.synchronize(device.torch)  # the weights are there before a stream uses them

        def make() -> Lane:
            stream: Any = torch.cuda.Stream(device.torch) if cuda else None  # type: ignore[no-untyped-call]

            def lane(pixels: Pixels) -> list[Values]:
                cancel.raise_if_cancelled()
                with torch.inference_mode(), torch.cuda.stream(stream) if cuda else nullcontext():
                    images = _pinned(pixels, device) if cuda else to_tensor(pixels, device.torch)
                    images = images.contiguous(memory_format=layout)
                    found = [_fetched(each) for each in finish(as_list(ready(images)))]
                    if stream is not None:
                        stream.synchronize()
                return [each.numpy() for each in found]

            return lane

        return make


def _pinned(pixels: Pixels, device: Device) -> Tensor:
    """Return pixels as `to_tensor` does, copied while the GPU works on something else."""
    there = torch.from_numpy(pixels).pin_memory().to(device.torch, non_blocking=True)
    return there.permute(0, 3, 1, 2).float() / 255


def _fetched(values: Tensor) -> Tensor:
    if values.device.type != "cuda":
        return values.cpu()
    into = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
    return into.copy_(values, non_blocking=True)
