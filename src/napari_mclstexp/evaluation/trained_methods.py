"""The methods that are trained by gradient: the method itself, and the field's simple heads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ..inference.device import Device
from ..model import MclSTExp, ModelConfig
from ..progress import CancelToken, ProgressCallback
from ..training.data import SpotPool, TrainingSection
from ..training.finetuning import training_mode
from ..training.initialise import start
from ..training.position_tables import used_positions
from ..training.settings import TrainSettings
from ..training.train import launch
from ..training.trainer import Trainer
from ..training.validation import patch_features, read_section
from .fold_prediction import Expression
from .prepared_sections import Prepared

# What is left of the method without a part of it, so that the part's share can be read off a row.
WITHOUT_ATTENTION: Mapping[str, object] = {"layers": 0, "positions": False}
# BLEEP (Xie et al., NeurIPS 2023): neither, similar spots as targets, and 50 votes.
BLEEP: Mapping[str, object] = {**WITHOUT_ATTENTION, "targets": "similar", "k": 50}
STNET_BATCH, STNET_RATE = 128, 1e-3  # rate of the new layer; the encoder's is the settings'


def contrastive(
    train: Sequence[Prepared],
    test: Sequence[Prepared],
    settings: TrainSettings,
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> list[Expression]:
    """Train by contrast on some sections, and read the expression of the others from them.

    Parameters
    ----------
    train, test
        Both sides of a fold, with their material for the settings' preset.
    settings, device, progress, cancel
        As for `train`.

    Returns
    -------
    (n, G) for each tested section.
    """
    fabric = launch(device, settings, 1, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        config, module = start([each.section for each in train], settings)
        module.to(device.torch)
        pool = SpotPool([each.training_sections[settings.preset] for each in train])
        with used_positions(module, pool):
            trainer = Trainer(module, pool, config, settings, fabric, device, cancel)
            trainer.fit(progress=progress)
            return [
                _read(module, each.training_sections[settings.preset], pool, config, device, cancel)
                for each in test
            ]


def _read(
    module: MclSTExp,
    training_sections: TrainingSection,
    pool: SpotPool,
    config: ModelConfig,
    device: Device,
    cancel: CancelToken,
) -> Expression:
    return read_section(module, training_sections, pool, config, device, cancel).expression


def stnet(
    train: Sequence[Prepared],
    test: Sequence[Prepared],
    settings: TrainSettings,
    device: Device,
    cancel: CancelToken,
) -> list[Expression]:
    """ST-Net (He et al. 2020): one linear layer on the encoder, trained to the squared error.

    Parameters
    ----------
    train, test
        Both sides of a fold.
    settings
        Whose encoder, epochs and learning rate are used; the encoder learns unless it is frozen.
    device, cancel
        Where, and what ends it.
    """
    fabric = launch(device, settings, 1, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        config, module = start([each.section for each in train], settings)
        module.to(device.torch)
        pool = SpotPool([each.training_sections[settings.preset] for each in train])
        trainer = Trainer(module, pool, config, settings, fabric, device, cancel)
        head = nn.Linear(module.image_encoder.n_features, len(settings.genes)).to(device.torch)
        with torch.no_grad():
            head.weight.zero_()
            head.bias.copy_(pool.expression.mean(dim=0))
        encoder = [each for each in module.image_encoder.parameters() if each.requires_grad]
        groups = [
            {"params": encoder, "lr": settings.learning_rate},
            {"params": list(head.parameters()), "lr": STNET_RATE},
        ]
        optimizer = torch.optim.Adam([group for group in groups if group["params"]])
        for epoch in range(settings.epochs):
            training_mode(module, settings)
            order = np.random.default_rng((settings.seed, epoch)).permutation(len(pool))
            for first in range(0, len(order), STNET_BATCH):
                cancel.raise_if_cancelled()
                rows = order[first : first + STNET_BATCH]
                measured = pool.expression[rows].to(device.torch)
                loss = functional.mse_loss(head(trainer.features(rows)), measured)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
        module.eval()
        predictions = []
        with torch.inference_mode():
            for each in test:
                training_sections = each.training_sections[settings.preset]
                features = patch_features(module, training_sections, device, cancel)
                predictions.append(head(features.to(device.torch)).cpu().numpy())
    return predictions
