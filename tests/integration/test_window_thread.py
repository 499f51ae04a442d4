"""What takes long is worked out off the window's thread, and arrives whole."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData

from napari_mclstexp.analysis.gene_summary import gene_facts
from napari_mclstexp.analysis.region_statistics import spots_in
from napari_mclstexp.inference.prediction_io import write_prediction
from napari_mclstexp.spots.tissue import find_tissue
from napari_mclstexp.widgets.workspace import workspace_of
from support import widget_kit as kit
from support.session_kit import SQUARE, region

SIDE = 320  # 102,400 spots
SUMMARY = "napari_mclstexp.widgets.explore.genes_dock.gene_facts"
COUNT = "napari_mclstexp.widgets.annotate.dock.spots_in"
TISSUE = "napari_mclstexp.spots.find_tissue"
PLUGIN = "napari-mclstexp"


@pytest.fixture
def prediction():
    """A finished prediction of three genes at 102,400 spots."""
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    values = np.random.default_rng(0).random((SIDE**2, 3), dtype=np.float32)
    facts = {"model_name": "made up", "model_id": "m", "unit": "ln(1 + x)", "um_per_px": 1.0}
    return AnnData(
        X=values,
        obs=pd.DataFrame(index=[f"s{i}" for i in range(SIDE**2)]),
        var=pd.DataFrame(index=["A", "B", "C"]),
        obsm={"spatial": np.stack([column, row], axis=1) * 8.0 + 4},
        uns={"mclstexp": {**facts, "spot_diameter_um": 8.0}},
    )


def observed(monkeypatch, where, function):
    """Return the threads in which a function is called from now on; it does its work as ever."""
    threads = []

    def noting(*args):
        threads.append(threading.get_ident())
        return function(*args)

    monkeypatch.setattr(where, noting)
    return threads


def test_a_gene_of_100_000_spots_is_summed_up_off_the_windows_thread(
    viewer, qtbot, monkeypatch, prediction
):
    threads = observed(monkeypatch, SUMMARY, gene_facts)
    genes = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Genes")[1]
    session = genes.workspace.session
    session.use_prediction(prediction)
    for gene in "ABCB":
        session.show(gene=gene)
    qtbot.waitUntil(lambda: genes.facts is not None, timeout=30_000)
    assert genes.name.text() == "B"
    assert genes.facts.counts.sum() == SIDE**2
    assert genes.facts.edges[-1] == prediction.X[:, 1].max()
    assert threads
    assert threading.get_ident() not in threads


def test_the_spots_of_regions_are_counted_off_the_windows_thread_and_once(
    viewer, qtbot, monkeypatch, prediction
):
    threads = observed(monkeypatch, COUNT, spots_in)
    annotate = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Annotate")[1]
    session = annotate.workspace.session
    session.use_prediction(prediction)
    drawn = region()
    session.edit("Draw a region", regions=(drawn,))
    inside = int(
        ((prediction.obsm["spatial"] >= 10) & (prediction.obsm["spatial"] <= 100)).all(1).sum()
    )
    item = annotate.tree.topLevelItem(0)
    qtbot.waitUntil(lambda: item.text(1) == str(inside), timeout=30_000)
    assert SQUARE[0] == (10.0, 10.0)
    counted = len(threads)
    for gene in "ABC":  # neither another gene nor another colour counts anything again
        session.show(gene=gene)
    qtbot.wait(100)
    assert len(threads) == counted
    assert threading.get_ident() not in threads


def dropped_before_docks(viewer, folder):
    viewer.open(kit.write_slide(folder / "slide.ome.tif"), plugin=PLUGIN)
    viewer.open(kit.write_spots(folder / "spots.h5ad"), plugin=PLUGIN)
    viewer.window.add_plugin_dock_widget(PLUGIN, "Predict")


def sample(viewer, folder):
    viewer.open_sample(PLUGIN, "sample_section")


def dropped_prediction(viewer, folder):
    slide = kit.write_slide(folder / "slide.ome.tif")
    prediction = kit.spots()
    prediction.uns["mclstexp"] = {
        "kind": "prediction",
        "model_name": "Tiny",
        "model_id": "m",
        "unit": "ln(1 + x)",
        "um_per_px": kit.UM_PER_PX,
        "slide": str(slide),
    }
    write_prediction(prediction, folder / "p.h5ad")
    viewer.window.add_plugin_dock_widget(PLUGIN, "Predict")
    viewer.open(folder / "p.h5ad", plugin=PLUGIN)


@pytest.mark.parametrize("arrive", [dropped_before_docks, sample, dropped_prediction])
def test_however_a_slide_arrives_its_tissue_is_found_off_the_windows_thread(
    viewer, qtbot, monkeypatch, tmp_path, arrive
):
    threads = observed(monkeypatch, TISSUE, find_tissue)
    arrive(viewer, tmp_path)
    workspace = workspace_of(viewer)
    session = workspace.session
    session.show(style="heatmap")
    slots = ("slide", "spots", "predicted", "measured")

    def layers():
        return [workspace.layers[slot] for slot in slots if workspace.layers[slot] is not None]

    qtbot.waitUntil(lambda: len(layers()) == 3, timeout=30_000)
    assert session.slide is not None
    assert session.tissue.mask.any()
    assert threads
    assert threading.get_ident() not in threads
    assert set(viewer.layers) == set(layers())  # the reader's own are gone
