"""What an earlier version wrote still opens, is the same model, and says the same."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_mclstexp.analysis.evidence import evidence
from napari_mclstexp.inference import device as devices
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.inference.prediction_io import read_prediction
from napari_mclstexp.model import load_model
from napari_mclstexp.samples import sample_section
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support.places import TESTS

WRITTEN = TESTS / "support" / "model_version_1"  # by write_model_version_1.py beside it
BF16 = 0.05  # what 16-bit arithmetic may change of a logarithm


@pytest.fixture(scope="module")
def facts():
    return json.loads((WRITTEN / "facts.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def model():
    return load_model(WRITTEN / "model")


def test_a_model_of_version_1_is_the_same_model(model, facts):
    assert model.id == facts["model_id"]
    assert model.config.name == "Of version 1"
    assert len(model.bank) == len(model.bank.thumbnails) > model.config.retrieval.k


def test_a_model_of_version_1_predicts_what_it_predicted(model, facts, monkeypatch):
    monkeypatch.setattr(devices, "cpu_has_bf16", lambda: True)  # as where it was written
    section = sample_section(3)
    with open_slide(section.slide) as slide:
        spots = read_spots(section.spots)[facts["spots"]].copy()
        again = predict(slide, spots, model, device="cpu")
    assert list(again.var_names) == list(model.config.genes)
    np.testing.assert_allclose(again.X, facts["predicted"], atol=BF16)


def test_a_prediction_of_version_1_opens_and_is_explained(model, facts):
    prediction = read_prediction(WRITTEN / "prediction.h5ad")
    np.testing.assert_allclose(prediction.X, facts["predicted"], atol=1e-4)
    spot = facts["spots"][3]
    for gene in model.config.genes:
        found = evidence(model, prediction, spot, gene)
        shown = sum(each.weight * each.measured for each in found.retrieved)
        assert shown == pytest.approx(prediction[spot, gene].X.item(), abs=1e-5)
        assert len(found.retrieved) == model.config.retrieval.k
