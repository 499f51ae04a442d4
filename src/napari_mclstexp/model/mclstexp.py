"""The whole network of mclSTExp (arXiv 2407.08216): tensors in, tensors out."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from .config import ModelConfig
from .encoders import build_encoder
from .projection import ProjectionHead
from .spot_encoder import AttentionBlock, check_positions, position_embedding


class MclSTExp(nn.Module):
    """Image side and spot side with their projections to one space.

    Names of submodules are the reference implementation's (``x_embed``, ``y_embed``,
    ``image_encoder``, ``spot_encoder``, ``image_projection``, ``spot_projection``), so that its
    state dict can be imported.

    Parameters
    ----------
    config
        Genes, encoder, sizes.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        n_genes = len(config.genes)
        self.views = config.encoder.views
        self.use_positions = config.use_positions
        self.image_encoder = build_encoder(config.encoder.name, config.patch_px)
        self.x_embed = nn.Embedding(config.positions.n_cols, n_genes)
        self.y_embed = nn.Embedding(config.positions.n_rows, n_genes)
        self.spot_encoder = nn.Sequential(
            *(
                AttentionBlock(n_genes, config.heads, config.head_dim, config.dropout)
                for _ in range(config.layers)
            )
        )
        dim, dropout = config.projection_dim, config.dropout
        self.image_projection = ProjectionHead(self.image_encoder.n_features, dim, dropout)
        self.spot_projection = ProjectionHead(n_genes, dim, dropout)
        self.register_buffer("mean", torch.tensor(config.encoder.mean).view(3, 1, 1), False)
        self.register_buffer("std", torch.tensor(config.encoder.std).view(3, 1, 1), False)

    @property
    def n_features(self) -> int:
        """Width of the image encoder's features."""
        return self.image_encoder.n_features

    def encode_images(self, patches: Tensor) -> Tensor:
        """Return image features, averaged over the model's views.

        Parameters
        ----------
        patches
            (B, 3, H, W) pixel values of 0..1.

        Returns
        -------
        (B, n_features)
        """
        x = (patches - self.mean) / self.std
        total = cast("Tensor", self.image_encoder(x))
        for view in range(1, self.views):
            turned = x.rot90(view % 4, (-2, -1))
            total = total + self.image_encoder(turned.flip(-1) if view >= 4 else turned)
        return total / self.views

    def project_images(self, features: Tensor) -> Tensor:
        """Project (B, n_features) image features to (B, projection_dim)."""
        return cast("Tensor", self.image_projection(features))

    def encode_spots(self, expression: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
        """Encode and project the spots of one sequence (paper section 2.3).

        Parameters
        ----------
        expression
            (S, G) normalised expression.
        rows, cols
            (S,) array rows and columns.

        Returns
        -------
        (S, projection_dim)

        Raises
        ------
        ModelError
            If a position lies outside the learned tables.
        """
        x = expression
        if self.use_positions:
            check_positions(rows, cols, self.x_embed, self.y_embed)
            x = x + position_embedding(rows, cols, self.x_embed, self.y_embed)
        return cast("Tensor", self.spot_projection(self.spot_encoder(x)))
