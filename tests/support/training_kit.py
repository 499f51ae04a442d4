"""A trainer on painted sections, for tests that look inside one step; also run as a script."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.training.data import SpotPool, prepare
from napari_mclstexp.training.initialise import start
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import launch
from napari_mclstexp.training.trainer import Trainer
from support.engine_kit import painted_section, quick_settings

FEATURES = 1024  # of DenseNet-121


def trainer_with_features(
    sections: list[Section], settings: TrainSettings, devices: int = 1
) -> Trainer:
    """Return a trainer whose encoder is frozen, with features made up from a seed."""
    device = pick_device("cpu")
    fabric = launch(device, settings, devices, 1)
    torch.manual_seed(settings.seed)
    config, module = start(sections, settings)
    training_sections = prepare(sections, config)
    random = np.random.default_rng(0)
    for each in training_sections:
        features = random.normal(size=(len(each.expression), FEATURES)).astype(np.float32)
        each.features = torch.from_numpy(features)
    return Trainer(
        module, SpotPool(training_sections), config, settings, fabric, device, CancelToken()
    )


def one_shared_step(folder: Path, devices: int) -> None:
    """Take one step on four sequences, and save loss, gradients and weights."""
    sections = [painted_section(folder, f"p{os.environ.get('RANK', '0')}", seed=1)]
    settings = quick_settings(sequence_length=13, sequences_per_step=4, dropout=0.0)
    trainer = trainer_with_features(sections, settings, devices)
    stepped = trainer.step(trainer.steps(0)[0])
    tensors = {"loss": torch.tensor(stepped.loss)}
    for name, parameter in trainer.module.named_parameters():
        if parameter.grad is not None:
            tensors[f"grad.{name}"] = parameter.grad.contiguous()
            tensors[f"weight.{name}"] = parameter.detach().contiguous()
    save_file(tensors, folder / f"{devices}-{trainer.fabric.global_rank}.safetensors")


if __name__ == "__main__":
    one_shared_step(Path(sys.argv[1]), int(sys.argv[2]))
