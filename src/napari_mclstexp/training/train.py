"""Sections in, a model out (paper section 2.4: contrastive training of the two encoders)."""

from __future__ import annotations

import dataclasses
import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric

from ..cohort.fingerprints import share_spots
from ..cohort.section import Section
from ..errors import SettingsError
from ..inference.device import Device, pick_device
from ..inference.predict import predict
from ..model import Bank, MclSTExp, Model, ModelConfig, load_model
from ..progress import CancelToken, Progress, ProgressCallback
from .build_bank import build_bank
from .cross_validation import CrossValidated, cross_validate
from .data import SpotPool, TrainingSection, add_features, add_patches, prepare
from .estimate import estimate_training
from .fit_map_model import codes_on, fit_sections, linear_of, read_codes, refit
from .initialise import start
from .map_features import add_map_features
from .position_tables import used_positions
from .settings import TrainSettings
from .trainer import Trainer

# Fabric tells everyone on stderr what it was asked for.
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
PRECISIONS: dict[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def train(
    sections: Sequence[Section],
    settings: TrainSettings,
    *,
    held_out: Section | None = None,
    stop_on: Section | None = None,
    device: str = "auto",
    backend: str = "auto",
    devices: int = 1,
    nodes: int = 1,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    checkpoint: Path | None = None,
    curves: Path | None = None,
) -> Model:
    """Train a model on sections with counts.

    A step is one sequence of neighbouring spots (or several): their patches against their
    expression, by the symmetric contrastive loss. A frozen encoder's features are computed once.

    Parameters
    ----------
    sections
        With raw counts; their spots become the model's bank.
    settings
        What a person decides; see :class:`TrainSettings`.
    held_out
        A section not trained on; the correlation of each gene there goes into the model. Without
        one, a linear head is scored on every patient and section of the training, left out in
        turn.
    stop_on
        A section not trained on; training ends when it has not been predicted better for
        ``settings.patience`` epochs, and the best epoch's weights are kept.
    device
        ``"auto"``, ``"cuda"``, ``"mps"`` or ``"cpu"``.
    backend
        What runs a frozen encoder: ``"auto"``, ``"torch"`` or ``"openvino"``; see `predict`.
        Processes that share steps use torch.
    devices, nodes
        Processes on this machine, and machines, that share each step.
    progress
        Called with an `Estimate` at the start, after every step, and after every epoch with a
        `TrainingPoint` and, where a section is held out, a `HeldOutMap`.
    cancel
        Ends the work within a second.
    checkpoint
        File that is written after every epoch, and resumed from if it is there; on the CPU the
        result is the same as without an interruption, bit for bit.
    curves
        Folder for ``curves.csv`` and TensorBoard's events.

    Returns
    -------
    Model
        Not saved yet; see `save_model`.

    Raises
    ------
    SettingsError
        If the sections do not go together with the settings, or if `held_out` or `stop_on` is
        among those that are learned from.
    ModelError
        If encoder weights are missing or do not fit.
    Cancelled
        If `cancel` was set.
    """
    cancel = cancel or CancelToken()
    if not sections:
        raise SettingsError("There are no sections to train on; give at least one.")
    _refuse_leaks(sections, held_out, stop_on)
    where = pick_device(device, backend if devices * nodes == 1 else "torch")
    fabric = launch(where, settings, devices, nodes)
    if fabric.world_size > 1 and where.torch.type == "cuda":
        where = where.on(fabric.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        config, module = start(sections, settings)
        training_sections = prepare(sections, config)
        watched = _watched(stop_on or held_out, config)
        report = progress if fabric.is_global_zero else None
        base = None if settings.init_from is None else load_model(settings.init_from)
        before = _bank_before(base, settings, config)
        if config.feature_map is None:
            codes = beyond = linear = None
            if report is not None:
                estimate = estimate_training(
                    module.to(where.torch), training_sections, config, settings, where
                )
                report(Progress(0, 1, str(estimate), estimate, unit="steps"))
            module.to(where.torch)
            if where.channels_last:
                module.image_encoder.to(memory_format=torch.channels_last)
            every = [*training_sections, *watched]
            _read(fabric, every, module, config, settings, where, report, cancel)
        else:
            _refuse_stop(config, stop_on)
            settings = dataclasses.replace(settings, freeze_encoder=True)
            seen = [*training_sections, *(watched if config.head != "linear" else ())]
            with fabric.rank_zero_first():
                add_map_features(seen, module, config, where, report, cancel)
            if base is None:
                fitted = fit_sections(training_sections, settings)
                linear, codes = linear_of(fitted), fitted.codes
                components = fitted.head.components
                config, module = _with_codes(config, module, codes.shape[1])
            else:
                assert base.linear is not None
                components = base.linear.head.components
                codes, beyond = codes_on(components, training_sections)
            read_codes(seen, components)
            module.to(where.torch)
        epoch = 0
        if config.head != "linear":
            torch.manual_seed(settings.seed + fabric.global_rank)  # each process' own dropout
            pool = SpotPool(training_sections)
            with used_positions(module, pool):
                if fabric.world_size > 1:
                    module = _synchronised(module, settings, where)
                trainer = Trainer(module, pool, config, settings, fabric, where, cancel)
                epoch = trainer.fit(
                    watched=watched[0] if watched else None,
                    stop=stop_on is not None,
                    progress=report,
                    checkpoint=checkpoint,
                    curves=curves,
                )
    bank = build_bank(module, training_sections, config, where, cancel, before, codes=codes)
    if base is not None and beyond is not None:
        linear = linear_of(refit(base, bank, beyond, settings))
    config = config.model_copy(update={"settings": {**config.settings, "best_epoch": epoch}})
    model = Model(config, module.eval().cpu(), bank, linear)
    if held_out is not None:
        _score(model, held_out, stop_on, device, backend, progress, cancel)
    elif config.head == "linear" and base is None:
        _note_scores(model, cross_validate(training_sections, settings, report, cancel))
    return model


def _note_scores(model: Model, found: CrossValidated | None) -> None:
    """Write into a model how well it predicts what was left out."""
    if found is None:
        return
    genes = model.config.genes
    pcc, low = (
        {gene: round(float(v), 4) for gene, v in zip(genes, each, strict=True) if np.isfinite(v)}
        for each in (found.pcc, found.low)
    )
    model.config = model.config.model_copy(
        update={"held_out_pcc": pcc, "held_out_low": low, "held_out_note": found.note}
    )


def _with_codes(
    config: ModelConfig, module: MclSTExp, n_codes: int
) -> tuple[ModelConfig, MclSTExp]:
    """Return the network whose image side reads codes of a length, with the same encoder."""
    config = config.model_copy(update={"n_codes": n_codes})
    if config.head == "linear":
        return config, module
    made = MclSTExp(config)
    made.image_encoder = module.image_encoder
    return config, made


def _refuse_stop(config: ModelConfig, stop_on: Section | None) -> None:
    if config.head == "linear" and stop_on is not None:
        raise SettingsError(
            f"The linear head is computed at once, so there is nothing to stop on {stop_on.name}; "
            "leave it out, hold it out instead, or train the contrastive head."
        )


def _bank_before(base: Model | None, settings: TrainSettings, config: ModelConfig) -> Bank | None:
    """Return the bank of the model that this training starts from, where its spots can be kept."""
    if base is None or not settings.keep_bank:
        return None
    return base.bank if base.config.genes == config.genes else None


def launch(device: Device, settings: TrainSettings, devices: int, nodes: int) -> Fabric:
    """Start the processes that share the training; in the usual case this one alone.

    Raises
    ------
    SettingsError
        If the work cannot be shared as asked for.
    """
    together = devices * nodes
    if together > settings.sequences_per_step:
        raise SettingsError(
            f"{together} processes cannot share steps of {settings.sequences_per_step} sequences; "
            f"give --sequences-per-step {together} or more."
        )
    kind = device.torch.type
    precision: Any = PRECISIONS.get(settings.precision)
    if precision is None:
        mixed = {torch.bfloat16: "bf16-mixed", torch.float16: "16-mixed"}
        precision = mixed.get(device.dtype, "32-true")
    if precision == "16-mixed" and kind != "cuda":
        raise SettingsError("The precision fp16 needs an NVIDIA GPU; use bf16, 32 or auto.")
    with warnings.catch_warnings():
        if together == 1:  # on a machine of a cluster, but not for the cluster
            warnings.filterwarnings("ignore", "The `srun` command is available")
        fabric = Fabric(
            accelerator="gpu" if kind == "cuda" else kind,
            devices=devices,
            num_nodes=nodes,
            strategy="ddp" if together > 1 else "auto",
            precision=precision,
        )
    if together > 1:
        fabric.launch()
    return fabric


def _refuse_leaks(
    sections: Sequence[Section], held_out: Section | None, stop_on: Section | None
) -> None:
    """Refuse to judge a model by what it learns from."""
    for what, apart in (("held out", held_out), ("to stop on", stop_on)):
        for each in sections if apart is not None else ():
            assert apart is not None
            if each is apart or each.name == apart.name or share_spots(each, apart):
                known = "" if each.name == apart.name else f", there called {each.name}"
                raise SettingsError(
                    f"The section {apart.name} is {what} but is also learned from{known}; leave it "
                    "out of the sections to train on, or choose another."
                )


def _watched(section: Section | None, config: ModelConfig) -> list[TrainingSection]:
    return [] if section is None else prepare([section], config, to_score=True)


def _read(
    fabric: Fabric,
    training_sections: Sequence[TrainingSection],
    module: MclSTExp,
    config: ModelConfig,
    settings: TrainSettings,
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    """Read features or patches; of several processes the first computes and the others find."""
    with fabric.rank_zero_first():
        report = progress if fabric.is_global_zero else None
        if settings.freeze_encoder:
            add_features(training_sections, module, config, device, report, cancel)
        else:
            add_patches(training_sections, config, report, cancel)


def _synchronised(module: MclSTExp, settings: TrainSettings, device: Device) -> MclSTExp:
    if settings.freeze_encoder or settings.batch_norm == "frozen":
        return module
    if device.torch.type != "cuda":
        raise SettingsError(
            "Several processes on CPUs cannot share the statistics of batch norms; give "
            "--batch-norm frozen, --freeze-encoder, or one process."
        )
    synchronised: MclSTExp = torch.nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    return synchronised


def _score(
    model: Model,
    held_out: Section,
    stop_on: Section | None,
    device: str,
    backend: str,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    """Write into the model how well it predicts a section it has not seen."""
    with held_out.open() as slide:
        prediction = predict(
            *(slide, held_out.spots, model),
            device=device,
            backend=backend,
            progress=progress,
            cancel=cancel,
        )
    scores = prediction.var["pcc"].dropna()
    note = f"Held out: section {held_out.name}."
    if held_out.name in model.bank.sections:
        note += " The model that it started from had learned from it, so these mean nothing."
    if stop_on is not None and stop_on.name == held_out.name:
        note += " Training stopped where it was predicted best, so these scores are optimistic."
    model.config = model.config.model_copy(
        update={
            "held_out_pcc": {str(gene): round(float(pcc), 4) for gene, pcc in scores.items()},
            "held_out_note": note,
        }
    )
