"""Why a spot has the value it has: the retrieved reference spots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import SettingsError
from ..spots.schema import Provenance

if TYPE_CHECKING:
    from anndata import AnnData

    from ..model import Model


@dataclass(frozen=True, eq=False)
class RetrievedSpot:
    """One retrieved reference spot.

    Attributes
    ----------
    section, barcode
        Which spot of which training section it is.
    similarity
        Cosine similarity of its expression's projection to the patch's.
    weight
        Its share of the value; all weights of a spot sum to 1.
    measured
        What was measured there, in the model's unit.
    thumbnail
        A small JPEG of its patch; empty where the bank keeps none.
    """

    section: str
    barcode: str
    similarity: float
    weight: float
    measured: float
    thumbnail: bytes


@dataclass(frozen=True, eq=False)
class Evidence:
    """All retrieved spots for one gene at one spot, the weightiest first.

    Attributes
    ----------
    spot, gene
        Whose value is explained.
    value
        The sum of the weights times what was measured: the predicted value.
    spread
        Weighted standard deviation of what was measured at them, in the same unit.
    agreement
        Share of the gene's variance over the whole bank that these spots do not have among
        themselves: 1 where all say the same, 0 or below where they differ like spots at random.
    retrieved
        The spots.
    """

    spot: str
    gene: str
    value: float
    spread: float
    agreement: float
    retrieved: tuple[RetrievedSpot, ...]


def evidence(model: Model, prediction: AnnData, spot: str, gene: str) -> Evidence:
    """Repeat the retrieval for one gene at one spot of a prediction.

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
    import torch

    from ..model.retrieval import find_retrieved

    made = Provenance.read(prediction)
    if not model.made(made.model_id or "") or "X_mclstexp" not in prediction.obsm:
        raise SettingsError(
            f"The prediction was made by another model ({made.model_name or 'not said'}) "
            f"than {model.config.name}, so its retrieved spots are not known; choose that model."
        )
    if spot not in prediction.obs_names:
        raise SettingsError(f"The prediction has no spot {spot}.")
    if gene not in model.config.genes:
        raise SettingsError(f"The model does not know the gene {gene}.")
    row = prediction.obs_names.get_loc(spot)
    query = np.asarray(prediction.obsm["X_mclstexp"], dtype=np.float32)[[row]]
    found = find_retrieved(
        torch.from_numpy(query),
        torch.from_numpy(model.bank.embedding),
        k=model.config.retrieval.k,
        distance=model.config.retrieval.distance,
    )
    who, weight, similarity = found.indices[0], found.weights[0], found.cosine[0]
    every = model.bank.expression[:, model.config.genes.index(gene)]
    measured = every[who]
    value = float((weight * measured).sum(dtype=np.float64))
    variance = float((weight * (measured - value) ** 2).sum(dtype=np.float64))
    whole = float(every.var(dtype=np.float64))
    pictures = model.bank.thumbnails
    order = np.argsort(-weight, kind="stable")
    retrieved = tuple(
        RetrievedSpot(
            str(model.bank.section[who[i]]),
            str(model.bank.barcode[who[i]]),
            float(similarity[i]),
            float(weight[i]),
            float(measured[i]),
            pictures[who[i]] if pictures else b"",
        )
        for i in order
    )
    agreement = 1 - variance / whole if whole else 1.0
    return Evidence(spot, gene, value, float(np.sqrt(variance)), agreement, retrieved)


def retrieved_by_section(found: Evidence) -> dict[str, float]:
    """Return how much of the weight each training section has, the weightiest first."""
    shares: dict[str, float] = {}
    for each in found.retrieved:
        shares[each.section] = shares.get(each.section, 0.0) + each.weight
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
