"""All methods on all folds: the evaluation itself."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from .. import __version__
from ..cohort.fingerprints import counts_digest, slide_digest
from ..cohort.section import Section
from ..errors import SettingsError
from ..inference.device import Device, pick_device
from ..model.normalisation import UNITS
from ..progress import CancelToken, Progress, ProgressCallback
from ..spots.schema import POSITIONS
from ..training.data import add_features, add_patches, prepare
from ..training.initialise import median_scale, start
from ..training.presets import differences
from ..training.settings import TrainSettings
from .baselines import BASELINES, Expression
from .evaluation_result import OURS, Evaluation, Fold
from .external_predictions import read_external
from .folds import By, make_folds, patients_on_both_sides
from .metrics import gene_metrics
from .noise_ceiling import noise_ceiling
from .prepared_sections import Prepared, domain_labels, raw_counts
from .structure import structure_row
from .summaries import CEILING, ceiling_statistics, section_statistics, verdicts, with_intervals
from .trained_methods import BLEEP, WITHOUT_ATTENTION, contrastive, stnet

PACKAGES = ("torch", "torchvision", "lightning-fabric", "scikit-learn", "numpy", "anndata")
Predictions = dict[str, dict[str, Expression]]  # by method, then by section


def evaluate(
    sections: Sequence[Section],
    settings: Sequence[TrainSettings],
    *,
    by: By = "section",
    folds: Sequence[Fold] | None = None,
    heads: bool = True,
    ours: Mapping[str, Expression] | None = None,
    external: Mapping[str, Sequence[Path]] | None = None,
    device: str = "auto",
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Leave sections or patients out in turn, and score every method on the same ground.

    Parameters
    ----------
    sections
        With raw counts of every gene.
    settings
        Of the method, one for each row of it in the table; genes and normalisation are the first
        one's for all, and the baselines read the features that its encoder starts with.
    by
        ``"section"``, or ``"patient"``, which is harder and closer to use on a new patient.
    folds
        Other folds than those.
    heads
        Whether ST-Net, BLEEP and the method without attention are trained too.
    ours
        The method's predictions of each tested section, where it was trained already.
    external
        Files with predictions of other programs, by their names.
    device
        ``"auto"``, ``"cuda"``, ``"mps"`` or ``"cpu"``.
    progress, cancel
        What reports, and what ends the work within a second.

    Raises
    ------
    SettingsError
        If nothing can be held out, one section is there twice, or sections lack counts or genes.
    Cancelled
        If `cancel` was set.
    """
    cancel = cancel or CancelToken()
    folds = tuple(folds) if folds is not None else make_folds(sections, by)
    where = pick_device(device)
    settings = _on_one_ground(sections, settings)
    genes, normalisation = settings[0].genes, settings[0].normalisation
    held_out = [each for each in sections if any(each.name in fold.tested for fold in folds)]
    warnings = _warnings(sections, folds, by)
    given: Predictions = {}  # read first: a file that does not fit shall not cost hours
    for name, paths in (external or {}).items():
        given[name], said = read_external(name, paths, held_out, genes, normalisation)
        warnings += said
    prepared = _prepare(sections, settings, where, progress, cancel)
    methods = _methods(settings if ours is None else (), settings[0], heads, where, cancel)
    for name in given:
        if name in methods or name == OURS:
            raise SettingsError(f"--external {name} has the name of a method; choose another.")
    predictions: Predictions = {} if ours is None else {OURS: dict(ours)}
    predictions |= {name: {} for name in methods} | given
    for number, fold in enumerate(folds):
        train = [each for each in prepared if each.name in fold.trained_on]
        test = [each for each in prepared if each.name in fold.tested]
        for turn, (name, predict) in enumerate(methods.items()):
            cancel.raise_if_cancelled()
            if progress is not None:
                done = number * len(methods) + turn
                what = f"Without {fold.name}: {name}"
                progress(Progress(done, len(folds) * len(methods), what, unit="runs"))
            for each, predicted in zip(test, predict(train, test), strict=True):
                predictions[name][each.name] = predicted
    tested = [each for each in prepared if any(each.name in fold.tested for fold in folds)]
    return _assemble(tested, folds, by, settings, predictions, sections, warnings)


def _on_one_ground(
    sections: Sequence[Section], settings: Sequence[TrainSettings]
) -> tuple[TrainSettings, ...]:
    """Give all settings the same genes, scaling and field of view."""
    first = settings[0]
    scale = first.um_per_px or median_scale(sections)
    return tuple(
        dataclasses.replace(
            each, genes=first.genes, normalisation=first.normalisation, um_per_px=scale
        )
        for each in settings
    )


def _prepare(
    sections: Sequence[Section],
    settings: Sequence[TrainSettings],
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> list[Prepared]:
    prepared: list[Prepared] = []
    for each in settings:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(each.seed)
            config, module = start(sections, each)
        training_sections = prepare(sections, config)
        module.to(device.torch)
        if each.freeze_encoder or not prepared:
            add_features(training_sections, module, config, device, progress, cancel)
        if not prepared:
            prepared = [
                Prepared(
                    part.section,
                    part.expression.numpy(),
                    _known(part.features),
                    *raw_counts(part.section, each.genes),
                    {},
                    domain_labels(part.section),
                )
                for part in training_sections
            ]
        if not each.freeze_encoder:
            for part in training_sections:
                part.features = None
            add_patches(training_sections, config, progress, cancel)
        for one, part in zip(prepared, training_sections, strict=True):
            one.training_sections[each.preset] = part
    return prepared


def _known(features: torch.Tensor | None) -> NDArray[np.float32]:
    assert features is not None
    values: NDArray[np.float32] = features.numpy()
    return values


FoldMethod = Callable[[Sequence[Prepared], Sequence[Prepared]], list[Expression]]


def _methods(
    settings: Sequence[TrainSettings],
    first: TrainSettings,
    heads: bool,
    device: Device,
    cancel: CancelToken,
) -> dict[str, FoldMethod]:
    def trained(each: TrainSettings) -> FoldMethod:
        return lambda train, test: contrastive(train, test, each, device, None, cancel)

    out: dict[str, FoldMethod] = {}
    for each in settings:
        out[OURS if len(settings) == 1 else f"{OURS} ({each.preset})"] = trained(each)
    if heads:
        without = dataclasses.replace(first, **WITHOUT_ATTENTION)  # type: ignore[arg-type]
        out[f"{OURS} without attention and positions"] = trained(without)
        out["BLEEP"] = trained(dataclasses.replace(first, **BLEEP))  # type: ignore[arg-type]
        out["ST-Net"] = lambda train, test: stnet(train, test, first, device, cancel)
    for name, predict in BASELINES.items():
        out[name] = lambda train, test, predict=predict: [  # type: ignore[misc]
            predict(train, each) for each in test
        ]
    return out


def _warnings(sections: Sequence[Section], folds: Sequence[Fold], by: By) -> tuple[str, ...]:
    said = []
    both = patients_on_both_sides(sections, folds)
    if both:
        said.append(
            f"Sections of the patient{'s' if len(both) > 1 else ''} {', '.join(both)} were learned "
            "from while others of the same were tested, which flatters every method; "
            "--by patient is the honest test for a new patient."
        )
    if len(folds) < 3:
        said.append(
            f"Only {len(folds)} fold{'s' if len(folds) > 1 else ''}: the intervals mean little."
        )
    return tuple(said)


def _assemble(
    tested: Sequence[Prepared],
    folds: tuple[Fold, ...],
    by: By,
    settings: Sequence[TrainSettings],
    predictions: Predictions,
    sections: Sequence[Section],
    warnings: tuple[str, ...],
) -> Evaluation:
    genes, normalisation = settings[0].genes, settings[0].normalisation
    ceilings = {each.name: _ceiling_table(each, genes, normalisation) for each in tested}
    metrics, structure, per_section = [], [], {}
    for method, by_section in predictions.items():
        rows = {}
        for each in tested:
            predicted = by_section[each.name]
            table = gene_metrics(predicted, each.expression)
            table.insert(0, "method", method)
            table.insert(1, "section", each.name)
            table.insert(2, "patient", each.section.patient)
            table.insert(3, "gene", list(genes))
            table.insert(4, "n_spots", len(each.expression))
            metrics.append(table)
            rows[each.name] = section_statistics(table, each.expression, ceilings[each.name])
            kept = structure_row(predicted, each.expression, each.xy, each.labels)
            structure.append({"method": method, "section": each.name, **kept})
        per_section[method] = pd.DataFrame.from_dict(rows, orient="index")
    limits = {e.name: ceiling_statistics(ceilings[e.name], e.expression) for e in tested}
    summary = with_intervals(
        {**per_section, CEILING: pd.DataFrame.from_dict(limits, orient="index")}
    )
    judged = pd.concat(ceilings.values(), ignore_index=True)
    unmeasurable = int((~judged.groupby("gene")["measurable"].any()).sum())
    first = next(iter(predictions))
    return Evaluation(
        by=by,
        unit=UNITS[normalisation],
        methods=tuple(predictions),
        folds=folds,
        metrics=pd.concat(metrics, ignore_index=True),
        ceilings=judged,
        summary=summary,
        structure=pd.DataFrame(structure),
        maps={e.name: _map(e, predictions[first][e.name], genes) for e in tested},
        settings=_settings(settings, by),
        versions={
            "napari-mclstexp": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
        checksums={
            each.name: {"slide": slide_digest(each), "counts": counts_digest(each)}
            for each in sections
        },
        warnings=warnings,
        verdicts=verdicts(per_section, list(BASELINES), unmeasurable, len(genes)),
    )


def _ceiling_table(each: Prepared, genes: Sequence[str], normalisation: str) -> pd.DataFrame:
    ceiling = noise_ceiling(each.counts, each.totals, normalisation)  # type: ignore[arg-type]
    return pd.DataFrame(
        {
            "section": each.name,
            "gene": list(genes),
            "mean_count": np.asarray(each.counts.mean(axis=0)).ravel(),
            "mean_expression": each.expression.mean(axis=0),
            "variance": each.expression.var(axis=0),
            "ceiling": ceiling.value,
            "ceiling_low": ceiling.low,
            "ceiling_high": ceiling.high,
            "measurable": ceiling.measurable,
        }
    )


def _map(each: Prepared, predicted: Expression, genes: Sequence[str]) -> anndata.AnnData:
    return anndata.AnnData(
        X=predicted,
        obs=each.section.spots.obs[["array_row", "array_col"]].copy(),
        var=pd.DataFrame(index=list(genes)),
        layers={"measured": each.expression},
        obsm={POSITIONS: each.xy},
    )


def _settings(settings: Sequence[TrainSettings], by: By) -> dict[str, str]:
    said = {"leave one out by": by, "genes": f"{len(settings[0].genes):,}"}
    for each in settings:
        for name, value in differences(each).items():
            key = name if len(settings) == 1 else f"{each.preset}: {name}"
            said[key] = str(value)
    return said
