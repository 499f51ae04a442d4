"""Per-gene held-out scores of an evaluation, written into the model they speak for."""

from __future__ import annotations

from pathlib import Path

from ..errors import SettingsError
from ..model import load_model, save_model
from .evaluation_result import Evaluation


def write_trust(evaluation: Evaluation, folder: Path) -> int:
    """Write each gene's mean held-out PCC into a model folder, where the gene picker reads it.

    Parameters
    ----------
    evaluation
        Whose first method was trained like the model; where there are several patients, the
        scores are those of patients apart.
    folder
        The model.

    Returns
    -------
    How many of the model's genes have a score now.

    Raises
    ------
    ModelError, OutputError
        If the model cannot be read or written.
    SettingsError
        If the evaluation scored none of its genes.
    """
    model = load_model(folder)
    result = evaluation.strictest
    first = result.metrics[result.metrics["method"] == evaluation.methods[0]]
    scores = first.groupby("gene")["pcc"].mean().dropna()
    known = {gene: round(float(scores[gene]), 4) for gene in model.config.genes if gene in scores}
    if not known:
        raise SettingsError(f"None of the genes of the model {folder} was scored here.")
    apart = ", so no other section of a tested patient was learned from"
    note = (
        f"Mean over sections in {len(result.folds)} folds, each {result.by} left out in turn"
        f"{apart if result.by == 'patient' else ''}; "
        f"sections {', '.join(first['section'].unique())}."
    )
    model.config = model.config.model_copy(update={"held_out_pcc": known, "held_out_note": note})
    save_model(model, folder)
    return len(known)
