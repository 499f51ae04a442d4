"""A pathologist's afternoon in the real window, on her2st C5: open slide to saved session."""

from __future__ import annotations

import json

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_mclstexp.export.geojson import read_geojson
from napari_mclstexp.model import save_model
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.training.train import train
from support import widget_kit as kit
from support.canvas_mouse import drag_over
from support.her2st import HER2ST, NEEDED, WEIGHTS, section
from support.places import SHARED

pytestmark = NEEDED

RUN_MS = 180_000
MOST_CLICKS = 12  # from the open slide to exported, named domains


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model that learned from C2, C3, C4 and B4."""
    from napari_mclstexp.widgets.common.torch_loading import prepare_torch

    prepare_torch()
    genes = tuple((SHARED / "data" / "gene_lists" / "her2st_785.txt").read_text().split())
    settings = TrainSettings(
        genes=genes,
        encoder="timm:tf_efficientnet_lite0",
        weights=WEIGHTS,
        freeze_encoder=True,
        views=1,
        epochs=10,
    )
    trained = train([section(name) for name in ("C2", "C3", "C4", "B4")], settings, device="cpu")
    folder = tmp_path_factory.mktemp("her2st") / "model"
    save_model(trained, folder)
    return folder


@pytest.fixture
def bench(viewer, qtbot):
    """The workbench and all its docks, by name."""
    viewer.window._qt_window.resize(1366, 768)
    _, bench = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Workbench")
    qtbot.wait(300)
    return bench, {
        name: viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1] for name in DOCKS
    }


@pytest.fixture
def counted(click):
    """Return a function that clicks and counts."""
    made = []

    def counted(button):
        made.append(button)
        click(button)

    counted.made = made
    return counted


def test_from_the_open_slide_to_exported_named_domains_and_back(
    bench, viewer, qtbot, counted, answers, model, tmp_path, notes
):
    bench, docks = bench
    slide, predict, genes, _, domains, annotate, _, export = docks.values()
    workspace = bench.workspace
    session = workspace.session

    answers(next((HER2ST / "images" / "C5").glob("*.jpg")))
    counted(slide.slide.open)
    qtbot.waitUntil(lambda: session.slide is not None, timeout=RUN_MS)
    counted.made.clear()  # the slide is open: the way is counted from here

    answers(HER2ST / "spotfiles" / "C5_selection.tsv")
    counted(slide.spots.load)
    slide.spots.from_file.trigger()
    qtbot.waitUntil(lambda: session.spots is not None, timeout=RUN_MS)
    assert "Choose a model" in bench.say.text()
    counted(bench.steps["Predict"])
    answers(model)
    counted.made.append("the last of the models: choose a folder")
    predict.model.models.activated.emit(predict.model.models.count() - 1)
    qtbot.waitUntil(lambda: session.model is not None, timeout=RUN_MS)
    counted(predict.runner.run)
    qtbot.waitUntil(lambda: session.result is not None and session.result.complete, timeout=RUN_MS)
    assert session.result.n_spots == 181

    counted(bench.steps["Domains"])
    domains.fields["k"].setValue(5)  # typed
    counted(domains.find)
    qtbot.waitUntil(lambda: session.annotations.domains is not None, timeout=RUN_MS)
    qtbot.waitUntil(lambda: domains.save_markers.isEnabled(), timeout=RUN_MS)
    assert len(session.annotations.domains.keys) == 5
    for row, name in ((0, "Invasive tumour"), (1, "Stroma")):
        counted.made.append(f"double click on domain {row + 1}")
        domains.table.item(row, 1).setText(name)
    assert {"Invasive tumour", "Stroma"} <= set(session.annotations.domains.names.values())
    assert domains.table.item(0, 3).text()  # its marker genes
    counted(bench.steps["Save and export"])
    target = tmp_path / "domains.geojson"
    answers(target)
    counted(export.buttons["GeoJSON…"])
    qtbot.waitUntil(target.is_file, timeout=RUN_MS)
    print(f"\n{len(counted.made)} clicks from the open slide to exported, named domains")
    assert len(counted.made) <= MOST_CLICKS
    assert {"Invasive tumour", "Stroma"} <= {each.name for each in read_geojson(target)}

    # A gene beside its measurement, two signatures.
    predict.genes.search.setText("FASN")
    qtbot.keyClick(predict.genes.search, Qt.Key.Key_Return)
    assert session.gene == "FASN"
    assert not session.display.show_domains  # what was asked for is what is seen
    session.show(quantity="beside")
    assert {bar.quantity for bar in workspace.scene.bars} == {"predicted", "measured"}
    session.show(quantity="measured")  # of all genes, since the model knows too few of TLS
    for name in ("TLS", "PROLIFERATION"):
        genes.signatures.tick(name)
        qtbot.waitUntil(lambda name=name: session.gene == f"{name} (signature)")
        drawn = workspace.scene.measured
        assert np.isfinite(drawn.values).all()
        assert np.ptp(drawn.values) > 0

    # A region drawn by hand, compared with the rest.
    counted(bench.steps["Annotate"])
    viewer.reset_view()
    counted(annotate.tools["Rectangle"])
    annotate.palette_of_names.buttons["Immune cells"].click()
    xy = np.asarray(session.spots.obsm["spatial"])[:, ::-1] * session.um_per_px
    low, high = np.percentile(xy, 25, axis=0), np.percentile(xy, 75, axis=0)
    drag_over(viewer, qtbot, tuple(low), tuple(high))
    qtbot.waitUntil(lambda: len(session.annotations.regions) == 1)
    (region,) = session.annotations.regions
    assert region.name == "Immune cells"
    bounds = np.array(region.shape().bounds) * session.um_per_px
    assert bounds == pytest.approx([low[1], low[0], high[1], high[0]], rel=0.05)
    counted(annotate.compare)
    qtbot.waitUntil(lambda: annotate.compared is not None, timeout=RUN_MS)
    assert "not replicates" in annotate.comparison.title.text()
    assert annotate.comparison.up.rowCount() > 0

    # Saved, closed, opened again.
    export.notes.setPlainText("A note")
    folder = tmp_path / "C5_session"
    answers(folder)
    counted(export.save)
    qtbot.waitUntil(lambda: workspace.tasks.folder == folder, timeout=RUN_MS)
    annotations, display = session.annotations, session.display
    counted(slide.slide.close_slide)
    qtbot.waitUntil(lambda: session.slide is None)
    assert session.annotations.regions == ()
    export.recent.activated.emit(1)
    qtbot.waitUntil(lambda: session.annotations.regions != (), timeout=RUN_MS)
    assert session.annotations.regions == annotations.regions
    assert (
        session.annotations.domains.spot_names.tolist() == annotations.domains.spot_names.tolist()
    )
    assert session.annotations.notes == "A note"
    assert session.display == display
    assert session.model is not None
    assert export.notes.toPlainText() == "A note"
    assert kit.sentences(notes) == []
    assert json.loads((folder / "session.json").read_text())["slides"][0]["slide"]["path"].endswith(
        ".jpg"
    )
