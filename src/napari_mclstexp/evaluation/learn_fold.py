"""All methods on one fold: the same wherever the fold is learned."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..cohort.section import Section
from ..inference.device import Device
from ..model.normalisation import measured_expression
from ..progress import CancelToken, ProgressCallback
from ..training.data import add_features, add_patches, prepare
from ..training.initialise import start
from ..training.map_features import add_map_features
from ..training.settings import TrainSettings
from .baselines import BASELINES
from .evaluation_result import OURS, Fold
from .fold_prediction import Expression, FoldPrediction, as_prediction
from .map_methods import MapHeads
from .prepared_sections import Prepared, domain_labels, raw_counts
from .trained_methods import BLEEP, WITHOUT_ATTENTION, contrastive, stnet

Predictions = dict[str, dict[str, FoldPrediction]]  # by method, then by section
Sides = tuple[tuple[str, ...], tuple[str, ...]]  # what a fold tests, and what it learns from
# Learned sections and tested sections in; a prediction of each tested section out.
FoldMethod = Callable[
    [Sequence[Prepared], Sequence[Prepared]], Sequence[Expression] | Sequence[FoldPrediction]
]


def sides_of(fold: Fold) -> Sides:
    """Return what tells a fold from others, whatever it is called."""
    return fold.tested, fold.trained_on


@dataclass(frozen=True)
class FoldPlan:
    """What is done with every fold.

    Attributes
    ----------
    settings
        Of the method, one for each row of it.
    trained
        Whether the method is trained; else its predictions are known already.
    heads
        Whether the methods compared with are trained too.
    chosen_by_fold
        Whether each fold has genes of its own.
    device, backend
        As `pick_device` takes them.
    """

    settings: tuple[TrainSettings, ...]
    trained: bool
    heads: bool
    chosen_by_fold: bool
    device: str = "auto"
    backend: str = "auto"

    def ground(self, prepared: Sequence[Prepared], genes: tuple[str, ...]) -> Sequence[Prepared]:
        """Return the sections with the genes of a fold."""
        if not self.chosen_by_fold:
            return prepared
        return [each.of_genes(genes, self.settings[0].normalisation) for each in prepared]


def learn_fold(
    plan: FoldPlan,
    ground: Sequence[Prepared],
    fold: Fold,
    genes: tuple[str, ...],
    device: Device,
    tell: Callable[[int, int, str], None],
    cancel: CancelToken,
) -> Predictions:
    """Have every method learn from a fold's sections and predict those that it tests.

    Parameters
    ----------
    plan
        What is done.
    ground
        Sections with the fold's genes, of which it takes its own.
    fold, genes
        Who is on either side, and the G genes.
    device
        Where.
    tell
        Called before each method with its number, how many there are, and its name.
    cancel
        Ends it.
    """
    train = [each for each in ground if each.name in fold.trained_on]
    test = [each for each in ground if each.name in fold.tested]
    own = [dataclasses.replace(each, genes=genes) for each in plan.settings]
    methods = methods_of(own if plan.trained else (), own[0], plan.heads, device, cancel)
    predictions: Predictions = {}
    for turn, (name, predict) in enumerate(methods.items()):
        cancel.raise_if_cancelled()
        tell(turn, len(methods), name)
        made = map(as_prediction, predict(train, test))
        predictions[name] = {e.name: each for e, each in zip(test, made, strict=True)}
    return predictions


def to_compare_with(
    sections: Sequence[Section], settings: Sequence[TrainSettings]
) -> list[Prepared]:
    """Return sections as scores need them: what was measured, and nothing of the pictures."""
    first = settings[0]
    return [
        Prepared(
            each,
            measured_expression(each.spots, first.genes, first.normalisation),
            np.zeros((each.spots.n_obs, 0), dtype=np.float32),
            *raw_counts(each, first.genes),
            {},
            domain_labels(each),
        )
        for each in sections
    ]


def prepare_sections(
    sections: Sequence[Section],
    settings: Sequence[TrainSettings],
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> list[Prepared]:
    """Compute what all methods read of sections, once for all folds."""
    prepared: list[Prepared] = []
    for each in settings:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(each.seed)
            config, module = start(sections, each)
        training_sections = prepare(sections, config)
        module.to(device.torch)
        seen = config.feature_map is not None
        if seen:
            add_map_features(training_sections, module, config, device, progress, cancel)
        if (each.freeze_encoder and not seen) or not prepared:
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
        if not each.freeze_encoder and not seen:
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


def methods_of(
    settings: Sequence[TrainSettings],
    first: TrainSettings,
    heads: bool,
    device: Device,
    cancel: CancelToken,
) -> dict[str, FoldMethod]:
    """Return every method by its name, in the order of the table.

    Parameters
    ----------
    settings
        Of the method; none where it was trained already.
    first
        Whose encoder and training the methods compared with have.
    heads
        Whether ST-Net, BLEEP and the method without attention are among them.
    device, cancel
        Where, and what ends it.
    """

    def trained(each: TrainSettings) -> FoldMethod:
        return lambda train, test: contrastive(train, test, each, device, None, cancel)

    out: dict[str, FoldMethod] = {}
    for each in settings:
        name = OURS if len(settings) == 1 else f"{OURS} ({each.preset})"
        if each.features == "patches":
            out[name] = trained(each)
            continue
        on_map = MapHeads(each, device, cancel)
        every = {"linear": on_map.linear, "contrastive": on_map.contrastive, "blend": on_map.blend}
        out[name] = every.pop(each.head)
        if heads:
            out |= {f"{each_head} head on the map": made for each_head, made in every.items()}
            out["retrieval by programs"] = on_map.by_programs
    if heads:
        if first.features == "map":  # patches are then seen by the encoder as it stands
            first = dataclasses.replace(
                first, features="patches", head="contrastive", freeze_encoder=True
            )
            if settings:
                out[f"{OURS} on patches"] = trained(first)
        without = dataclasses.replace(first, **WITHOUT_ATTENTION)  # type: ignore[arg-type]
        out[f"{OURS} without attention and positions"] = trained(without)
        out["BLEEP"] = trained(dataclasses.replace(first, **BLEEP))  # type: ignore[arg-type]
        out["ST-Net"] = lambda train, test: stnet(train, test, first, device, cancel)
    for name, predict in BASELINES.items():
        out[name] = lambda train, test, predict=predict: [  # type: ignore[misc]
            predict(train, each) for each in test
        ]
    return out
