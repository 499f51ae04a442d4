"""The Transformer over the spots of one sequence (paper section 2.3): a spot is a word.

Submodule names mirror the reference implementation, so that its state dict fits.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError


class Attention(nn.Module):
    """Multi-head self-attention over a sequence: softmax(Q K^T / sqrt(head_dim)) V."""

    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.to_qkv = nn.Linear(dim, 3 * heads * head_dim, bias=False)
        self.to_out = nn.Sequential(nn.Linear(heads * head_dim, dim), nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Attend over (S, dim) spots."""
        split = self.to_qkv(x).unflatten(-1, (3, self.heads, -1))  # (S, 3, heads, head_dim)
        q, k, v = split.permute(1, 2, 0, 3)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, dropout_p=dropout)
        return cast("Tensor", self.to_out(mixed.transpose(0, 1).flatten(1)))


class FeedForward(nn.Module):
    """Linear, GELU, linear, each followed by dropout while training."""

    def __init__(self, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(dim, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, dim),
            nn.Dropout(dropout),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Transform each (dim,) spot by itself."""
        return cast("Tensor", self.net(x))


class PreNorm(nn.Module):
    """Layer norm before a function."""

    def __init__(self, dim: int, fn: nn.Module) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """Return fn(norm(x))."""
        return cast("Tensor", self.fn(self.norm(x)))


class AttentionBlock(nn.Module):
    """One pre-norm Transformer layer: attention, then feed-forward, each added to its input."""

    def __init__(self, dim: int, heads: int, head_dim: int, dropout: float) -> None:
        super().__init__()
        self.attn = PreNorm(dim, Attention(dim, heads, head_dim, dropout))
        self.ff = PreNorm(dim, FeedForward(dim, dim, dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Transform (S, dim) spots."""
        x = self.attn(x) + x
        return cast("Tensor", self.ff(x) + x)


def check_positions(
    rows: Tensor, cols: Tensor, x_embed: nn.Embedding, y_embed: nn.Embedding
) -> None:
    """Make sure that array positions lie within the learned tables.

    Raises
    ------
    ModelError
        Naming the first position outside, and the size of the table.
    """
    sizes = ("row", rows, y_embed.num_embeddings), ("column", cols, x_embed.num_embeddings)
    for what, values, size in sizes:
        outside = values[(values < 0) | (values >= size)]
        if len(outside):
            raise ModelError(
                f"The array {what} {int(outside[0])} lies outside the model's positions "
                f"0 to {size - 1}; use sections of the platform that the model was made for, "
                "or train a new model on these."
            )


def position_embedding(
    rows: Tensor, cols: Tensor, x_embed: nn.Embedding, y_embed: nn.Embedding
) -> Tensor:
    """Sum of the learned embeddings of array column (x) and array row (y), (S, G)."""
    return cast("Tensor", x_embed(cols.to(torch.long)) + y_embed(rows.to(torch.long)))
