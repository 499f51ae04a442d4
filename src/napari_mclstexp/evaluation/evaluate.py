"""All methods on all folds of all protocols: the evaluation itself."""

from __future__ import annotations

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..cohort.fingerprints import counts_digest, slide_digest
from ..cohort.section import Section
from ..errors import SettingsError
from ..inference.device import pick_device
from ..model.normalisation import UNITS
from ..progress import CancelToken, Progress, ProgressCallback
from ..training.initialise import median_scale
from ..training.presets import differences
from ..training.settings import TrainSettings
from .evaluation_result import OURS, By, Evaluation, Fold
from .external_predictions import read_external
from .fold_genes import genes_of_fold
from .fold_prediction import Expression, FoldPrediction
from .fold_workers import learn_on_workers
from .folds import Choice, make_protocols, warnings_about
from .learn_fold import (
    FoldPlan,
    Predictions,
    Sides,
    learn_fold,
    methods_of,
    prepare_sections,
    sides_of,
    to_compare_with,
)
from .prepared_sections import Prepared
from .score_protocol import Truth, score_protocol, truth_of
from .summaries import unmeasurable, verdicts

if TYPE_CHECKING:
    from distributed import Client

PACKAGES = ("torch", "torchvision", "lightning-fabric", "scikit-learn", "numpy", "anndata")


def evaluate(
    sections: Sequence[Section],
    settings: Sequence[TrainSettings],
    *,
    by: Choice = "auto",
    folds: Sequence[Fold] | None = None,
    hvg: int | None = None,
    heads: bool = True,
    ours: Mapping[str, Expression] | None = None,
    external: Mapping[str, Sequence[Path]] | None = None,
    device: str = "auto",
    backend: str = "auto",
    client: Client | None = None,
    scratch: Path | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> Evaluation:
    """Leave patients and sections out in turn, and score every method on the same ground.

    Parameters
    ----------
    sections
        With raw counts of every gene.
    settings
        Of the method, one for each row of it in the table; genes and normalisation are the first
        one's for all, and the baselines read the features that its encoder starts with.
    by
        ``"section"``; ``"patient"``, which is harder and closer to use on a new patient;
        ``"both"``; or ``"auto"``: both where there are several patients, else by section.
        Features are computed once, and a fold that both have in common is run once.
    folds
        Other folds than those, shown as folds by section unless `by` says by patient.
    hvg
        Choose so many of the most variable genes of each section in every fold anew, from the
        sections that it learns from, instead of the settings' genes.
    heads
        Whether ST-Net, BLEEP and the method without attention are trained too.
    ours
        The method's predictions of each tested section, where it was trained already.
    external
        Files with predictions of other programs, by their names.
    device
        ``"auto"``, ``"cuda"``, ``"mps"`` or ``"cpu"``.
    backend
        What runs a frozen encoder: ``"auto"``, ``"torch"`` or ``"openvino"``; see `predict`.
    client
        Of a dask scheduler: its workers take a fold each. They must see the slides and `scratch`.
    scratch
        With a client: a folder in which workers leave what they predict. Folds that are there
        already are not done again.
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
    protocols: dict[By, tuple[Fold, ...]]
    if folds is None:
        protocols = make_protocols(sections, by)
    else:
        protocols = {"patient" if by == "patient" else "section": tuple(folds)}
    where = pick_device(device, backend)
    # A fold that several protocols have in common is run once.
    runs = {sides_of(fold): fold for every in protocols.values() for fold in every}
    genes = {
        sides: settings[0].genes if hvg is None else genes_of_fold(sections, fold, hvg)
        for sides, fold in runs.items()
    }
    union = tuple(dict.fromkeys(gene for each in genes.values() for gene in each))
    settings = _on_one_ground(sections, settings, union)
    trained = settings if ours is None else ()
    normalisation = settings[0].normalisation
    tested = {name for fold in runs.values() for name in fold.tested}
    held_out = [each for each in sections if each.name in tested]
    warnings = warnings_about(sections, protocols)
    taken = {OURS, *methods_of(trained, settings[0], heads, where, cancel)}
    given: dict[str, Mapping[str, Expression]] = {}
    for name, paths in (external or {}).items():  # first: a bad file shall not cost hours
        if name in taken:
            raise SettingsError(f"--external {name} has the name of a method; choose another.")
        given[name], said = read_external(name, paths, held_out, union, normalisation)
        warnings += said if len(protocols) == 1 else (*said, _same_in_every_table(name))
    plan = FoldPlan(settings, bool(trained), heads, hvg is not None, device, backend)
    learned: Mapping[Sides, Predictions] | None = None
    if client is None:
        prepared = prepare_sections(sections, settings, where, progress, cancel)
    else:
        if scratch is None:
            raise SettingsError("Say in which folder workers leave their predictions (scratch).")
        prepared = to_compare_with(sections, settings)
        learned = learn_on_workers(
            client, sections, plan, list(runs.values()), genes, scratch, progress, cancel
        )
    scored: dict[Sides, tuple[list[Truth], Predictions]] = {}
    for number, (sides, fold) in enumerate(runs.items()):
        ground = plan.ground(prepared, genes[sides])
        test = [each for each in ground if each.name in fold.tested]
        predictions: Predictions = {} if ours is None else {OURS: _of(test, ours)}
        if learned is not None:
            predictions |= learned[sides]
        else:
            step = partial(_tell, progress, number, len(runs), fold)
            predictions |= learn_fold(plan, ground, fold, genes[sides], where, step, cancel)
        columns = np.array([union.index(gene) for gene in genes[sides]], dtype=np.int64)
        for name, every in given.items():
            predictions[name] = {
                section: each.of_genes(columns) for section, each in _of(test, every).items()
            }
        scored[sides] = [truth_of(each, genes[sides], normalisation) for each in test], predictions
    return _assemble(protocols, scored, settings, sections, hvg, warnings)


def _tell(
    progress: ProgressCallback | None,
    number: int,
    folds: int,
    fold: Fold,
    turn: int,
    methods: int,
    name: str,
) -> None:
    if progress is not None:
        what = f"Without {', '.join(fold.tested)}: {name}"
        progress(Progress(number * methods + turn, folds * methods, what, unit="runs"))


def _of(test: Sequence[Prepared], known: Mapping[str, Expression]) -> dict[str, FoldPrediction]:
    return {each.name: FoldPrediction(known[each.name]) for each in test}


def _same_in_every_table(name: str) -> str:
    return (
        f"The predictions of {name} are the same in every table; they are patients apart only if "
        "no section of a tested patient was learned from."
    )


def _on_one_ground(
    sections: Sequence[Section], settings: Sequence[TrainSettings], genes: tuple[str, ...]
) -> tuple[TrainSettings, ...]:
    """Give all settings the same genes, scaling and field of view."""
    first = settings[0]
    scale = first.um_per_px or median_scale(sections)
    return tuple(
        dataclasses.replace(each, genes=genes, normalisation=first.normalisation, um_per_px=scale)
        for each in settings
    )


def _assemble(
    protocols: Mapping[By, Sequence[Fold]],
    scored: Mapping[Sides, tuple[list[Truth], Predictions]],
    settings: Sequence[TrainSettings],
    sections: Sequence[Section],
    hvg: int | None,
    warnings: tuple[str, ...],
) -> Evaluation:
    results = []
    for by, folds in protocols.items():
        truths: dict[str, Truth] = {}
        predictions: Predictions = {}
        for fold in folds:
            known, made = scored[sides_of(fold)]
            truths |= {each.prepared.name: each for each in known}
            for method, by_section in made.items():
                predictions.setdefault(method, {}).update(by_section)
        in_order = {each.name: truths[each.name] for each in sections if each.name in truths}
        results.append(score_protocol(by, folds, in_order, predictions))
    silent = unmeasurable([each.ceilings for each in results])
    genes = {gene for each in results for gene in each.ceilings["gene"]}
    verdict = [said for each in results for said in verdicts(each.differences, each.by)]
    if silent:
        verdict.append(
            f"{len(silent):,} of the {len(genes):,} genes are not measurable here in any section: "
            "the counts are too few for any predictor to be judged on them."
        )
    return Evaluation(
        unit=UNITS[settings[0].normalisation],
        methods=tuple(predictions),
        protocols=tuple(results),
        settings=_settings(settings, list(protocols), hvg),
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
        verdicts=tuple(verdict),
    )


def _settings(
    settings: Sequence[TrainSettings], protocols: Sequence[By], hvg: int | None
) -> dict[str, str]:
    genes = f"{len(settings[0].genes):,}"
    if hvg is not None:
        genes += f" in all; {hvg:,} a section, chosen in each fold from what it learns from"
    said = {"leave one out by": ", ".join(protocols), "genes": genes}
    for each in settings:
        for name, value in differences(each).items():
            key = name if len(settings) == 1 else f"{each.preset}: {name}"
            said[key] = str(value)
    return said
