"""What the card of a model says."""

from __future__ import annotations

import pytest

from napari_mclstexp.model import ModelConfig, PositionsConfig, RetrievalConfig
from napari_mclstexp.model.card import card_lines


def config(**changes):
    facts = {
        "name": "m",
        "genes": ("FASN", "GNAS"),
        "patch_px": 224,
        "um_per_px": 0.5,
        "positions": PositionsConfig(n_rows=4, n_cols=4),
        "retrieval": RetrievalConfig(k=50),
    }
    return ModelConfig(**(facts | changes))


def test_the_first_line_says_what_it_reads():
    assert card_lines(config())[0] == "2 genes; patches of 224 px = 112 µm; k = 50"


@pytest.mark.parametrize(
    ("sections", "line"),
    [
        ((), "It does not say what it was trained on"),
        (("B4",), "Trained on B4"),
        (("B4", "C2", "C3", "C4", "C5", "D1"), "Trained on B4, C2, C3, C4 and 2 more"),
    ],
)
def test_the_second_line_says_what_it_was_trained_on(sections, line):
    assert card_lines(config(trained_on=sections))[1] == line


@pytest.mark.parametrize(
    ("scores", "line"),
    [
        ({}, "No held-out scores: nobody knows how far to trust it"),
        (
            {"FASN": 0.2, "GNAS": 0.6, "X": float("nan")},
            "Held-out PCC 0.40 on average, 0.60 at best (GNAS)",
        ),
    ],
)
def test_the_third_line_says_how_far_to_trust_it(scores, line):
    assert card_lines(config(held_out_pcc=scores))[2] == line
