"""Rows of the ablation that retrieve: the paper's method with codes of the feature map.

The program's own heads, except one that is here only: attention of images to positions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from ablation_data import NAMES, NORMALISATION, WIDTHS, Floats, Material, Reader, Source
from torch import Tensor, nn

from napari_mclstexp.evaluation import map_methods
from napari_mclstexp.evaluation.map_methods import MapHeads
from napari_mclstexp.evaluation.prepared_sections import Prepared, raw_counts
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.model import MclSTExp
from napari_mclstexp.model.spot_encoder import PreNorm
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.training.data import TrainingSection, prepare
from napari_mclstexp.training.fit_linear_head import FittedLinearHead
from napari_mclstexp.training.fit_map_model import fit_sections
from napari_mclstexp.training.initialise import start
from napari_mclstexp.training.settings import TrainSettings

PRESET = "ablation"


class ContrastiveRows:
    """Reads rows of the contrastive head.

    Parameters
    ----------
    material, source
        The sections, and what sees them.
    epochs
        Of every training.
    """

    def __init__(self, material: Material, source: Source, epochs: int) -> None:
        self.material, self.epochs = material, epochs
        seen = material.seen(source)
        self.features = {}
        for name in NAMES:
            groups = [each for group, each in seen[name].relative.items() if group[0] in WIDTHS]
            parts = [each / np.sqrt(each.shape[1] * len(groups)) for each in groups]
            self.features[name] = np.hstack(parts).astype(np.float32)
        self.settings = TrainSettings(
            material.genes,
            features="map",
            head="contrastive",
            encoder=source.encoder,
            weights=source.weights,
            normalisation=NORMALISATION,
            epochs=epochs,
            preset=PRESET,
        )
        self._fitted: dict[tuple[str, ...], FittedLinearHead] = {}

    def reader(self, *, crossed: bool = False, **changes: Any) -> Reader:
        """Return a method of a row: the head with other settings."""
        settings = dataclasses.replace(self.settings, **changes)
        sections = [*self.material.sections.values()]
        config, _ = start(sections, settings)  # anew for each row: positions may differ
        prepared = {}
        for each in prepare(sections, config):
            name = each.section.name
            each.map_features = self.features[name]
            counts = raw_counts(each.section, self.material.genes)
            expression = each.expression.numpy()
            prepared[name] = Prepared(
                each.section, expression, expression[:, :0], *counts, {PRESET: each}, None
            )
        heads = MapHeads(settings, pick_device("cpu"), CancelToken())

        def read(learned: Sequence[str], tested: Sequence[str]) -> list[Floats]:
            network = CrossedMclSTExp if crossed else MclSTExp
            with (
                patch.object(map_methods, "MclSTExp", network),
                patch.object(map_methods, "fit_sections", self._fit),
            ):
                train, test = ([prepared[name] for name in side] for side in (learned, tested))
                return [each.expression for each in heads.contrastive(train, test)]

        return read

    def _fit(
        self, sections: Sequence[TrainingSection], settings: TrainSettings
    ) -> FittedLinearHead:
        """Fit the axes of a fold once for all rows."""
        fold = tuple(each.section.name for each in sections)
        if fold not in self._fitted:
            self._fitted[fold] = fit_sections(sections, settings)
        return self._fitted[fold]


class CrossedMclSTExp(MclSTExp):
    """Image tokens attend to the position tokens of their batch, as in a fused Transformer.

    The image side has no positions of its own when a slide is read, so that all it can ask for is
    what the learned table holds.
    """

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        width = self.n_inputs
        self.of_positions = nn.Linear(len(config.genes), width, bias=False)
        self.crossing = PreNorm(width, _Crossing(width))

    def project_images(self, features: Tensor) -> Tensor:
        table = torch.cat([self.x_embed.weight, self.y_embed.weight])
        self.crossing.fn.tokens = self.of_positions(table)
        return super().project_images(features + self.crossing(features))


class _Crossing(nn.Module):
    tokens: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, self.tokens, self.tokens, need_weights=False)[0]
