"""The projection head that brings either side to the common space (paper section 2.4)."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn


class ProjectionHead(nn.Module):
    """Linear, GELU, linear, dropout, residual, layer norm.

    Parameters
    ----------
    n_in
        Width of the features that come in.
    n_out
        Width of the common space.
    dropout
        Share of values dropped before the residual is added, while training.
    """

    def __init__(self, n_in: int, n_out: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.projection = nn.Linear(n_in, n_out)
        self.gelu = nn.GELU()
        self.fc = nn.Linear(n_out, n_out)
        self.dropout = nn.Dropout(dropout)
        self.layer_norm = nn.LayerNorm(n_out)

    def forward(self, features: Tensor) -> Tensor:
        """Project (N, n_in) features to (N, n_out)."""
        projected = self.projection(features)
        x = self.dropout(self.fc(self.gelu(projected)))
        return cast("Tensor", self.layer_norm(x + projected))
