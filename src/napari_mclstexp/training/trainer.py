"""The optimisation itself: epochs of steps, alone or shared by several processes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from ..inference.device import Device
from ..inference.torch_pass import stoppable, to_tensor
from ..model import MclSTExp, ModelConfig
from ..model.loss import contrastive_loss, ranking_loss, similar_targets_loss
from ..progress import CancelToken, Progress, ProgressCallback, TrainingPoint
from .augmentation import augmented, stain_jittered
from .checkpoint import TrainingState, load_checkpoint, run_name, save_checkpoint
from .curves import Curves
from .data import SpotPool, TrainingSection
from .distributed import gathered, sum_gradients
from .finetuning import trained_parameters, training_mode
from .settings import TrainSettings
from .validation import watch

Rows = NDArray[np.int64]
LOSSES = {"matched": contrastive_loss, "similar": similar_targets_loss}


@dataclass(frozen=True)
class Stepped:
    """What one step found."""

    loss: float
    accuracy: float


class Trainer:
    """Trains a network on a pool of spots.

    Parameters
    ----------
    module, pool, config, settings
        The network, on its device; what it learns from; what it is; what a person decided.
    fabric, device
        The processes, and where each computes.
    cancel
        Looked at between the layers of every step.
    """

    def __init__(
        self,
        module: MclSTExp,
        pool: SpotPool,
        config: ModelConfig,
        settings: TrainSettings,
        fabric: Fabric,
        device: Device,
        cancel: CancelToken,
    ) -> None:
        self.module, self.pool, self.config, self.settings = module, pool, config, settings
        self.fabric, self.device, self.cancel = fabric, device, cancel
        self.parameters = trained_parameters(module, settings)
        kind = torch.optim.Adam if settings.optimizer == "adam" else torch.optim.AdamW
        self.optimizer = kind(
            self.parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._stepper: Any = fabric.setup_optimizers(self.optimizer)

    def steps(self, epoch: int) -> list[list[Rows]]:
        """Return the steps of an epoch, each a list of sequences, in random order."""
        random = np.random.default_rng((self.settings.seed, epoch))
        sequences = self.pool.sequences(self.config, random)
        order = random.permutation(len(sequences))
        at_once = self.settings.sequences_per_step
        starts = range(0, len(order), at_once)
        return [[sequences[i] for i in order[start : start + at_once]] for start in starts]

    def step(self, sequences: Sequence[Rows]) -> Stepped:
        """Learn from some sequences, whose spots are each other's negatives.

        Each process projects its share of the sequences; the loss is that of all of them.
        """
        with stoppable(self.module, self.cancel):
            loss, accuracy = self.loss(sequences)
            self.optimizer.zero_grad()
            if loss.requires_grad:  # not where this process has no share of a last, small step
                self.fabric.backward(loss)
        sum_gradients(self.fabric, self.parameters)
        self._stepper.step()
        return Stepped(loss.item(), accuracy)

    def loss(self, sequences: Sequence[Rows]) -> tuple[Tensor, float]:
        """Return the loss over all rows of the sequences, and the retrieval accuracy in them."""
        rank, world = self.fabric.global_rank, self.fabric.world_size
        shares = [sequences[each::world] for each in range(world)]
        lengths = [sum(map(len, share)) for share in shares]
        spots, images = self._project(shares[rank])
        spots = gathered(self.fabric, spots, lengths)
        images = gathered(self.fabric, images, lengths)
        loss = LOSSES[self.settings.targets](spots, images, self.settings.temperature)
        if self.settings.ranking:
            loss = loss + self.settings.ranking * self._ranking(images, shares)
        with torch.no_grad():
            nearest = (images @ spots.T).argmax(dim=1)
            right = (nearest == torch.arange(len(nearest), device=nearest.device)).float().mean()
        return loss, float(right)

    def _ranking(self, images: Tensor, shares: Sequence[Sequence[Rows]]) -> Tensor:
        """Return the mean ranking loss of the sequences, in the order of all processes' images."""
        each = [rows for share in shares for rows in share]
        parts = torch.split(images, [len(rows) for rows in each])
        losses = [
            ranking_loss(part, self.pool.expression[rows].to(part))
            for part, rows in zip(parts, each, strict=True)
        ]
        return torch.stack(losses).mean()

    def _project(self, sequences: Sequence[Rows]) -> tuple[Tensor, Tensor]:
        where, pool = self.device.torch, self.pool
        if not sequences:
            empty = torch.zeros(0, self.config.projection_dim, device=where)
            return empty, empty
        spots = [
            self.module.encode_spots(
                pool.expression[rows].to(where),
                pool.rows[rows].to(where),
                pool.cols[rows].to(where),
            )
            for rows in sequences
        ]
        features = self.features(np.concatenate(sequences))
        return torch.cat(spots), self.module.project_images(features)

    def features(self, rows: Rows) -> Tensor:
        """Return the (b, F) features of some rows, through the encoder where it learns."""
        if self.pool.features is not None:
            return self.pool.features[rows].to(self.device.torch)
        images = to_tensor(self.pool.pixels(rows), self.device.torch)
        if self.settings.augment:
            images = stain_jittered(augmented(images), self.settings.stain_jitter)
        if self.device.channels_last:
            images = images.contiguous(memory_format=torch.channels_last)
        with self.fabric.autocast():
            features: Tensor = self.module.image_encoder(images)
        return features

    def fit(
        self,
        *,
        watched: TrainingSection | None = None,
        stop: bool = False,
        progress: ProgressCallback | None = None,
        checkpoint: Path | None = None,
        curves: Path | None = None,
    ) -> int:
        """Train to the last epoch, or until the watched section gets no better.

        Parameters
        ----------
        watched
            A section that is predicted after every epoch.
        stop
            Whether to stop on it, and to keep the weights of its best epoch.
        progress
            Called after every step and every epoch.
        checkpoint, curves
            File and folder that are written after every epoch, and resumed from.

        Returns
        -------
        The number of the epoch whose weights the network has now.
        """
        settings, main = self.settings, self.fabric.is_global_zero
        run = run_name(
            settings, [(m.section.name, len(m.expression)) for m in self.pool.training_sections]
        )
        training_state = TrainingState()
        if checkpoint is not None and checkpoint.exists():
            training_state = load_checkpoint(checkpoint, self.module, self.optimizer, run)
        table = Curves(curves, training_state.epoch) if curves is not None and main else None
        try:
            for epoch in range(training_state.epoch, settings.epochs):
                if (
                    stop
                    and epoch - training_state.best_epoch >= settings.patience
                    and training_state.best
                ):
                    break
                steps = self.steps(epoch)
                point = self._epoch(epoch, steps, progress)
                training_state.epoch = epoch + 1
                if watched is not None:
                    point = self._watch(point, watched, training_state, stop, progress)
                if table is not None:  # first, since of an epoch that is kept no row may lack
                    table.add(point)
                if checkpoint is not None and main:
                    save_checkpoint(checkpoint, self.module, self.optimizer, training_state, run)
                if progress is not None:
                    progress(_told(point, len(steps)))
        finally:
            if table is not None:
                table.close()
        if stop and training_state.best:
            self.module.load_state_dict(training_state.best)
            return training_state.best_epoch
        return training_state.epoch

    def _epoch(
        self, epoch: int, steps: list[list[Rows]], progress: ProgressCallback | None
    ) -> TrainingPoint:
        training_mode(self.module, self.settings)
        found: list[Stepped] = []
        for sequences in steps:
            self.cancel.raise_if_cancelled()
            found.append(self.step(sequences))
            if progress is not None:
                done, total = epoch * len(steps) + len(found), self.settings.epochs * len(steps)
                what = f"Epoch {epoch + 1} of {self.settings.epochs}"
                progress(Progress(done, total, what, unit="steps"))
        return TrainingPoint(
            epoch + 1,
            self.settings.epochs,
            float(np.mean([each.loss for each in found])),
            float(np.mean([each.accuracy for each in found])),
            float(self.optimizer.param_groups[0]["lr"]),
        )

    def _watch(
        self,
        point: TrainingPoint,
        watched: TrainingSection,
        training_state: TrainingState,
        stop: bool,
        progress: ProgressCallback | None,
    ) -> TrainingPoint:
        seen = watch(self.module, watched, self.pool, self.config, self.device, self.cancel)
        better = not training_state.best or seen.pcc > training_state.best_pcc
        if stop and better and not math.isnan(seen.pcc):
            training_state.best_epoch, training_state.best_pcc = point.epoch, seen.pcc
            training_state.best = {
                k: v.detach().clone() for k, v in self.module.state_dict().items()
            }
        if progress is not None:
            what = f"Section {seen.best.section}"
            progress(Progress(point.epoch, point.epochs, what, seen.best, unit="epochs"))
        return TrainingPoint(
            point.epoch,
            point.epochs,
            point.loss,
            point.retrieval_accuracy,
            point.learning_rate,
            None if math.isnan(seen.pcc) else seen.pcc,
        )


def _told(point: TrainingPoint, steps: int) -> Progress:
    what = f"Epoch {point.epoch} of {point.epochs}, loss {point.loss:.3f}"
    if point.held_out_pcc is not None:
        what += f", held-out PCC {point.held_out_pcc:.3f}"
    return Progress(point.epoch * steps, point.epochs * steps, what, point, unit="steps")
