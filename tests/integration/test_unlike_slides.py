"""A model on slides that it is not for: said above the tissue, and no score is shown."""

from __future__ import annotations

import pytest

from napari_mclstexp.model import load_model
from napari_mclstexp.samples import demo_model_path, sample_section
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from napari_mclstexp.widgets.banner import Banner
from napari_mclstexp.widgets.frame.gene_list import PCC_ROLE
from support import widget_kit as kit

RUN_MS = 60_000


@pytest.fixture
def demo():
    """The demo model."""
    return load_model(demo_model_path())


def offered(dock):
    models = dock.model.models
    return [models.itemText(i) for i in range(models.count())]


def scores(dock):
    genes = dock.genes.genes
    return [genes.index(row).data(PCC_ROLE) for row in range(genes.rowCount())]


def test_the_demo_model_is_offered_for_the_sample_alone(docks, slide_file):
    _, predict = docks
    session = predict.workspace.session
    session.use_slide(open_slide(sample_section(3).slide))
    assert "Built-in demo" in offered(predict)
    session.use_slide(open_slide(slide_file))
    assert "Built-in demo" not in offered(predict)
    session.select_next()
    assert "Built-in demo" in offered(predict)


def test_the_demo_model_on_another_slide_is_warned_of_and_shows_no_score(
    docks, viewer, qtbot, demo, slide_file, spots_file
):
    _, predict = docks
    workspace = predict.workspace
    session = workspace.session
    line = viewer.window._qt_window.findChild(Banner)
    _, genes = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Genes")
    sample = sample_section(3)
    session.use_slide(open_slide(sample.slide))
    session.use_spots(read_spots(sample.spots))
    session.use_model(demo)
    assert not line.isVisible()
    session.use_slide(open_slide(slide_file))
    session.use_spots(read_spots(spots_file))
    assert line.isVisible()  # before anything is run
    assert line.warning.visibleRegion().boundingRect().width() > 300
    assert line.height() < 80
    assert "knows no real tissue" in line.warning.text()
    workspace.run("cpu")
    qtbot.waitUntil(lambda: session.result is not None and session.result.complete, timeout=RUN_MS)
    assert "knows no real tissue" in line.warning.text()
    assert "knows no real tissue" in session.result.adata.uns["mclstexp"]["warning"]
    assert predict.genes.genes.rowCount() > 0
    assert set(scores(predict)) == {None}
    assert genes.trust.text().startswith("Trust: unknown")
    session.select_next()  # the sample
    assert not line.isVisible()


def test_spots_of_another_platform_are_warned_of(docks, viewer, tmp_path, slide_file):
    session = docks[0].workspace.session
    line = viewer.window._qt_window.findChild(Banner)
    model = load_model(kit.write_model(tmp_path / "visium", platform="visium"))
    session.use_slide(open_slide(slide_file))
    spots = kit.spots()
    spots.uns["mclstexp"] = {"platform": "legacy-st"}
    session.use_spots(spots)
    session.use_model(model)
    assert "its spots are legacy-st, the model learned from visium" in line.warning.text()
    same = kit.spots()
    same.uns["mclstexp"] = {"platform": "visium"}
    session.use_spots(same)
    assert not line.isVisible()


def test_the_card_says_what_slides_a_model_is_for(docks, tmp_path):
    _, predict = docks
    said = {"species": "human", "organ": "breast", "stain": "H&E", "platform": "visium"}
    predict.workspace.session.use_model(load_model(kit.write_model(tmp_path / "m", **said)))
    assert "For human breast, H&amp;E, visium" in predict.model.card.text()
