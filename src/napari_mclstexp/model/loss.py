"""The symmetric contrastive loss (paper section 2.4), and those of other methods beside it."""

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


def ranking_loss(images: Tensor, expression: Tensor) -> Tensor:
    """Ranking consistency in the manner of RankByGene (Huang et al., arXiv 2411.15076).

    Of two spots, the one whose expression is more like an anchor's shall look more like it too. A
    pair counts by how much it differs in that, since noise decides the order of near ties.

    Parameters
    ----------
    images
        (N, D) projections of the spots of one sequence.
    expression
        (N, G) of the same spots. Each gene's mean over them is subtracted: what all have in common
        makes no spot more alike than another.

    Returns
    -------
    Scalar: the weighted mean of log(1 + exp(s_ik - s_ij)) over all anchors i and pairs with
    e_ij > e_ik, with weights e_ij - e_ik; s and e are the cosines of images and of expression. 0
    where there is no pair.
    """
    seen = functional.normalize(images, dim=1)
    counted = functional.normalize(expression - expression.mean(dim=0), dim=1)
    s, e = seen @ seen.T, counted @ counted.T
    weights = (e[:, :, None] - e[:, None, :]).clamp(min=0)
    self_pairs = torch.eye(len(e), dtype=torch.bool, device=e.device)
    weights = weights.masked_fill(self_pairs[:, :, None] | self_pairs[:, None, :], 0)
    apart = functional.softplus(s[:, None, :] - s[:, :, None])
    least = torch.finfo(weights.dtype).tiny
    return (weights * apart).sum() / weights.sum().clamp(min=least)
