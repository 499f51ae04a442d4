"""Evidence adds up: the votes that are shown give the value that is shown."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.evidence import evidence, retrieved_by_section
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model, save_model
from napari_mclstexp.samples import demo_model_path, sample_section
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots


@pytest.fixture(scope="module")
def made():
    """Return the demo model and its prediction of thirty spots of sample section 3."""
    section, model = sample_section(3), load_model(demo_model_path())
    with open_slide(section.slide) as slide:
        spots = read_spots(section.spots)[::20].copy()
        return model, predict(slide, spots, model)


def test_the_votes_add_up_to_the_value_and_its_spread(made):
    model, prediction = made
    for spot in prediction.obs_names[::3]:
        for gene in ("EPCAM", "COL1A1"):
            found = evidence(model, prediction, spot, gene)
            shown = sum(each.weight * each.measured for each in found.retrieved)
            at = prediction[spot, gene]
            assert shown == pytest.approx(at.X.item(), abs=1e-5)
            assert found.value == pytest.approx(at.X.item(), abs=1e-5)
            assert found.spread == pytest.approx(at.layers["spread"].item(), abs=1e-3)
            assert sum(each.weight for each in found.retrieved) == pytest.approx(1, abs=1e-5)
            similarity = np.mean([each.similarity for each in found.retrieved])
            assert similarity == pytest.approx(prediction.obs["similarity"][spot], abs=1e-5)


def test_voters_are_shown_with_their_pictures_weightiest_first(made):
    model, prediction = made
    found = evidence(model, prediction, prediction.obs_names[0], "EPCAM")
    assert len(found.retrieved) == model.config.retrieval.k
    weights = [each.weight for each in found.retrieved]
    assert weights == sorted(weights, reverse=True)
    assert found.retrieved[0].thumbnail.startswith(b"\xff\xd8")
    first = found.retrieved[0]
    rows = (model.bank.section == first.section) & (model.bank.barcode == first.barcode)
    column = model.config.genes.index("EPCAM")
    assert model.bank.expression[rows, column].item() == pytest.approx(first.measured)
    shares = retrieved_by_section(found)
    assert set(shares) <= {"section_1", "section_2"}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert -1 < found.agreement <= 1


def test_scores_written_into_the_model_later_leave_its_predictions_explained(made, tmp_path):
    model, prediction = made
    scored = load_model(demo_model_path())
    scores = {"held_out_pcc": {"EPCAM": 0.5}, "held_out_note": "Three folds."}
    scored.config = scored.config.model_copy(update=scores)
    save_model(scored, tmp_path / "scored")
    spot = prediction.obs_names[0]
    before = evidence(model, prediction, spot, "EPCAM")
    again = evidence(load_model(tmp_path / "scored"), prediction, spot, "EPCAM")
    assert again.value == before.value


def test_another_models_prediction_is_not_explained(made):
    model, prediction = made
    other = prediction.copy()
    other.uns["mclstexp"] = {**prediction.uns["mclstexp"], "model_id": "else"}
    with pytest.raises(SettingsError, match="another model"):
        evidence(model, other, prediction.obs_names[0], "EPCAM")
    with pytest.raises(SettingsError, match="no spot nowhere"):
        evidence(model, prediction, "nowhere", "EPCAM")
    with pytest.raises(SettingsError, match="gene NOSUCH"):
        evidence(model, prediction, prediction.obs_names[0], "NOSUCH")
