"""Predictions of other programs, brought in as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy import sparse

from ..anndata_file import read_anndata
from ..cohort.section import Section
from ..errors import SettingsError
from ..spots.schema import Provenance, has_positions, positions
from .fold_prediction import Expression

SAME_PX = 1.0


def read_external(
    name: str,
    paths: Sequence[Path],
    sections: Sequence[Section],
    genes: Sequence[str],
    normalisation: str,
) -> tuple[dict[str, Expression], tuple[str, ...]]:
    """Read what another program predicted for the sections.

    A spot is found by its barcode, within the section that ``obs["section"]`` names; a file
    without that column belongs to the section whose spots it all has, at the same places where
    it says them (legacy ST calls the spots of all sections alike).

    Parameters
    ----------
    name, paths
        What it is called, and its .h5ad files.
    sections, genes
        Which are evaluated; genes that a file lacks are NaN.
    normalisation
        The evaluation's; a file that says another one, or none, is warned of.

    Returns
    -------
    (n, G) of each section by its name, and sentences that a reader must see.

    Raises
    ------
    SettingsError
        If a file cannot be read, or a section or most of its spots are not in it.
    """
    found: dict[str, Expression] = {}
    warnings = []
    for path in paths:
        data = _read(name, path)
        said = Provenance.read(data).normalisation
        if said != normalisation:
            warnings.append(
                f"{path.name} of {name} is in {said or 'an unknown scaling'} and not in "
                f"{normalisation}: correlations can be compared, MSE and MAE cannot."
            )
        parts = {each.name: part for each in sections if (part := _of(data, each)) is not None}
        if "section" not in data.obs and len(parts) > 1:
            raise SettingsError(
                f"{path} of {name} fits the sections {' and '.join(parts)} alike; say which it is "
                'in a column obs["section"].'
            )
        for section in sections:
            if section.name in parts:
                part = parts[section.name]
                found[section.name] = _aligned(name, path, part, section, genes)
    lacking = [each.name for each in sections if each.name not in found]
    if lacking:
        raise SettingsError(
            f"The predictions of {name} do not hold the spots of the section {lacking[0]}; spots "
            'are matched by barcode, and sections by obs["section"] where the file has that column.'
        )
    known = {gene for data in found.values() for gene in _known(data, genes)}
    if len(known) < len(genes):
        warnings.append(
            f"{name} predicts {len(known):,} of the {len(genes):,} genes; it is scored on these."
        )
    return found, tuple(warnings)


def _read(name: str, path: Path) -> anndata.AnnData:
    if not path.is_file():
        raise SettingsError(f"There is no file {path} with predictions of {name}; check the path.")
    return read_anndata(path, SettingsError)


def _of(data: anndata.AnnData, section: Section) -> anndata.AnnData | None:
    if "section" in data.obs:
        part = data[data.obs["section"].astype(str).to_numpy() == section.name]
        return part if part.n_obs else None
    rows = data.obs_names.get_indexer(section.spots.obs_names)
    if (rows < 0).any():
        return None
    if has_positions(data):
        apart = positions(data)[rows] - positions(section.spots)
        if np.abs(apart).max() > SAME_PX:
            return None
    return data


def _aligned(
    name: str, path: Path, part: anndata.AnnData, section: Section, genes: Sequence[str]
) -> Expression:
    names = part.obs["barcode"].astype(str) if "barcode" in part.obs else part.obs_names
    wanted = section.spots.obs_names
    rows = pd.Index(names).get_indexer(wanted)
    if (rows < 0).any():
        raise SettingsError(
            f"{path} of {name} lacks {int((rows < 0).sum()):,} of the {len(wanted):,} spots of the "
            f"section {section.name}, {wanted[int(np.argmax(rows < 0))]} the first; predict all."
        )
    columns = part.var_names.get_indexer(list(genes))
    x = part.X.toarray() if sparse.issparse(part.X) else np.asarray(part.X)
    out = np.full((len(wanted), len(genes)), np.nan, dtype=np.float32)
    out[:, columns >= 0] = x[rows][:, columns[columns >= 0]]
    return out


def _known(predicted: Expression, genes: Sequence[str]) -> list[str]:
    there = np.asarray(np.isfinite(predicted).all(axis=0)).tolist()
    return [gene for gene, known in zip(genes, there, strict=True) if known]
