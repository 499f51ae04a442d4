"""The bank of reference spots, made by the same rule of sequences as in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..model import Bank, MclSTExp, ModelConfig
from .device import Device
from .material import Material, thumbnails
from .progress import CancelToken


def build_bank(
    module: MclSTExp,
    material: Sequence[Material],
    config: ModelConfig,
    device: Device,
    cancel: CancelToken,
) -> Bank:
    """Project every training spot with its sequence, and keep what was measured there.

    Parameters
    ----------
    module
        The trained network.
    material
        The training sections.
    config, device
        The model's, and where to compute.
    cancel
        Looked at before every sequence.
    """
    module.eval()
    embeddings = []
    with torch.inference_mode():
        for each in material:
            embedding = torch.empty(len(each.expression), config.projection_dim)
            for rows in each.sequences:
                cancel.raise_if_cancelled()
                embedding[rows] = module.encode_spots(
                    each.expression[rows].to(device.torch),
                    each.rows[rows].to(device.torch),
                    each.cols[rows].to(device.torch),
                ).cpu()
            embeddings.append(embedding.numpy())
    spots = [each.section.spots for each in material]
    names = [[each.section.name] * len(each.expression) for each in material]
    return Bank(
        embedding=np.concatenate(embeddings),
        expression=np.concatenate([each.expression.numpy() for each in material]),
        genes=config.genes,
        section=np.concatenate(names).astype(str),
        barcode=np.concatenate([each.obs_names.to_numpy(dtype=str) for each in spots]),
        array_row=np.concatenate([each.rows.numpy() for each in material]),
        array_col=np.concatenate([each.cols.numpy() for each in material]),
        xy=np.concatenate([np.asarray(each.obsm["spatial"], dtype=np.float64) for each in spots]),
        thumbnails=tuple(
            picture for each in material for picture in thumbnails(each, config, cancel)
        ),
    )
