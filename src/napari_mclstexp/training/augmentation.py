"""What a patch may look like as well: turned, mirrored, stained a little otherwise."""

from __future__ import annotations

import torch
from skimage.color import hed_from_rgb, rgb_from_hed
from torch import Tensor

DARKEST = 1e-6  # of a channel, so that its logarithm exists


def augmented(images: Tensor) -> Tensor:
    """Return (b, 3, H, W) patches, each turned by quarters and mirrored at random."""
    turns = torch.randint(0, 4, (len(images),))
    mirrored = torch.rand(len(images)) < 0.5
    out = [image.rot90(int(n), (1, 2)) for image, n in zip(images, turns, strict=True)]
    return torch.stack([o.flip(2) if m else o for o, m in zip(out, mirrored, strict=True)])


def stain_jittered(images: Tensor, strength: float) -> Tensor:
    """Return patches whose stains are stronger or weaker, and brighter or darker, at random.

    In HED space (haematoxylin, eosin, residual; Ruifrok and Johnston 2001, as scikit-image has
    it), each stain of each patch is scaled by 1 ± strength and shifted by ± strength / 10.

    Parameters
    ----------
    images
        (b, 3, H, W) values of 0..1.
    strength
        0 leaves them as they are.
    """
    if strength == 0:
        return images
    to_hed, to_rgb = (
        torch.tensor(matrix, dtype=images.dtype, device=images.device)
        for matrix in (hed_from_rgb, rgb_from_hed)
    )
    size = (len(images), 3, 1, 1)
    scale = 1 + strength * (2 * torch.rand(size) - 1).to(images)
    shift = strength / 10 * (2 * torch.rand(size) - 1).to(images)
    log = torch.tensor(DARKEST).log().to(images)
    stains = torch.einsum("bchw,cs->bshw", images.clamp(min=DARKEST).log() / log, to_hed)
    changed = stains.clamp(min=0) * scale + shift
    return torch.einsum("bshw,sc->bchw", changed * log, to_rgb).exp().clamp(0, 1)
