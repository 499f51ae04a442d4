"""Spots that are too poor to learn from are left out, and it is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from anndata import AnnData
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError
from .section import Section

MIN_COUNTS = 100  # below, a spot of legacy ST or Visium holds debris, or lies off the tissue
WHOLE_TRANSCRIPTOME = 1000  # genes; of a smaller panel, counts are as many fewer
MOST_LOST = 0.9  # share of a section's spots


@dataclass(frozen=True)
class Kept:
    """Sections after quality control.

    Attributes
    ----------
    sections
        Without the spots that were left out.
    sentences
        One for each section that lost some.
    """

    sections: tuple[Section, ...]
    sentences: tuple[str, ...]


def fewest_counts(n_genes: int) -> int:
    """Return the counts over all genes below which a spot is too poor, unless a person says so."""
    return max(1, round(MIN_COUNTS * min(1.0, n_genes / WHOLE_TRANSCRIPTOME)))


def enough_counts(spots: AnnData, fewest: int | None = None) -> NDArray[np.bool_]:
    """Tell of each spot whether it has enough raw counts over all genes.

    Parameters
    ----------
    spots
        With raw counts.
    fewest
        By default `fewest_counts`.
    """
    totals = np.asarray(sparse.csr_matrix(spots.X).sum(axis=1)).ravel()
    return np.asarray(totals >= (fewest_counts(spots.n_vars) if fewest is None else fewest))


def keep_good_spots(sections: Sequence[Section], min_counts: int | None = None) -> Kept:
    """Leave out the spots with too few counts.

    Parameters
    ----------
    sections
        With raw counts.
    min_counts
        Fewest counts over all genes; by default 100, and a tenth of the number of genes where a
        panel measured fewer than 1,000.

    Raises
    ------
    SettingsError
        If a section would lose nine in ten of its spots: the threshold is then wrong for it.
    """
    kept, sentences = [], []
    for each in sections:
        fewest = fewest_counts(each.spots.n_vars) if min_counts is None else min_counts
        good = enough_counts(each.spots, fewest)
        lost = int((~good).sum())
        if lost >= MOST_LOST * len(good):
            raise SettingsError(
                f"The section {each.name} has fewer than {fewest:,} counts in {lost:,} of its "
                f"{len(good):,} spots; give a lower --min-counts (0 keeps all), or leave it out."
            )
        if lost:
            sentences.append(
                f"{each.name}: {lost:,} of {len(good):,} spots with fewer than {fewest:,} "
                "counts were left out."
            )
            each = dataclasses.replace(each, spots=each.spots[good].copy())
        kept.append(each)
    return Kept(tuple(kept), tuple(sentences))
