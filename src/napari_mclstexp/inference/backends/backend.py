"""The face of every encoder backend: a network goes in, lanes that run it come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...progress import CancelToken
from ..device import Device

Pixels = NDArray[np.uint8]
Values = NDArray[np.float32]
# (b, H, W, 3) pixels to what the network says of them.
Lane = Callable[[Pixels], list[Values]]
# What is made of the network's outputs before they leave its device.
Finish = Callable[[list[Tensor]], list[Tensor]]


class Network(Protocol):
    """What can be run: `ImageEncoder`, or `InnerLayers` of one."""

    def for_inference(
        self, device: torch.device, dtype: torch.dtype, memory_format: torch.memory_format
    ) -> Any:
        """Return a copy that is ready to run on (B, 3, H, W) values of 0..1."""


class Backend(Protocol):
    """A way to run a network on a device.

    Attributes
    ----------
    name
        As ``--backend`` names it.
    """

    name: str

    def why_not(self, device: Device) -> str:
        """Say in one sentence why it cannot run on the device; nothing if it can."""

    def lanes(self, device: Device) -> int:
        """Return how many pieces of work it runs side by side."""

    def piece(self, height: int, width: int) -> int:
        """Return how many pictures of a size a lane gets at once."""

    def load(
        self, network: Network, device: Device, finish: Finish, cancel: CancelToken
    ) -> Callable[[], Lane]:
        """Prepare a network, which is left as it is.

        Parameters
        ----------
        network
            What shall be run.
        device
            Where, and in which arithmetic.
        finish
            Applied to its outputs, in 32 bits, before they leave the device.
        cancel
            Ends a run within a second by `Cancelled`.

        Returns
        -------
        What makes one lane; it is called in the thread that the lane will be used in.
        """


def as_list(outputs: Tensor | list[Tensor]) -> list[Tensor]:
    """Return a network's outputs as a list, in 32 bits."""
    every = outputs if isinstance(outputs, list) else [outputs]
    return [each.float() for each in every]


def unchanged(outputs: list[Tensor]) -> list[Tensor]:
    """Return the outputs as they are: the `Finish` of features."""
    return outputs
