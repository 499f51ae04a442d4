"""Sections in, a model out (paper section 2.4: contrastive training of the two encoders)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import SettingsError
from ..model import MclSTExp, Model, ModelConfig, contrastive_loss
from .bank import build_bank
from .checkpoint import load_checkpoint, run_name, save_checkpoint
from .device import Device, pick_device
from .encoding import stoppable, to_tensor
from .material import Material, add_features, add_patches, prepare
from .prediction import predict
from .progress import CancelToken, Progress, ProgressCallback, TrainingPoint
from .sections import Section
from .settings import TrainSettings
from .starting import start


def train(
    sections: Sequence[Section],
    settings: TrainSettings,
    *,
    held_out: Section | None = None,
    device: str = "auto",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    checkpoint: Path | None = None,
) -> Model:
    """Train a model on sections with counts.

    A step is one sequence of neighbouring spots: their patches against their expression, by the
    symmetric contrastive loss. A frozen encoder's features are computed once.

    Parameters
    ----------
    sections
        With raw counts; their spots become the model's bank.
    settings
        What a person decides; see :class:`TrainSettings`.
    held_out
        A section not trained on; the correlation of each gene there goes into the model.
    device
        ``"auto"``, ``"cuda"``, ``"mps"`` or ``"cpu"``.
    progress
        Called after every step, with a `TrainingPoint` after every epoch.
    cancel
        Ends the work within a second.
    checkpoint
        File that is written after every epoch, and gone on from if it is there; on the CPU the
        result is the same as without an interruption.

    Returns
    -------
    Model
        Not saved yet; see `save_model`.

    Raises
    ------
    SettingsError
        If the sections do not go together with the settings.
    ModelError
        If encoder weights are missing or do not fit.
    Cancelled
        If `cancel` was set.
    """
    cancel = cancel or CancelToken()
    if not sections:
        raise SettingsError("There are no sections to train on; give at least one.")
    where = pick_device(device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        config, module = start(sections, settings)
        material = prepare(sections, config)
        module.to(where.torch)
        if where.channels_last:
            module.image_encoder.to(memory_format=torch.channels_last)
        if settings.freeze_encoder:
            add_features(material, module, config, where, progress, cancel)
        else:
            add_patches(material, config, progress, cancel)
        _fit(module, material, config, settings, where, progress, cancel, checkpoint)
    bank = build_bank(module, material, config, where, cancel)
    model = Model(config, module.eval().cpu(), bank)
    if held_out is not None:
        _score(model, held_out, device, progress, cancel)
    return model


def _fit(
    module: MclSTExp,
    material: Sequence[Material],
    config: ModelConfig,
    settings: TrainSettings,
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
    checkpoint: Path | None,
) -> None:
    module.image_encoder.requires_grad_(not settings.freeze_encoder)
    optimizer = torch.optim.AdamW(
        [parameter for parameter in module.parameters() if parameter.requires_grad],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    run = run_name(settings, [(m.section.name, len(m.expression)) for m in material])
    first = 0
    if checkpoint is not None and checkpoint.exists():
        first = load_checkpoint(checkpoint, module, optimizer, run)
    per_epoch = sum(len(each.sequences) for each in material)
    total = settings.epochs * per_epoch
    for epoch in range(first, settings.epochs):
        module.train()
        if settings.freeze_encoder:
            module.image_encoder.eval()
        losses = []
        for rows, each in _steps(material, np.random.default_rng((settings.seed, epoch))):
            cancel.raise_if_cancelled()
            losses.append(_step(module, each, rows, settings, optimizer, device, cancel))
            if progress is not None:
                done = epoch * per_epoch + len(losses)
                progress(Progress(done, total, f"Epoch {epoch + 1} of {settings.epochs}"))
        if checkpoint is not None:
            save_checkpoint(checkpoint, module, optimizer, epoch + 1, run)
        if progress is not None:
            point = TrainingPoint(epoch + 1, settings.epochs, float(np.mean(losses)))
            what = f"Epoch {epoch + 1} of {settings.epochs}, loss {point.loss:.3f}"
            progress(Progress((epoch + 1) * per_epoch, total, what, point))


def _steps(
    material: Sequence[Material], random: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], Material]]:
    """Yield every sequence of every section once, in random order."""
    steps = [(rows, each) for each in material for rows in each.sequences]
    for index in random.permutation(len(steps)):
        yield steps[index]


def _step(
    module: MclSTExp,
    each: Material,
    rows: NDArray[np.int64],
    settings: TrainSettings,
    optimizer: torch.optim.Optimizer,
    device: Device,
    cancel: CancelToken,
) -> float:
    with stoppable(module, cancel):
        if each.features is not None:
            features = each.features[rows].to(device.torch)
        else:
            assert each.patches is not None
            features = _features(module, each.patches[rows], settings, device)
        spots = module.encode_spots(
            each.expression[rows].to(device.torch),
            each.rows[rows].to(device.torch),
            each.cols[rows].to(device.torch),
        )
        loss = contrastive_loss(spots, module.project_images(features), settings.temperature)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.item()


def _features(
    module: MclSTExp, pixels: NDArray[np.uint8], settings: TrainSettings, device: Device
) -> Tensor:
    images = to_tensor(pixels, device)
    if settings.augment:
        images = augmented(images)
    if device.channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.torch.type, device.dtype, enabled=device.dtype != torch.float32):
        return module.encode_images(images).float()


def augmented(images: Tensor) -> Tensor:
    """Return (b, 3, H, W) patches, each turned by quarters and mirrored at random."""
    turns = torch.randint(0, 4, (len(images),))
    mirrored = torch.rand(len(images)) < 0.5
    out = [image.rot90(int(n), (1, 2)) for image, n in zip(images, turns, strict=True)]
    return torch.stack([o.flip(2) if m else o for o, m in zip(out, mirrored, strict=True)])


def _score(
    model: Model,
    held_out: Section,
    device: str,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    """Write into the model how well it predicts a section it has not seen."""
    with held_out.open() as slide:
        prediction = predict(
            slide, held_out.spots, model, device=device, progress=progress, cancel=cancel
        )
    scores = prediction.var["pcc"].dropna()
    model.config = model.config.model_copy(
        update={
            "held_out_pcc": {str(gene): round(float(pcc), 4) for gene, pcc in scores.items()},
            "held_out_note": f"Held out: section {held_out.name}.",
        }
    )
