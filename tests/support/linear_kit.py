"""Simulated sections whose expression follows a few programs with known noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mclstexp.training.fit_linear_head import FittedLinearHead, fit_linear_head


@dataclass(frozen=True, eq=False)
class Simulated:
    """Spots of several sections; `patients` has two sections each."""

    features: NDArray[np.float32]
    expression: NDArray[np.float32]
    sections: NDArray[np.str_]
    patients: NDArray[np.str_]
    xy: NDArray[np.float64]

    def rows(self, chosen: NDArray[np.bool_]) -> Simulated:
        return Simulated(*(getattr(self, name)[chosen] for name in self.__annotations__))

    def split(self, section: str) -> tuple[Simulated, Simulated]:
        """All other sections, and this one."""
        return self.rows(self.sections != section), self.rows(self.sections == section)

    def fit(self, **options: object) -> FittedLinearHead:
        return fit_linear_head(
            self.features, self.expression, self.sections, self.patients, self.xy, **options
        )


def simulate(
    n_sections: int = 6,
    n_spots: int = 120,
    n_features: int = 60,
    n_genes: int = 40,
    n_programs: int = 2,
    noise: float | NDArray[np.float64] = 0.5,
    seed: int = 0,
) -> Simulated:
    """Gaussian features, `n_programs` read linearly from them, and Gaussian noise of each gene."""
    random = np.random.default_rng(seed)
    n = n_sections * n_spots
    seen = random.normal(size=(n, n_features)) * np.linspace(1.5, 0.3, n_features)
    section = np.repeat(np.arange(n_sections), n_spots)
    for each in range(n_sections):
        rows = section == each
        seen[rows] = (seen[rows] - seen[rows].mean(0)) / seen[rows].std(0)
    features = seen / np.sqrt(n_features)
    read = random.normal(size=(n_features, n_programs)) * (1.5 / np.arange(1, n_programs + 1))
    loadings = random.normal(size=(n_programs, n_genes)) / np.sqrt(n_programs)
    expression = 5 + features @ read @ loadings + noise * random.normal(size=(n, n_genes))
    return Simulated(
        features.astype(np.float32),
        expression.astype(np.float32),
        np.array([f"section {each}" for each in section]),
        np.array([f"patient {each // 2}" for each in section]),
        random.uniform(size=(n, 2)) * [2000.0, 1000.0],
    )
