"""A section with all that any method reads, computed once for all folds."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

from ..cohort.section import Section
from ..model.normalisation import Normalisation, measured_expression
from ..spots.schema import positions
from ..training.data import TrainingSection

LABELS = ("domain", "label", "annotation", "layer_guess")  # columns that may hold true domains
UNLABELLED = ("", "nan", "undetermined", "NA", "None")


@dataclass(eq=False)
class Prepared:
    """One section, ready for every method.

    Attributes
    ----------
    section
        Where it is from.
    expression
        (n, G) measured, in the evaluation's unit.
    features
        (n, F) of the encoder as training starts with it.
    counts
        (n, G) raw counts of the listed genes.
    totals
        (n,) counts over all genes.
    training_sections
        For what is trained, by the name of the preset.
    labels
        (n,) true domains, "" where unknown; None where there are none at all.
    """

    section: Section
    expression: NDArray[np.float32]
    features: NDArray[np.float32]
    counts: Any
    totals: NDArray[np.float64]
    training_sections: dict[str, TrainingSection]
    labels: NDArray[np.str_] | None

    @property
    def name(self) -> str:
        """Of the section."""
        return self.section.name

    @property
    def xy(self) -> NDArray[np.float64]:
        """(n, 2) centres in level-0 pixels."""
        return positions(self.section.spots)

    def of_genes(self, genes: Sequence[str], normalisation: Normalisation) -> Prepared:
        """Return the same section with other genes; pictures and features are shared."""
        expression = measured_expression(self.section.spots, genes, normalisation)
        counts, totals = raw_counts(self.section, genes)
        trained = {
            preset: dataclasses.replace(each, expression=torch.from_numpy(expression))
            for preset, each in self.training_sections.items()
        }
        return dataclasses.replace(
            self, expression=expression, counts=counts, totals=totals, training_sections=trained
        )


def raw_counts(
    section: Section, genes: Sequence[str]
) -> tuple[sparse.csr_matrix, NDArray[np.float64]]:
    """Return the counts of some genes, (n, G), and the totals over all genes, (n,)."""
    counts = sparse.csr_matrix(section.spots.X)
    columns = section.spots.var_names.get_indexer(list(genes))
    return counts[:, columns], np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()


def domain_labels(section: Section) -> NDArray[np.str_] | None:
    """Return the true domain of each spot, where a column of the spots says so."""
    for column in LABELS:
        if column in section.spots.obs:
            labels = section.spots.obs[column].astype(str).to_numpy(dtype=str)
            return np.where(np.isin(labels, UNLABELLED), "", labels)
    return None
