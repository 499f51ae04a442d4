"""What the device could do at most: a matrix product in the encoder's arithmetic."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

import torch

from ..device import Device

SIDES = (1024, 2048)
MEASURE_S = 0.3  # for each side


def flops_per_second(device: Device, clock: Callable[[], float] = time.perf_counter) -> float:
    """Measure the floating-point operations a second of large matrix products, at their best."""
    best = 0.0
    for side in SIDES:
        a, b = (torch.randn(side, side, device=device.torch).to(device.dtype) for _ in range(2))
        a @ b  # sets things up
        end = time.perf_counter() + MEASURE_S
        while True:
            _wait(device)
            start = clock()
            a @ b
            _wait(device)
            best = max(best, 2 * side**3 / (clock() - start))
            if time.perf_counter() > end:
                break
    return best


def flops_per_picture(network: Any, height: int, width: int) -> int:
    """Count the floating-point operations that a network needs for one picture."""
    from torch.utils.flop_counter import FlopCounterMode

    ready = copy.deepcopy(network).eval().to("meta")  # as it is, before anything is saved
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        ready(torch.empty(1, 3, height, width, device="meta"))
    return int(counter.get_total_flops())


def _wait(device: Device) -> None:
    if device.torch.type == "cuda":
        torch.cuda.synchronize(device.torch)
    elif device.torch.type == "mps":
        torch.mps.synchronize()
