"""Where the time of a prediction went, and how near the encoder came to what is possible."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil

from ..model import Model, ModelConfig
from ..model.inner_layers import InnerLayers
from ..running.stages import STAGES, Stage, timing
from .backends.limit import flops_per_picture, flops_per_second
from .device import pick_device

START = "start"
MAP_PX = 256  # side of a picture on which a feature map's operations are counted


@dataclass(frozen=True)
class StageTime:
    """A stage of a run.

    Attributes
    ----------
    name
        ``start`` (from the start of the process: imports, model, slide, spots), ``read`` (bytes
        from the file), ``decode`` (pixels from bytes, resampled), ``encode``, ``retrieve``
        (expression) and ``write``.
    seconds
        In which at least one thread was in it; stages go on side by side.
    thread_seconds
        Summed over threads, without other stages inside it.
    share
        `seconds` of the whole run's.
    of_limit
        Of the encoder: its operations a second, of those of a large matrix product.
    """

    name: str
    seconds: float
    thread_seconds: float
    share: float
    of_limit: float | None = None


@dataclass
class RunProfile:
    """The stages of a run; filled when the block of `profiling` ends.

    Attributes
    ----------
    seconds
        From the start of the process.
    stages
        In the order of the work.
    images_per_s, limit_images_per_s
        Patches (of a feature map: pieces of 256 px) encoded a second while the encoder was on, and
        how many there would be if all of it were one large matrix product.
    """

    seconds: float = 0.0
    stages: tuple[StageTime, ...] = ()
    images_per_s: float = 0.0
    limit_images_per_s: float = 0.0


@contextmanager
def profiling(model: Model, device: str = "auto") -> Iterator[RunProfile]:
    """Time the stages of the block; then measure the limit of the device."""
    profile, before = RunProfile(), _since_start()
    with timing() as watch:
        yield profile
    profile.seconds = before + watch.seconds
    network, side = _network(model)
    where = pick_device(device)
    flops = flops_per_picture(network, side, side)
    profile.limit_images_per_s = flops_per_second(where) / flops
    encode = watch.stages.get("encode", Stage())
    if encode.on:
        profile.images_per_s = encode.amount / side**2 / encode.on
    rows = [StageTime(START, before, before, before / profile.seconds)]
    for name in STAGES:
        stage = watch.stages.get(name, Stage())
        of_limit = None
        if name == "encode" and stage.on:
            of_limit = profile.images_per_s / profile.limit_images_per_s
        rows.append(StageTime(name, stage.on, stage.seconds, stage.on / profile.seconds, of_limit))
    profile.stages = tuple(rows)


def _network(model: Model) -> tuple[Any, int]:
    config: ModelConfig = model.config
    encoder = model.module.image_encoder
    if config.feature_map is None:
        return encoder, config.patch_px
    return InnerLayers(encoder, config.feature_map.layers), MAP_PX


def _since_start() -> float:
    started: float = psutil.Process().create_time()
    return max(0.0, time.time() - started)
