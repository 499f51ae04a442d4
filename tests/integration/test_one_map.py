"""Never a false picture: one map at a time, one legend, whoever changes it and wherever."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.analysis.region import Region
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support import widget_kit as kit

RUN_MS = 60_000
EXPRESSION = ("predicted", "measured")


@pytest.fixture
def workspace(docks, slide_file, tiny_prediction):
    """A workspace that shows the prediction."""
    workspace = docks[0].workspace
    workspace.session.use_slide(open_slide(slide_file))
    workspace.session.use_prediction(tiny_prediction)
    return workspace


def maps(workspace):
    """The layers with the map of a gene that can be seen."""
    layers = workspace.layers
    return [slot for slot in EXPRESSION if layers[slot] is not None and layers[slot].visible]


def canvas(workspace):
    """The canvas at one size, however wide the docks are by now."""
    viewer = workspace.layers.viewer
    return viewer.screenshot(size=(400, 400), canvas_only=True, flash=False)


def test_domains_are_drawn_alone_and_a_gene_folds_them_away(workspace, docks, click, qtbot):
    session, layers = workspace.session, workspace.layers
    for style in ("points", "heatmap"):
        session.show(style=style)
        assert layers["domains"] is None
        workspace.tasks.find_domains(DomainSettings(k=2), "predicted")
        qtbot.waitUntil(lambda: layers["domains"] is not None, timeout=RUN_MS)
        assert maps(workspace) == []
        assert workspace.scene.bars == ()
        assert not layers.viewer.canvas.overlays.text.visible
        picture = canvas(workspace)
        session.show(show_spots=True)  # no map of a gene
        assert layers["domains"] is not None
        predict_dock = docks[1]
        predict_dock.genes.picked.emit("CD74")
        assert maps(workspace) == ["predicted"]
        assert layers["domains"] is None
        assert workspace.scene.bars[0].gene == "CD74"
        session.show(show_domains=True)
        assert maps(workspace) == []
        again = canvas(workspace)
        assert np.mean(np.any(again != picture, axis=-1)) < 0.02  # but for the outlines of spots
        click(predict_dock.display.contours)
        assert maps(workspace) == ["predicted"]


def test_colours_chosen_in_napari_are_the_dock_s_too(workspace, docks):
    session, display = workspace.session, docks[1].display
    for style in ("points", "heatmap"):
        session.show(style=style, colormap="viridis", limits=None, opacity=0.8)
        layer = workspace.layers["predicted"]
        if style == "points":
            layer.face_colormap, layer.face_contrast_limits = "magma", (0.5, 1.5)
        else:
            layer.colormap, layer.contrast_limits = "magma", (0.5, 1.5)
        layer.opacity = 0.4
        assert session.display.colormap == "magma"
        assert session.display.limits == (0.5, 1.5)
        assert display.colormap.currentText() == "magma"
        assert (display.low.value(), display.high.value()) == (0.5, 1.5)
        assert display.opacity.value() == 40
        (bar,) = workspace.scene.bars
        assert (bar.colormap, bar.limits) == ("magma", (0.5, 1.5))
        assert docks[1].bars[0].bar == bar


def test_a_region_leaves_the_map_inside_it_the_colours_of_the_legend(workspace):
    session = workspace.session
    session.show(style="heatmap", opacity=1.0)
    before = canvas(workspace).astype(int)
    ring = ((150.0, 150.0), (1450.0, 150.0), (1450.0, 1050.0), (150.0, 1050.0), (150.0, 150.0))
    session.edit("Draw", regions=(Region("", ((ring,),)),))
    after = canvas(workspace).astype(int)
    changed = np.abs(after - before).max(axis=-1) > 3
    assert 0.001 < changed.mean() < 0.05  # its border, and no more


def test_what_the_dock_does_not_know_is_put_back(workspace):
    session = workspace.session
    session.show(style="heatmap", colormap="viridis")
    layer = workspace.layers["predicted"]
    layer.colormap = "bop blue"
    layer.gamma = 0.5
    assert layer.colormap.name == "viridis"
    assert layer.gamma == 1
    session.show(quantity="difference")
    limits = tuple(workspace.layers["predicted"].contrast_limits)
    workspace.layers["predicted"].contrast_limits = (0, 1)
    assert tuple(workspace.layers["predicted"].contrast_limits) == limits
    assert session.display.limits is None


def test_a_map_hidden_by_napari_s_eye_is_seen_again_with_the_next_gene(workspace):
    session = workspace.session
    session.show(gene=kit.GENES[0])
    workspace.layers["predicted"].visible = False
    session.show(gene=kit.GENES[1])
    assert maps(workspace) == ["predicted"]


def test_closing_leaves_no_empty_layer_and_what_is_drawn_next_is_in_the_list(
    viewer, workspace, qtbot, slide_file
):
    _, annotate = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Annotate")
    session = workspace.session
    annotate.tools["Polygon"].click()
    assert workspace.layers.regions.layer in viewer.layers
    workspace.close_slide()
    qtbot.waitUntil(lambda: session.slide is None)
    assert len(viewer.layers) == 0
    session.use_slide(open_slide(slide_file))
    qtbot.waitUntil(lambda: bool(session.shown.fingerprint), timeout=RUN_MS)
    annotate.tools["Polygon"].click()
    ring = np.array([[200.0, 200.0], [200, 900], [800, 900]])
    workspace.layers.regions.layer.add_polygons(ring)
    qtbot.waitUntil(lambda: len(session.annotations.regions) == 1)
    assert annotate.tree.topLevelItemCount() == 1
    workspace.tasks.unsaved_work.keep_now(wait=True)
    assert workspace.session.shown.unsaved == ("annotations",)


def test_the_line_below_the_genes_counts_the_spots_that_the_prediction_counts(
    docks, slide_file, spots_file, tiny_model
):
    spots = read_spots(spots_file)
    spots.X[:9] = 0  # too few counts to be a measurement
    with open_slide(slide_file) as slide:
        prediction = predict(slide, spots, load_model(tiny_model), device="cpu")
    session = docks[0].workspace.session
    session.use_slide(open_slide(slide_file))
    session.use_prediction(prediction)
    session.show(gene="GNAS")
    good = prediction.obs["enough_counts"].to_numpy()
    assert 0 < good.sum() <= 54
    at = prediction.var_names.get_loc("GNAS")
    measured = np.asarray(prediction.layers["measured"])[good, at]
    expected = np.corrcoef(np.asarray(prediction.X)[good, at], measured)[0, 1]
    text = docks[1].result.text()
    assert f"Correlation with measured: {expected:.2f}" in text
    assert f"at {good.sum()} of 63 spots" in text
