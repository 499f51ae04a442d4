"""The symmetric contrastive loss (paper section 2.4, its equations for the aligned similarity)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def contrastive_loss(spots: Tensor, images: Tensor, temperature: float = 1.0) -> Tensor:
    """Symmetric cross entropy of the spot-by-image similarity matrix.

    Parameters
    ----------
    spots, images
        (N, D) projections; row i of one belongs to row i of the other.
    temperature
        Divides the dot products.

    Returns
    -------
    Scalar: the mean of the cross entropies over rows and over columns, with matched pairs on the
    diagonal as the only targets.
    """
    logits = spots @ images.T / temperature
    matched = torch.arange(len(logits), device=logits.device)
    by_spot = functional.cross_entropy(logits, matched)
    by_image = functional.cross_entropy(logits.T, matched)
    return (by_spot + by_image) / 2


def similar_targets_loss(spots: Tensor, images: Tensor, temperature: float = 1.0) -> Tensor:
    """Contrastive loss of BLEEP (Xie et al., NeurIPS 2023): similar pairs are targets too.

    Parameters
    ----------
    spots, images
        (N, D) projections; row i of one belongs to row i of the other.
    temperature
        Divides the similarities of the prediction and multiplies those of the targets.

    Returns
    -------
    Scalar: the mean of the soft cross entropies over rows and over columns, with the softmax of
    the mean within-side similarity as targets.
    """
    logits = spots @ images.T / temperature
    within = (images @ images.T + spots @ spots.T) / 2
    targets = functional.softmax(within * temperature, dim=-1)
    by_spot = functional.cross_entropy(logits, targets)
    by_image = functional.cross_entropy(logits.T, targets.T)
    return (by_spot + by_image) / 2
