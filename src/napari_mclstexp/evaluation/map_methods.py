"""The heads that read a feature map: linear, contrastive, their blend, and retrieval by programs.

All of them see the same codes of a fold, fitted to what it learns from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ..inference.device import Device
from ..model import MclSTExp
from ..model.intervals import ExpectedErrors, samples
from ..model.retrieval import retrieve
from ..model.section_level import on_own_level
from ..model.smoother import Smoother
from ..progress import CancelToken
from ..training.data import SpotPool, looks_of
from ..training.fit_linear_head import FittedLinearHead
from ..training.fit_map_model import codes_on, fit_sections, read_codes
from ..training.initialise import start
from ..training.position_tables import used_positions
from ..training.settings import TrainSettings
from ..training.train import launch
from ..training.trainer import Trainer
from ..training.validation import read_section
from .fold_prediction import Expression, FoldPrediction
from .prepared_sections import Prepared

LEVELS = (0.5, 0.8, 0.95)
SAMPLES = 5
NEAREST = 50  # of retrieval by programs


class MapHeads:
    """The heads of one setting; what a fold is fitted to is kept until the next fold.

    Parameters
    ----------
    settings, device, cancel
        Of the method, where to compute, and what ends the work.
    """

    def __init__(self, settings: TrainSettings, device: Device, cancel: CancelToken) -> None:
        self._settings, self._device, self._cancel = settings, device, cancel
        self._fitted: tuple[tuple[str, ...], FittedLinearHead] | None = None
        self._retrieved: tuple[tuple[tuple[str, ...], ...], list[Expression]] | None = None

    def linear(self, train: Sequence[Prepared], test: Sequence[Prepared]) -> list[FoldPrediction]:
        """Read a few programs by a ridge of reduced rank, with intervals and samples."""
        fitted = self._fit(train)
        head, held_out = fitted.head, fitted.held_out
        smoother = Smoother(head, fitted.codes)
        names = np.concatenate([np.full(len(e.expression), e.name) for e in train])
        measured = np.concatenate([each.expression for each in train])
        looks = looks_of([each.training_sections[self._settings.preset] for each in train])
        found = []
        for each in test:
            codes, beyond = self._codes(fitted, each)
            tissue = each.training_sections[self._settings.preset].tissue_looks
            own, relative = on_own_level(head, tissue, looks, measured)
            errors = ExpectedErrors(held_out, level=relative)
            predicted = own.predict(codes).astype(np.float32)
            leverage = smoother.leverage(codes, beyond)
            drawn = samples(
                predicted,
                held_out,
                leverage,
                scores=head.program_scores(codes),
                bank_scores=head.program_scores(fitted.codes),
                bank_sections=names,
                n=SAMPLES,
                seed=self._settings.seed,
            )
            bounds = {level: errors.interval(predicted, leverage, level) for level in LEVELS}
            found.append(FoldPrediction(predicted, bounds, np.stack(list(drawn))))
        return found

    def contrastive(
        self, train: Sequence[Prepared], test: Sequence[Prepared]
    ) -> list[FoldPrediction]:
        """Train the paper's method with codes for its image side, and retrieve (paper 2.5)."""
        return [FoldPrediction(each) for each in self._retrieve(train, test)]

    def blend(self, train: Sequence[Prepared], test: Sequence[Prepared]) -> list[FoldPrediction]:
        """Average the linear and the contrastive head."""
        linear = self.linear(train, test)
        return [
            FoldPrediction(np.float32(0.5) * (each.expression + other))
            for each, other in zip(linear, self._retrieve(train, test), strict=True)
        ]

    def by_programs(
        self, train: Sequence[Prepared], test: Sequence[Prepared]
    ) -> list[FoldPrediction]:
        """Retrieve the spots whose programs are most alike."""
        fitted = self._fit(train)
        keys = fitted.head.program_scores(fitted.codes)
        scale = keys.std(axis=0) + np.finfo(np.float64).eps
        measured = np.concatenate([each.expression for each in train])
        return [
            FoldPrediction(
                retrieve(
                    torch.from_numpy(scores / scale).float(),
                    torch.from_numpy(keys / scale).float(),
                    measured,
                    k=NEAREST,
                ).expression
            )
            for scores in (
                fitted.head.program_scores(self._codes(fitted, each)[0]) for each in test
            )
        ]

    def _fit(self, train: Sequence[Prepared]) -> FittedLinearHead:
        fold = tuple(each.name for each in train)
        if self._fitted is None or self._fitted[0] != fold:
            self._cancel.raise_if_cancelled()
            material = [each.training_sections[self._settings.preset] for each in train]
            self._fitted = fold, fit_sections(material, self._settings)
        return self._fitted[1]

    def _codes(
        self, fitted: FittedLinearHead, each: Prepared
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        material = each.training_sections[self._settings.preset]
        return codes_on(fitted.head.components, [material])

    def _retrieve(self, train: Sequence[Prepared], test: Sequence[Prepared]) -> list[Expression]:
        fold = tuple(tuple(each.name for each in side) for side in (train, test))
        if self._retrieved is not None and self._retrieved[0] == fold:
            return self._retrieved[1]
        components = self._fit(train).head.components
        settings = dataclasses.replace(self._settings, head="contrastive", freeze_encoder=True)
        known, asked = (
            [dataclasses.replace(each.training_sections[settings.preset]) for each in side]
            for side in (train, test)
        )
        read_codes([*known, *asked], components)
        fabric = launch(self._device, settings, 1, 1)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            config, module = start([each.section for each in train], settings)
            config = config.model_copy(update={"n_codes": components.shape[1]})
            module = MclSTExp(config).to(self._device.torch)
            pool = SpotPool(known)
            with used_positions(module, pool):
                trainer = Trainer(
                    module, pool, config, settings, fabric, self._device, self._cancel
                )
                trainer.fit()
                found = [
                    read_section(module, each, pool, config, self._device, self._cancel).expression
                    for each in asked
                ]
        self._retrieved = fold, found
        return found
