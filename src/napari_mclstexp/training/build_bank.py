"""The bank of reference spots, made by the same rule of sequences as in training."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.device import Device
from ..model import Bank, MclSTExp, ModelConfig
from ..progress import CancelToken
from ..spots.schema import positions
from .data import SpotPool, TrainingSection, looks_of, thumbnails


def build_bank(
    module: MclSTExp,
    training_sections: Sequence[TrainingSection],
    config: ModelConfig,
    device: Device,
    cancel: CancelToken,
    before: Bank | None = None,
    *,
    codes: NDArray[np.float32] | None = None,
) -> Bank:
    """Project every training spot with its sequence, and keep what was measured there.

    Where the head is linear, the spots' codes take the place of projections.

    Parameters
    ----------
    module
        The trained network.
    training_sections
        What it learned from.
    config, device
        The model's, and where to compute.
    cancel
        Looked at before every sequence.
    before
        A bank of the same genes whose spots are kept, projected anew; those that are among the
        training spots are taken once.
    codes
        (N, q) of the training spots, where slides are read by a feature map.
    """
    linear = config.head == "linear"
    bank = _bank_of(module, training_sections, config, device, cancel, codes)
    if before is None:
        return bank
    known = set(zip(bank.section.tolist(), bank.barcode.tolist(), strict=True))
    each = zip(before.section.tolist(), before.barcode.tolist(), strict=True)
    rest = before.rows(np.array([spot not in known for spot in each], dtype=bool))
    if not len(rest):
        return bank
    if linear:
        return bank.joined(rest)
    pool = SpotPool.of_bank(rest)
    embedding = project_spots(module, pool, config, device, cancel)
    return bank.joined(dataclasses.replace(rest, embedding=embedding))


def _bank_of(
    module: MclSTExp,
    training_sections: Sequence[TrainingSection],
    config: ModelConfig,
    device: Device,
    cancel: CancelToken,
    codes: NDArray[np.float32] | None,
) -> Bank:
    pool = SpotPool(training_sections)
    if codes is not None and config.head == "linear":
        embedding, codes = codes, None
    else:
        embedding = project_spots(module, pool, config, device, cancel)
    spots = [each.section.spots for each in training_sections]
    names = [[each.section.name] * len(each.expression) for each in training_sections]
    patients = [[each.section.patient] * len(each.expression) for each in training_sections]
    return Bank(
        embedding=embedding,
        expression=pool.expression.numpy(),
        genes=config.genes,
        section=np.concatenate(names).astype(str),
        barcode=np.concatenate([each.obs_names.to_numpy(dtype=str) for each in spots]),
        array_row=pool.rows.numpy(),
        array_col=pool.cols.numpy(),
        xy=np.concatenate([positions(each) for each in spots]),
        thumbnails=tuple(
            picture for each in training_sections for picture in thumbnails(each, config, cancel)
        ),
        patient=np.concatenate(patients).astype(str),
        codes=codes,
        looks=looks_of(training_sections),
    )


def project_spots(
    module: MclSTExp, pool: SpotPool, config: ModelConfig, device: Device, cancel: CancelToken
) -> NDArray[np.float32]:
    """Return the (N, projection_dim) projections of a pool's spots, each within its sequence."""
    module.eval()
    embedding = torch.empty(len(pool), config.projection_dim)
    random = np.random.default_rng(int(config.settings.get("seed", 0)))
    with torch.inference_mode():
        for rows in pool.sequences(config, random, bank=True):
            cancel.raise_if_cancelled()
            embedding[rows] = module.encode_spots(
                pool.expression[rows].to(device.torch),
                pool.rows[rows].to(device.torch),
                pool.cols[rows].to(device.torch),
            ).cpu()
    return embedding.numpy()
