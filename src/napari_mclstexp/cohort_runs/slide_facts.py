"""What a finished slide says about itself in a few numbers: for the table and the report."""

from __future__ import annotations

from typing import Any

import anndata
import numpy as np

from ..analysis.signatures import published, score_signature
from ..errors import SettingsError
from ..spots.schema import Provenance

MOST_SCORED = 20_000  # spots, evenly over the slide; the mean of a score needs no more


def facts_of(prediction: anndata.AnnData) -> dict[str, Any]:
    """Return genes, scale, mean similarity, mean PCC where it was measured, and what is unlike."""
    made = Provenance.read(prediction)
    facts: dict[str, Any] = {
        "genes": prediction.n_vars,
        "um_per_px": _number(made.um_per_px),
        "um_per_px_source": made.um_per_px_source or "",
        "similarity": _number(prediction.obs["similarity"].mean()),
        "unlike": made.warning,
        "device": made.device or "",
    }
    if "pcc" in prediction.var:
        facts["pcc"] = _number(prediction.var["pcc"].mean())
    return facts


def signatures_of(prediction: anndata.AnnData) -> dict[str, float]:
    """Return the mean score of each published signature that enough genes are predicted for."""
    step = -(-prediction.n_obs // MOST_SCORED)
    expression = np.asarray(prediction.X[::step], dtype=np.float32)
    genes = [str(each) for each in prediction.var_names]
    found: dict[str, float] = {}
    for signature in published():
        try:
            score = _number(score_signature(expression, genes, signature).mean())
        except SettingsError:  # too few of its genes, which most models have of most signatures
            continue
        if score is not None:
            found[signature.name] = score
    return found


def _number(value: Any) -> float | None:
    number = float("nan" if value is None else value)
    return round(number, 6) if np.isfinite(number) else None
