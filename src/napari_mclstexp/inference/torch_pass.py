"""What every pass of torch shares: pixels in, a cancel in between layers, cores to use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..progress import CancelToken

if TYPE_CHECKING:
    from torch.utils.hooks import RemovableHandle


def to_tensor(pixels: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return (b, H, W, 3) uint8 pixels as (b, 3, H, W) values of 0..1 on the device."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 255


def stop_between_layers(module: nn.Module, cancel: CancelToken) -> list[RemovableHandle]:
    """Let a cancel end every pass of a module, and return what undoes this."""

    def look(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        cancel.raise_if_cancelled()
        if isinstance(output, Tensor) and output.requires_grad:
            output.register_hook(lambda _: cancel.raise_if_cancelled())  # type: ignore[no-untyped-call]

    layers = [each for each in module.modules() if not any(True for _ in each.children())]
    return [layer.register_forward_hook(look) for layer in layers]


@contextmanager
def stoppable(module: nn.Module, cancel: CancelToken) -> Iterator[None]:
    """Let a cancel end the forward or backward pass of a module in between its layers.

    A pass over a batch can take many seconds on a CPU; a person waits one.
    """
    hooks = stop_between_layers(module, cancel)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def cores() -> int:
    """Return how many cores torch may use: those of this process, or fewer if a person said so."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(torch.get_num_threads(), usable or 1))


def use_cores(n: int) -> Any:
    """Let torch's operations use `n` cores when they are called from this thread; from this alone.

    `torch.set_num_threads` would change it for the threads to come as well.
    """
    from threadpoolctl import threadpool_limits

    torch.get_num_threads()  # sets this thread up, which would undo the next line later
    return threadpool_limits(n, user_api="openmp")
