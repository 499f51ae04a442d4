"""The whole network of mclSTExp (arXiv 2407.08216): tensors in, tensors out."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from .config import ModelConfig
from .image_encoder import ImageEncoder
from .projection import ProjectionHead
from .spot_encoder import AttentionBlock, check_positions, position_embedding


class MclSTExp(nn.Module):
    """The spot encoder (paper section 2.3) and image encoder, projected to one space (2.4).

    A spot is a word: its expression plus the learned embeddings of its array column (``x_embed``)
    and row (``y_embed``); the spots of one sequence attend to each other. Submodules are named as
    in the reference implementation, so that its state dict can be imported.

    Where a feature map is read, the image projection takes codes instead of the encoder's
    features; where the head is linear, the encoder is all there is.

    Parameters
    ----------
    config
        Genes, encoder, sizes.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        n_genes = len(config.genes)
        self.use_positions = config.use_positions
        self.image_encoder = ImageEncoder(config.encoder, config.patch_px)
        self.n_inputs = config.n_codes or self.image_encoder.n_features
        if config.head == "linear":
            return
        self.x_embed = nn.Embedding(config.positions.n_cols, n_genes)
        self.y_embed = nn.Embedding(config.positions.n_rows, n_genes)
        self.spot_encoder = nn.Sequential(
            *(
                AttentionBlock(n_genes, config.heads, config.head_dim, config.dropout)
                for _ in range(config.layers)
            )
        )
        dim, dropout = config.projection_dim, config.dropout
        self.image_projection = ProjectionHead(self.n_inputs, dim, dropout)
        self.spot_projection = ProjectionHead(n_genes, dim, dropout)

    def project_images(self, features: Tensor) -> Tensor:
        """Project (B, n_inputs) features or codes to (B, projection_dim) (paper section 2.4)."""
        return cast("Tensor", self.image_projection(features))

    def encode_spots(self, expression: Tensor, rows: Tensor, cols: Tensor) -> Tensor:
        """Encode the spots of one sequence (paper section 2.3) and project them (section 2.4).

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
