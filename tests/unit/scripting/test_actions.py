"""Files into a session."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from napari_mclstexp.analysis.region_classes import RegionClass
from napari_mclstexp.errors import ModelError, SlideError, SpotsError
from napari_mclstexp.inference.prediction_io import write_prediction
from napari_mclstexp.scripting import actions as opening
from napari_mclstexp.session.session import Session
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import GridSettings
from support.session_kit import make_model, make_spots, prediction_of, write_slide


def test_what_cannot_be_opened_leaves_the_session_as_it_was(tmp_path):
    session = Session()
    slide = opening.open_slide(session, write_slide(tmp_path))
    spots = make_spots()
    session.use_spots(spots)
    with pytest.raises(SlideError):
        opening.open_slide(session, tmp_path / "none.svs")
    with pytest.raises(SpotsError):
        opening.load_spots(session, tmp_path / "none.csv")
    with pytest.raises(ModelError):
        opening.load_model(session, tmp_path / "none")
    assert (session.slide, session.spots, session.model) == (slide, spots, None)


def test_a_slide_that_the_spots_do_not_fit_is_not_left_open(tmp_path):
    session = Session()
    spots = make_spots()
    spots.obsm["spatial"] = spots.obsm["spatial"] * 10
    session.use_spots(spots)
    with pytest.raises(SpotsError):
        opening.open_slide(session, write_slide(tmp_path))
    assert session.slide is None


def test_a_table_of_positions_becomes_the_spots(tmp_path):
    session = Session()
    opening.open_slide(session, write_slide(tmp_path))
    table = tmp_path / "spots.csv"
    table.write_text("x,y\n50,60\n150,60\n")
    spots = opening.load_spots(session, table)
    assert session.spots is spots
    assert spots.obsm["spatial"].tolist() == [[50, 60], [150, 60]]


def test_a_grid_is_laid_over_the_tissue(tmp_path):
    session = Session()
    with pytest.raises(SlideError, match="no slide"):
        opening.lay_grid(session)
    opening.open_slide(session, write_slide(tmp_path))
    session.set_um_per_px(2.0)
    grid = opening.lay_grid(session, GridSettings(100.0, 55.0, "square"))
    assert session.spots is grid
    assert 49 <= grid.n_obs <= 81  # 820 µm of tissue a side
    assert grid.obsm["spatial"].max() < 430


def test_a_saved_prediction_opens_with_its_slide(tmp_path):
    session = Session()
    path = write_slide(tmp_path)
    session.use_slide(open_slide(path))
    session.use_spots(make_spots())
    session.use_model(make_model())
    run = session.runs.start()
    session.runs.finish(run, prediction_of(run))
    opening.save_result(session, tmp_path / "prediction.h5ad")
    session.close_slide()

    again = Session()
    result = opening.open_prediction(again, tmp_path / "prediction.h5ad")
    assert again.slide.path == path
    assert again.um_per_px == 2.0
    assert again.result is result
    assert result.genes == run.genes
    assert result.held_out_pcc == pytest.approx({"FASN": 0.4, "GNAS": 0.6})


def test_a_saved_prediction_opens_without_its_slide(tmp_path):
    session = Session()
    session.use_slide(open_slide(write_slide(tmp_path)))
    session.use_spots(make_spots())
    session.use_model(make_model())
    prediction = prediction_of(session.runs.start())
    prediction.uns["mclstexp"]["slide"] = str(tmp_path / "gone.png")
    write_prediction(prediction, tmp_path / "prediction.h5ad")
    again = Session()
    opening.open_prediction(again, tmp_path / "prediction.h5ad")
    assert again.slide is None
    assert again.result.complete


def test_classes_are_shown_again_as_a_step_has_them():
    session = Session()
    classes = (RegionClass("Carcinoma", (10, 20, 30)),)
    session.show(classes=classes)
    again = Session()
    opening.show(again, **json.loads(json.dumps(asdict(session.display))))
    assert again.display.classes == classes
