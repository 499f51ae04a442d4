"""Programs have names that say of which genes they are, from the model's loadings."""

from __future__ import annotations

import numpy as np

from napari_mclstexp.analysis.predicted_programs import programs_of
from napari_mclstexp.model.programs import programs


def test_a_program_is_named_after_the_genes_that_rise_with_it():
    (one, two) = programs(("A", "B", "C", "D"), np.array([[0.1, 0.9, -0.5, 0], [0, 0, -1, 0]]))
    assert one.name == "Program 1: B, A"
    assert one.up == (("B", 0.9), ("A", 0.1))
    assert one.down == (("C", -0.5),)
    assert (one.genes, one.key) == (("B", "A", "C"), "program_1")
    assert one.sentence() == "up: B, A; down: C"
    assert one.sentence(most=1, loadings=True) == "up: B +0.90; down: C -0.50"
    assert (two.name, two.sentence()) == ("Program 2", "up: none; down: C")


def test_a_prediction_tells_its_programs_and_their_shares(linear_kit):
    first, second = programs_of(linear_kit.prediction)
    assert (first.number, second.number) == (1, 2)
    assert 0 < second.share < first.share <= 1
    assert first.sentence().startswith(f"{first.share:.0%} of what is predicted; up: ")
    assert programs_of(linear_kit.prediction[:, :0].copy())[0].name == "Program 1"
    kept = linear_kit.prediction.copy()
    del kept.obsm["X_programs"]
    assert programs_of(kept) == ()
