"""torch on the processor: a core to each lane, as many lanes as there are cores to use."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ...progress import CancelToken
from ..device import Device
from ..torch_pass import cores, stop_between_layers, to_tensor, use_cores
from .backend import Finish, Lane, Network, Pixels, Values, as_list

PIECE_PX = 4 * 224 * 224  # fewer, and the calls of each layer weigh more
MOST_LANES = 8  # each holds the activations of its piece; beyond that, a lane has several cores


class TorchCpu:
    """torch on the processor."""

    name = "torch"

    def why_not(self, device: Device) -> str:
        """Say why it cannot run: nothing, since it always can."""
        return ""

    def lanes(self, device: Device) -> int:
        """Return how many pieces of work it runs side by side."""
        return min(cores(), MOST_LANES)

    def piece(self, height: int, width: int) -> int:
        """Return how many pictures a lane gets at once: a core's cache holds much of them."""
        return max(1, round(PIECE_PX / (height * width)))

    def load(
        self, network: Network, device: Device, finish: Finish, cancel: CancelToken
    ) -> Callable[[], Lane]:
        """Prepare a network; see `Backend.load`."""
        layout = torch.channels_last if device.channels_last else torch.contiguous_format
        ready = network.for_inference(device.torch, device.dtype, layout)
        stop_between_layers(ready, cancel)
        threads = max(1, cores() // self.lanes(device))

        def lane(pixels: Pixels) -> list[Values]:
            cancel.raise_if_cancelled()
            images = to_tensor(pixels, device.torch).contiguous(memory_format=layout)
            with torch.inference_mode():
                return [each.numpy() for each in finish(as_list(ready(images)))]

        def make() -> Lane:
            use_cores(threads)
            return lane

        return make
