"""What training will take, from a few patches and one step on the real thing."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.device import Device
from ..inference.image_features import FrozenEncoder
from ..model import MclSTExp, ModelConfig
from ..progress import Estimate
from .data import SpotPool, TrainingSection
from .settings import TrainSettings

PROBE = 8  # patches
AT_REST = 600 * 2**20  # bytes of Python, torch and the libraries themselves
# Bytes of activations a pixel of a patch costs DenseNet-121 while it learns, as measured.
LEARNING_BYTES_PER_PIXEL = 2200
COPIES = 4  # of every weight that learns: itself, its gradient, and Adam's two moments


def estimate_training(
    module: MclSTExp,
    training_sections: Sequence[TrainingSection],
    config: ModelConfig,
    settings: TrainSettings,
    device: Device,
) -> Estimate:
    """Predict wall time and memory of a training that is about to start.

    A frozen encoder is timed on a few patches of noise, and one step on a copy of the network; the
    random state and the weights stay as they are.

    Parameters
    ----------
    module, training_sections, config, settings, device
        All that the training will use.
    """
    pool = SpotPool(training_sections)
    spots = sum(len(each.expression) for each in training_sections)
    noise = np.random.default_rng(0).integers(
        0, 255, (PROBE, config.patch_px, config.patch_px, 3), dtype=np.uint8
    )
    with torch.random.fork_rng(devices=[]):
        encoder = FrozenEncoder(module.image_encoder, device)
        encoder(noise[:2])  # the first call sets things up
        per_patch = _seconds(lambda: encoder(noise)) / PROBE
        per_epoch = _epoch_seconds(module, pool, config, settings, device)
    if settings.freeze_encoder:
        seconds = spots * per_patch + settings.epochs * per_epoch
        pixels = spots * module.image_encoder.n_features * 4
        learning = 0.0
    else:
        # A backward pass costs about two forward ones.
        seconds = settings.epochs * (per_epoch + 3 * spots * per_patch)
        pixels = spots * config.patch_px**2 * 3
        batch = min(spots, settings.sequence_length * settings.sequences_per_step)
        learning = batch * config.patch_px**2 * LEARNING_BYTES_PER_PIXEL
    learned = sum(each.numel() for each in module.parameters())
    memory = AT_REST + pixels + learning + learned * 4 * COPIES + pool.expression.nbytes * 2
    return Estimate(seconds, int(memory))


def _epoch_seconds(
    module: MclSTExp, pool: SpotPool, config: ModelConfig, settings: TrainSettings, device: Device
) -> float:
    sequences = pool.sequences(config, np.random.default_rng(0))
    rows: NDArray[np.int64] = max(sequences, key=len)
    side = copy.deepcopy(module)
    side.train()
    features = torch.zeros(len(rows), module.image_encoder.n_features, device=device.torch)

    def step() -> None:
        where = device.torch
        spots = side.encode_spots(
            pool.expression[rows].to(where), pool.rows[rows].to(where), pool.cols[rows].to(where)
        )
        (spots @ side.project_images(features).T).mean().backward()  # type: ignore[no-untyped-call]

    step()
    return len(sequences) * _seconds(step) * 1.3  # the optimiser's share


def _seconds(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start
