"""Why a spot has the value it has: the reference spots that it is made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SettingsError
from ..spots.schema import SECTION_LEVEL, Provenance

if TYPE_CHECKING:
    from anndata import AnnData
    from numpy.typing import NDArray

    from ..model import Model


@dataclass(frozen=True, eq=False)
class RetrievedSpot:
    """One reference spot that a value is made of.

    Attributes
    ----------
    section, barcode
        Which spot of which training section it is.
    similarity
        Cosine similarity to the spot that is explained: of its expression's projection to the
        patch's, or of both codes where the head is linear.
    weight
        Its share of the value: of all that was retrieved, where the weights sum to 1; of all that
        raised or lowered the value, where the head is linear.
    adds
        What it adds to the value, in the model's unit; below 0 where it lowers it.
    measured
        What was measured there, in the model's unit.
    thumbnail
        A small JPEG of its patch; empty where the bank keeps none.
    """

    section: str
    barcode: str
    similarity: float
    weight: float
    adds: float
    measured: float
    thumbnail: bytes


@dataclass(frozen=True, eq=False)
class Evidence:
    """All reference spots that a gene's value at one spot is made of, the weightiest first.

    Attributes
    ----------
    spot, gene
        Whose value is explained.
    head
        What the value was read with: ``"contrastive"``, ``"linear"`` or ``"blend"``.
    value
        The predicted value: `base` and all that the spots add.
    base
        What the value would be without them: 0 where it is a mean of the retrieved, the gene's
        level on this slide where spots raise and lower it (the mean of the reference spots that
        look like its tissue; of models of earlier versions, the mean over training sections).
    spread
        Weighted standard deviation of what was measured at them, in the same unit.
    agreement
        Share of the gene's variance over the whole bank that these spots do not have among
        themselves: 1 where all say the same, 0 or below where they differ like spots at random.
        NaN where spots raise and lower the value, which is no mean of theirs.
    retrieved
        The spots.
    """

    spot: str
    gene: str
    head: str
    value: float
    base: float
    spread: float
    agreement: float
    retrieved: tuple[RetrievedSpot, ...]

    @property
    def raising(self) -> tuple[RetrievedSpot, ...]:
        """The spots that raised the value, the strongest first."""
        raising = (each for each in self.retrieved if each.adds > 0)
        return tuple(sorted(raising, key=lambda each: -each.adds))

    @property
    def lowering(self) -> tuple[RetrievedSpot, ...]:
        """The spots that lowered the value, the strongest first."""
        lowering = (each for each in self.retrieved if each.adds < 0)
        return tuple(sorted(lowering, key=lambda each: each.adds))

    def sentence(self) -> str:
        """Return of what the value is made, in words that are true for the head."""
        if self.head == "contrastive":
            return f"A weighted mean of {len(self.retrieved):,} retrieved reference spots."
        raised = sum(each.adds for each in self.raising)
        lowered = -sum(each.adds for each in self.lowering)
        what = (
            f"A weighted sum of {len(self.retrieved):,} reference spots"
            if self.head == "linear"
            else "The mean of a retrieval and of a linear head, together a weighted sum of "
            f"{len(self.retrieved):,} reference spots"
        )
        base = "the gene's level" if self.head == "linear" else "half of the gene's level"
        return (
            f"{what}: base {self.base:.3f} ({base} on this slide), raised by "
            f"{raised:.3f}, lowered by {lowered:.3f}, makes {self.value:.3f}."
        )


def evidence(model: Model, prediction: AnnData, spot: str, gene: str) -> Evidence:
    """Show of what reference spots a predicted value is made, for one gene at one spot.

    Parameters
    ----------
    model
        That made the prediction.
    prediction
        As `predict` gave it, with its projections.
    spot, gene
        Names in ``obs`` and ``var``.

    Raises
    ------
    SettingsError
        If the prediction is another model's, or has no such spot or gene.
    """
    made = Provenance.read(prediction)
    if not model.made(made.model_id or "") or "X_mclstexp" not in prediction.obsm:
        raise SettingsError(
            f"The prediction was made by another model ({made.model_name or 'not said'}) "
            f"than {model.config.name}, so its reference spots are not known; choose that model."
        )
    if spot not in prediction.obs_names:
        raise SettingsError(f"The prediction has no spot {spot}.")
    if gene not in model.config.genes:
        raise SettingsError(f"The model does not know the gene {gene}.")
    row, column = prediction.obs_names.get_loc(spot), model.config.genes.index(gene)
    place = np.asarray(prediction.obsm["X_mclstexp"], dtype=np.float32)[row]
    if model.config.head == "contrastive":
        return _of_retrieval(model, spot, gene, column, place)
    codes = place
    if model.config.head == "blend":
        codes = np.asarray(prediction.obsm["X_codes"], dtype=np.float32)[row]
    assert model.linear is not None
    base = float(model.linear.head.mean[column])
    if SECTION_LEVEL in prediction.var and gene in prediction.var_names:
        base = float(prediction.var[SECTION_LEVEL][gene])
    linear = _of_linear_head(model, spot, gene, column, codes, base)
    if model.config.head == "linear":
        return linear
    return _blended(linear, _of_retrieval(model, spot, gene, column, place))


def _of_retrieval(
    model: Model, spot: str, gene: str, column: int, place: NDArray[np.float32]
) -> Evidence:
    import torch

    from ..model.retrieval import find_retrieved

    found = find_retrieved(
        torch.from_numpy(place[None]),
        torch.from_numpy(model.bank.embedding),
        k=model.config.retrieval.k,
        distance=model.config.retrieval.distance,
    )
    who, weight, similarity = found.indices[0], found.weights[0], found.cosine[0]
    every = model.bank.expression[:, column]
    measured = every[who]
    value = float((weight * measured).sum(dtype=np.float64))
    variance = float((weight * (measured - value) ** 2).sum(dtype=np.float64))
    whole = float(every.var(dtype=np.float64))
    retrieved = tuple(
        _spot(model, int(who[i]), column, similarity[i], weight[i], weight[i] * measured[i])
        for i in np.argsort(-weight, kind="stable")
    )
    agreement = 1 - variance / whole if whole else 1.0
    spread = float(np.sqrt(variance))
    return Evidence(spot, gene, "contrastive", value, 0.0, spread, agreement, retrieved)


def _of_linear_head(
    model: Model, spot: str, gene: str, column: int, codes: NDArray[np.float32], base: float
) -> Evidence:
    """Write the value as the weighted sum that every ridge is: all reference spots take part."""
    bank = model.bank
    adds = model.contributions(codes, column)
    weight = np.abs(adds) / max(float(np.abs(adds).sum()), np.finfo(np.float64).tiny)
    known = bank.linear_codes.astype(np.float64)
    lengths = np.linalg.norm(known, axis=1) * np.linalg.norm(codes)
    similarity = known @ codes / np.maximum(lengths, np.finfo(np.float64).tiny)
    measured = bank.expression[:, column]
    middle = float(weight @ measured)
    spread = float(np.sqrt(weight @ (measured - middle) ** 2))
    retrieved = tuple(
        _spot(model, int(i), column, similarity[i], weight[i], adds[i])
        for i in np.argsort(-weight, kind="stable")
    )
    value = base + float(adds.sum())
    return Evidence(spot, gene, "linear", value, base, spread, float("nan"), retrieved)


def _blended(linear: Evidence, retrieval: Evidence) -> Evidence:
    """Return the evidence of the mean of both."""
    both: dict[tuple[str, str], RetrievedSpot] = {}
    for part in (linear, retrieval):
        for each in part.retrieved:
            known = both.get((each.section, each.barcode))
            adds = each.adds / 2 + (0 if known is None else known.adds)
            both[each.section, each.barcode] = replace(each, adds=adds)
    total = sum(abs(each.adds) for each in both.values()) or 1.0
    weighed = [replace(each, weight=abs(each.adds) / total) for each in both.values()]
    return replace(
        linear,
        head="blend",
        value=(linear.value + retrieval.value) / 2,
        base=linear.base / 2,
        retrieved=tuple(sorted(weighed, key=lambda each: -each.weight)),
    )


def _spot(
    model: Model, i: int, column: int, similarity: float, weight: float, adds: float
) -> RetrievedSpot:
    bank = model.bank
    return RetrievedSpot(
        str(bank.section[i]),
        str(bank.barcode[i]),
        float(similarity),
        float(weight),
        float(adds),
        float(bank.expression[i, column]),
        bank.thumbnails[i] if bank.thumbnails else b"",
    )


def retrieved_by_section(found: Evidence) -> dict[str, float]:
    """Return how much of the weight each training section has, the weightiest first."""
    shares: dict[str, float] = {}
    for each in found.retrieved:
        shares[each.section] = shares.get(each.section, 0.0) + each.weight
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
