"""Negatives across processes: each sees the projections of all, and learns from its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


def gathered(fabric: Fabric, own: Tensor, lengths: Sequence[int]) -> Tensor:
    """Return the rows of all processes, in their order; gradients flow into one's own only.

    With every process computing the same loss of all rows, the gradients of the processes' own
    rows add up to those of one process that has the whole batch (see :func:`sum_gradients`).

    Parameters
    ----------
    fabric
        That the processes were launched with.
    own
        (lengths[rank], D) rows of this process.
    lengths
        How many rows each process has.
    """
    if fabric.world_size == 1:
        return own
    padded = own.detach().new_zeros(max(lengths), own.shape[1])
    padded[: len(own)] = own.detach()
    everyone = fabric.all_gather(padded)
    rows = [part[:length] for part, length in zip(everyone, lengths, strict=True)]
    rows[fabric.global_rank] = own
    return torch.cat(rows)


def sum_gradients(fabric: Fabric, parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of all processes, in place."""
    if fabric.world_size == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        total = fabric.all_reduce(parameter.grad, reduce_op="sum")
        parameter.grad = cast("torch.Tensor", total)
