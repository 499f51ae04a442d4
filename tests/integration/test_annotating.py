"""The docks of a person's work on a small slide: genes, brush, palette, exports, recovery."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.session.next_step import DOCKS
from napari_mclstexp.session.read_session import slides_in
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.schema import SpotMetadata
from support import widget_kit as kit

RUN_MS = 60_000


@pytest.fixture
def bench(viewer, slide_file, tiny_prediction, tiny_model):
    """The docks of the workbench with a finished prediction, by name."""
    docks = {n: viewer.window.add_plugin_dock_widget("napari-mclstexp", n)[1] for n in DOCKS}
    session = docks["Predict"].workspace.session
    kit.open_prediction(session, slide_file, tiny_model, tiny_prediction)
    return docks


def test_a_painted_region_gets_the_name_of_the_palette_and_undo_takes_it_back(bench, viewer, qtbot):
    annotate = bench["Annotate"]
    session = annotate.workspace.session
    annotate.palette_of_names.buttons["TLS"].click()
    annotate.brush.button.click()
    viewer.layers["Brush"].data[200:400, 300:700] = 1
    annotate.brush.button.click()
    (region,) = session.annotations.regions
    assert region.name == "TLS"
    assert region.shape().area == pytest.approx(200 * 400, rel=0.01)
    assert "Brush" not in viewer.layers
    annotate.tree.topLevelItem(0).setSelected(True)
    annotate.palette_of_names.buttons["Fat"].click()
    assert session.annotations.regions[0].name == "Fat"
    annotate.undo.click()
    annotate.undo.click()
    assert session.annotations.regions == ()
    annotate.redo.click()
    assert session.annotations.regions[0].name == "TLS"
    annotate.tree.topLevelItem(0).setSelected(True)
    annotate.remove.click()
    assert session.annotations.regions == ()


def test_everything_that_can_leave_leaves_whole(bench, qtbot, answers, notes, tmp_path):
    export, domains = bench["Save and export"], bench["Domains"]
    workspace = export.workspace
    session = workspace.session
    domains.fields["k"].setValue(3)
    domains.find.click()
    qtbot.waitUntil(lambda: session.annotations.domains is not None, timeout=RUN_MS)
    qtbot.waitUntil(lambda: not workspace.jobs.busy, timeout=RUN_MS)
    domains.to_regions.click()
    qtbot.waitUntil(lambda: bool(session.annotations.regions), timeout=RUN_MS)
    export.notes.setPlainText("Seen by <me>")
    targets = {
        "GeoJSON…": "r.geojson",
        "Figure…": "f.png",
        "h5ad…": "x.h5ad",
        "CSV…": "t.csv",
        "Report…": "p.html",
    }
    for button, name in targets.items():
        answers(tmp_path / name)
        export.buttons[button].click()
        qtbot.waitUntil((tmp_path / name).is_file, timeout=RUN_MS)
        qtbot.waitUntil(lambda: not workspace.jobs.busy, timeout=RUN_MS)
    assert kit.sentences(notes) == []
    data = ad.read_h5ad(tmp_path / "x.h5ad")
    assert set(data.obs["domain"]) == {"Domain 1", "Domain 2", "Domain 3"}
    assert len(data.uns["domain_colors"]) == 3
    assert (data.obs["region"] == data.obs["domain"]).mean() > 0.9
    table = pd.read_csv(tmp_path / "t.csv", index_col=0)
    np.testing.assert_allclose(table["FASN"], session.result.predicted_values("FASN"), rtol=1e-5)
    page = (tmp_path / "p.html").read_text()
    assert "Seen by &lt;me&gt;" in page
    assert page.count("data:image/png") == 3
    # What was exported is the same regions when it is read again.
    before = session.annotations.regions
    answers(tmp_path / "r.geojson")
    export.read.click()
    assert {each.id for each in session.annotations.regions} == {each.id for each in before}


def test_genes_are_known_by_other_names_marked_and_kept_beside_or_blended(bench):
    predict, genes = bench["Predict"], bench["Genes"]
    session = predict.workspace.session
    session.show(gene="GNAS")
    assert genes.trust.text().startswith("Trust: good")
    genes.beside.click()
    assert "GNAS" in session.display.compare
    assert len(predict.workspace.scene.compared) == 1
    genes.alone.click()
    genes.over.click()
    assert predict.workspace.scene.predicted.colours.shape == (63, 4)
    genes.alone.click()
    session.show(gene="CD74")
    predict.genes.star.click()
    assert predict.genes.genes.shown[0] == "CD74"
    predict.genes.star.click()
    assert predict.genes.genes.shown[0] != "CD74"


def test_nothing_of_one_slide_stays_on_the_next(bench, qtbot, tmp_path):
    annotate, export, evidence = (bench[n] for n in ("Annotate", "Save and export", "Evidence"))
    workspace = annotate.workspace
    session, first = workspace.session, workspace.session.shown
    annotate.brush.button.click()
    workspace.layers.viewer.layers["Brush"].data[200:400, 300:700] = 1
    export.notes.setPlainText("of the first")  # and no time to take it in
    evidence.spot = str(session.spots.obs_names[0])
    session.use_slide(open_slide(kit.write_slide(tmp_path / "second.ome.tif")))
    assert session.annotations.empty
    assert export.notes.toPlainText() == ""
    assert evidence.spot == ""
    assert "Brush" not in workspace.layers.viewer.layers
    assert not annotate.brush.button.isChecked()
    session.select(first)
    assert session.annotations.notes == "of the first"
    assert len(session.annotations.regions) == 1
    assert export.notes.toPlainText() == "of the first"
    qtbot.waitUntil(lambda: not workspace.jobs.busy)


def test_two_slides_saved_and_closed_are_both_back_when_the_session_is_opened(
    bench, qtbot, answers, notes, tmp_path, monkeypatch
):
    export = bench["Save and export"]
    workspace = export.workspace
    session, first, result = workspace.session, workspace.session.shown, workspace.session.result

    def done():
        qtbot.waitUntil(lambda: not workspace.jobs.busy, timeout=RUN_MS)

    monkeypatch.setattr(kit, "HEIGHT", kit.HEIGHT + 100)  # another picture, known as such
    second = kit.write_slide(tmp_path / "second.ome.tif")
    session.use_slide(open_slide(second))
    session.use_spots(kit.spots())
    session.edit("Draw", regions=(box("Elsewhere"),))
    session.select(first)
    session.edit("Draw", regions=(box("Here"),))
    done()
    answers(tmp_path / "both")
    export.save.click()
    qtbot.waitUntil(lambda: workspace.tasks.folder == tmp_path / "both", timeout=RUN_MS)
    assert not workspace.tasks.unsaved
    assert not any(each.unsaved for each in session.open_slides)
    while session.slide is not None:
        session.close_slide()
    done()
    assert workspace.tasks.folder is None
    moved = second.rename(tmp_path / "both" / "called_otherwise.ome.tif")
    answers(tmp_path / "both", moved)  # the session, and where its second slide is now
    export.open.click()
    qtbot.waitUntil(lambda: len(session.open_slides) == 2, timeout=RUN_MS)
    done()
    assert kit.sentences(notes) == []
    assert session.shown is session.open_slides[0]
    assert [each.slide.path for each in session.open_slides] == [
        session.slide.path,
        tmp_path / "both" / "called_otherwise.ome.tif",
    ]
    assert [each.annotations.regions[0].name for each in session.open_slides] == [
        "Here",
        "Elsewhere",
    ]
    assert [each.spots.n_obs for each in session.open_slides] == [63, 63]
    np.testing.assert_array_equal(session.result.expression, result.expression)
    assert session.model is not None
    assert not workspace.tasks.unsaved
    session.close_slide(session.open_slides[1])
    answers(tmp_path / "one")  # to save as before would lose the closed slide: it asks
    export.save.click()
    qtbot.waitUntil(lambda: workspace.tasks.folder == tmp_path / "one", timeout=RUN_MS)
    done()
    assert [len(slides_in(tmp_path / name)) for name in ("both", "one")] == [2, 1]


def test_a_switch_compares_the_same_regions_as_measured(bench, qtbot):
    annotate = bench["Annotate"]
    session, panel = annotate.workspace.session, annotate.comparison
    region = box("Here")
    session.edit("Draw", regions=(region,))
    panel.of["predicted"].click()
    panel.compare.click()
    qtbot.waitUntil(lambda: session.annotations.comparison is not None, timeout=RUN_MS)
    first = session.annotations.comparison
    assert (first.of, first.one, first.what) == ("predicted", region.id, "Here and the rest")
    panel.of["measured"].click()
    qtbot.waitUntil(lambda: session.annotations.comparison is not first, timeout=RUN_MS)
    second = session.annotations.comparison
    assert (second.of, second.one, second.what) == ("measured", region.id, "Here and the rest")
    session.undo()
    assert panel.of["predicted"].isChecked()
    assert "Here and the rest, predicted" in panel.title.text()


def box(name):
    ring = ((300.0, 300.0), (700.0, 300.0), (700.0, 700.0), (300.0, 700.0), (300.0, 300.0))
    return Region(name, ((ring,),))


def test_a_click_that_changes_nothing_is_no_step_and_redo_is_still_there(bench, viewer, qtbot):
    annotate = bench["Annotate"]
    session, layers = annotate.workspace.session, annotate.workspace.layers
    session.edit("Draw a region", regions=(box("one"),))
    session.edit("Name a region", regions=(box("two"),))
    session.undo()
    regions = session.annotations.regions
    canvas = viewer.window._qt_viewer.canvas.native
    outside = QPoint(8, canvas.height() // 2)
    for tool in ("Select", "Edit points"):
        annotate.tools[tool].click()
        for place in (canvas.rect().center(), outside):
            qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
            qtbot.wait(150)
    annotate.tools["Polygon"].click()
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    qtbot.keyClick(canvas, Qt.Key.Key_Escape)  # a polygon of one corner is none
    qtbot.wait(150)
    assert session.annotations.regions == regions
    assert session.shown.history.undoable == "Draw a region"
    assert session.shown.history.redoable == "Name a region"
    assert len(layers.regions.layer.data) == 1


def test_no_export_is_written_over_what_is_open(bench, answers, notes):
    export = bench["Save and export"]
    session = export.workspace.session
    session.edit("Draw a region", regions=(box("nest"),))
    spots = Path(SpotMetadata.read(session.spots).source)
    config = session.model.path / "config.json"
    for target, button in ((spots, "h5ad…"), (config, "GeoJSON…")):
        before = target.read_bytes()
        answers(target)
        export.buttons[button].click()
        assert not export.workspace.jobs.busy
        assert target.read_bytes() == before
        assert kit.sentences(notes)[-1].startswith(f"{target} would overwrite the ")
    assert len(kit.sentences(notes)) == 2


def test_the_border_of_a_locked_region_stays_until_it_is_unlocked(bench, qtbot, notes):
    annotate = bench["Annotate"]
    session, layers = annotate.workspace.session, annotate.workspace.layers
    session.edit("Draw a region", regions=(replace(box("nest"), locked=True),))
    (before,) = session.annotations.regions
    corners = np.array(layers.regions.layer.data[0])

    def move():
        layers.regions.layer.data = [corners + 50]

    move()
    qtbot.waitUntil(lambda: any("nest: locked" in each.message for each in notes))
    assert session.annotations.regions == (before,)
    np.testing.assert_array_equal(layers.regions.layer.data[0], corners)
    item = annotate.tree.topLevelItem(0)
    assert item.checkState(3) == Qt.CheckState.Checked
    item.setCheckState(3, Qt.CheckState.Unchecked)
    qtbot.waitUntil(lambda: session.shown.history.undoable == "Unlock a region")
    move()
    qtbot.waitUntil(lambda: session.annotations.regions[0].polygons != before.polygons)
    assert session.annotations.regions[0].polygons[0][0][0] == (350, 350)


def test_a_prediction_runs_while_domains_are_searched_and_the_search_is_cancelled(
    bench, qtbot, notes, tiny_model
):
    domains = bench["Domains"]
    workspace = domains.workspace
    session = workspace.session
    random = np.random.default_rng(0)
    many = ad.AnnData(random.poisson(4, (8000, 300)).astype(np.float32))
    many.obsm["spatial"] = random.uniform((300, 300), (1300, 900), (8000, 2))
    session.use_spots(many)
    domains.of.setCurrentIndex(domains.of.findData("measured"))
    domains.find.click()
    qtbot.waitUntil(lambda: workspace.jobs.busy == "Finding domains")
    assert domains.cancel.isEnabled()
    before = session.model
    workspace.load_model(tiny_model)
    qtbot.waitUntil(lambda: session.model is not before, timeout=RUN_MS)
    workspace.run("cpu")
    qtbot.waitUntil(lambda: session.result is not None, timeout=RUN_MS)
    assert workspace.tasks.searching
    domains.cancel.click()
    qtbot.waitUntil(lambda: not workspace.tasks.searching, timeout=5_000)
    session.runs.cancel()
    qtbot.waitUntil(lambda: session.runs.current is None, timeout=RUN_MS)
    assert session.annotations.domains is None
    assert domains.find.isEnabled()
    assert not domains.cancel.isEnabled()
    assert kit.sentences(notes) == []
