"""The predictions of all methods on the folds of a protocol, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..model.normalisation import Normalisation
from ..spots.schema import POSITIONS
from .baselines import BASELINES
from .block_bootstrap import pcc_draws, spatial_blocks
from .coverage import COLUMNS, gene_groups, uncertainty_rows
from .evaluation_result import By, Fold, ProtocolResult
from .fold_prediction import FoldPrediction
from .metrics import gene_metrics
from .noise_ceiling import noise_ceiling
from .pearson_residuals import pearson_residuals
from .prepared_sections import Prepared
from .structure import structure_row
from .summaries import (
    ALL,
    CEILING,
    EXPRESSED,
    MEASURED,
    MORAN,
    ceiling_statistics,
    differences_to_trivial,
    most_expressed,
    section_statistics,
    with_intervals,
)

Predictions = Mapping[str, Mapping[str, FoldPrediction]]  # by method, then by section


@dataclass(frozen=True, eq=False)
class Truth:
    """What a tested section's counts say of some genes, whoever predicts them.

    Attributes
    ----------
    prepared, genes
        The section with its expression of these genes.
    residuals
        (n, G) Pearson residuals of the counts.
    ceiling
        A row for each gene, as ``ceilings`` has them.
    blocks
        (n,) spatial block of each spot.
    """

    prepared: Prepared
    genes: tuple[str, ...]
    residuals: NDArray[np.float32]
    ceiling: pd.DataFrame
    blocks: NDArray[np.int64]


def truth_of(prepared: Prepared, genes: Sequence[str], normalisation: Normalisation) -> Truth:
    """Work out once what all methods and protocols are compared with."""
    ceiling = noise_ceiling(prepared.counts, prepared.totals, normalisation)
    table = pd.DataFrame(
        {
            "section": prepared.name,
            "gene": list(genes),
            "mean_count": np.asarray(prepared.counts.mean(axis=0)).ravel(),
            "mean_expression": prepared.expression.mean(axis=0),
            "variance": prepared.expression.var(axis=0),
            "ceiling": ceiling.value,
            "ceiling_low": ceiling.low,
            "ceiling_high": ceiling.high,
            "measurable": ceiling.measurable,
        }
    )
    residuals = pearson_residuals(prepared.counts, prepared.totals)
    return Truth(prepared, tuple(genes), residuals, table, spatial_blocks(prepared.xy))


def score_protocol(
    by: By,
    folds: Sequence[Fold],
    truths: Mapping[str, Truth],
    predictions: Predictions,
) -> ProtocolResult:
    """Score every method on every section that a protocol tests.

    Parameters
    ----------
    by, folds
        The protocol.
    truths
        Of each tested section, by its name.
    predictions
        By method and section; the maps are the first method's.
    """
    fold_of = {name: fold.name for fold in folds for name in fold.tested}
    tested = [truths[name] for name in truths if name in fold_of]
    metrics, structure, sections, uncertainty = [], [], [], []
    drawn: dict[str, dict[str, dict[str, NDArray[np.float64]]]] = {}
    per_section: dict[str, pd.DataFrame] = {}
    smooth: dict[str, dict[str, float]] = {}
    for method, by_section in predictions.items():
        rows: dict[str, dict[str, float]] = {}
        drawn[method] = {}
        for number, truth in enumerate(tested):
            each, prediction = truth.prepared, by_section[truth.prepared.name]
            predicted, name = prediction.expression, each.name
            table = gene_metrics(predicted, each.expression, truth.residuals)
            kept = structure_row(predicted, each.expression, each.xy, each.labels)
            rows[name] = section_statistics(table, each.expression, truth.ceiling, kept)
            smooth.setdefault(name, {MORAN: kept["moran_measured"]})
            top = most_expressed(table["pcc"].to_numpy(), each.expression)
            genes = {ALL: np.arange(len(truth.genes)), EXPRESSED: top}
            drawn[method][name] = pcc_draws(
                predicted, each.expression, truth.blocks, genes, seed=number
            )
            of = {"method": method, "section": name}
            structure.append({**of, **kept})
            patient = each.section.patient
            sections.append({**of, "fold": fold_of[name], "patient": patient, **rows[name]})
            groups = gene_groups(each.expression, each.counts)
            uncertainty.append(uncertainty_rows(prediction, each.expression, groups).assign(**of))
            about = {**of, "patient": patient, "gene": truth.genes, "n_spots": len(predicted)}
            metrics.append(pd.DataFrame({**about, **table}))
        per_section[method] = pd.DataFrame.from_dict(rows, orient="index")
    limits = {t.prepared.name: ceiling_statistics(t.ceiling, t.prepared.expression) for t in tested}
    first = next(iter(predictions.values()))
    return ProtocolResult(
        by=by,
        folds=tuple(folds),
        metrics=pd.concat(metrics, ignore_index=True),
        sections=pd.DataFrame(sections),
        summary=with_intervals(
            {
                **per_section,
                CEILING: pd.DataFrame.from_dict(limits, orient="index"),
                MEASURED: pd.DataFrame.from_dict(smooth, orient="index"),
            }
        ),
        differences=differences_to_trivial(per_section, drawn, list(BASELINES)),
        ceilings=pd.concat([t.ceiling for t in tested], ignore_index=True),
        structure=pd.DataFrame(structure),
        uncertainty=_united(uncertainty),
        maps={t.prepared.name: _map(t, first[t.prepared.name]) for t in tested},
    )


def _united(uncertainty: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = ["method", "section", *COLUMNS]
    found = [each[columns] for each in uncertainty if len(each)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)


def _map(truth: Truth, predicted: FoldPrediction) -> anndata.AnnData:
    of = truth.prepared
    return anndata.AnnData(
        X=predicted.expression,
        obs=of.section.spots.obs[["array_row", "array_col"]].copy(),
        var=pd.DataFrame(index=list(truth.genes)),
        layers={"measured": of.expression},
        obsm={POSITIONS: of.xy},
    )
