"""Position tables while training: only the rows that the sections use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from ..model import MclSTExp
from .data import SpotPool

SMALL = 4096  # rows; a table of so few is trained whole


@contextmanager
def used_positions(module: MclSTExp, pool: SpotPool) -> Iterator[None]:
    """Train only the rows of large position tables that the pool uses.

    A row that no spot stands on has no gradient and no influence, but a table of 65,536 of them
    costs gigabytes of optimiser state. Afterwards the tables are whole again.

    Parameters
    ----------
    module
        Whose tables are exchanged for the block.
    pool
        Whose rows and columns are renumbered for the block.
    """
    if max(module.x_embed.num_embeddings, module.y_embed.num_embeddings) <= SMALL:
        yield
        return
    whole, before = (module.x_embed, module.y_embed), (pool.cols, pool.rows)
    cols, pool.cols = torch.unique(pool.cols, return_inverse=True)
    rows, pool.rows = torch.unique(pool.rows, return_inverse=True)
    module.x_embed, module.y_embed = _rows_of(whole[0], cols), _rows_of(whole[1], rows)
    try:
        yield
    finally:
        with torch.no_grad():
            whole[0].weight[cols] = module.x_embed.weight.to(whole[0].weight.device)
            whole[1].weight[rows] = module.y_embed.weight.to(whole[1].weight.device)
        module.x_embed, module.y_embed = whole
        pool.cols, pool.rows = before


def _rows_of(table: nn.Embedding, rows: torch.Tensor) -> nn.Embedding:
    weight = table.weight.detach()[rows.to(table.weight.device)].clone()
    used = nn.Embedding(len(weight), weight.shape[1], _weight=weight)
    return used.to(weight.device)
