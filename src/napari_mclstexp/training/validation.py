"""A section that is not trained on, predicted after every epoch: to watch, and to stop on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.correlation import pcc_per_gene
from ..inference.device import Device
from ..inference.image_features import FrozenEncoder
from ..model import MclSTExp, ModelConfig
from ..model.retrieval import Retrieved, retrieve
from ..progress import CancelToken, HeldOutMap
from ..spots.schema import positions
from .build_bank import project_spots
from .data import SpotPool, TrainingSection


@dataclass(frozen=True)
class Watched:
    """How well the watched section is predicted now.

    Attributes
    ----------
    pcc
        Mean over the genes that vary; NaN if none does.
    best
        The best predicted gene.
    """

    pcc: float
    best: HeldOutMap


def watch(
    module: MclSTExp,
    held_out: TrainingSection,
    pool: SpotPool,
    config: ModelConfig,
    device: Device,
    cancel: CancelToken,
) -> Watched:
    """Predict the held-out section from the training spots as the network stands.

    Parameters
    ----------
    module
        Left in evaluation mode.
    held_out
        With its features, or its patches.
    pool
        The training spots, which are retrieved.
    config, device, cancel
        The model's, where to compute, and what ends it.
    """
    found = read_section(module, held_out, pool, config, device, cancel)
    measured = held_out.expression.numpy()
    pcc = pcc_per_gene(found.expression, measured)
    known = np.isfinite(pcc)
    best = int(np.argmax(np.where(known, pcc, -np.inf)))
    shown = HeldOutMap(
        held_out.section.name,
        config.genes[best],
        positions(held_out.section.spots),
        found.expression[:, best],
        measured[:, best],
        float(pcc[best]),
    )
    return Watched(float(pcc[known].mean()) if known.any() else float("nan"), shown)


def read_section(
    module: MclSTExp,
    held_out: TrainingSection,
    pool: SpotPool,
    config: ModelConfig,
    device: Device,
    cancel: CancelToken,
) -> Retrieved:
    """Read the expression of a section's spots from a pool's, as `watch` does."""
    keys = torch.from_numpy(project_spots(module, pool, config, device, cancel)).to(device.torch)
    features = patch_features(module, held_out, device, cancel)
    with torch.inference_mode():
        query = module.project_images(features.to(device.torch))
    return retrieve(
        query,
        keys,
        pool.expression.numpy(),
        k=config.retrieval.k,
        distance=config.retrieval.distance,
    )


def patch_features(
    module: MclSTExp, held_out: TrainingSection, device: Device, cancel: CancelToken
) -> torch.Tensor:
    """Return the (n, F) features of a section's patches, computed unless they are known."""
    if held_out.features is not None:
        return held_out.features
    assert held_out.patches is not None
    encoder = FrozenEncoder(module.image_encoder, device, cancel)
    starts = range(0, len(held_out.patches), device.batch_size)
    batches: list[NDArray[np.uint8]] = [held_out.patches[i : i + device.batch_size] for i in starts]
    return torch.cat([encoder(batch).cpu() for batch in batches])
