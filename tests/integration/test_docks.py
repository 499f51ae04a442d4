"""The real docks in the real window, worked by clicks: load, grid, predict, look, save, fail."""

from __future__ import annotations

import threading
from functools import partial

import anndata as ad
import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer

from napari_mclstexp.widgets.frame.gene_bar import gene_picker_of
from support import widget_kit as kit

RUN_MS = 60_000


@pytest.fixture
def loaded(docks, click, qtbot, answers, slide_file, spots_file):
    """Both docks with slide and spots loaded by clicks."""
    slide, _ = docks
    answers(slide_file)
    click(slide.slide.open)
    qtbot.waitUntil(lambda: slide.workspace.session.slide is not None)
    answers(spots_file)
    slide.spots.from_file.trigger()
    qtbot.waitUntil(lambda: slide.workspace.session.spots is not None)
    return docks


@pytest.fixture
def ready(loaded, qtbot, answers, tiny_model):
    """Docks with slide, spots and a model chosen by clicks."""
    _, predict = loaded
    answers(tiny_model)
    predict.model.models.activated.emit(predict.model.models.count() - 1)
    qtbot.waitUntil(lambda: predict.workspace.session.model is not None, timeout=RUN_MS)
    return loaded


@pytest.fixture
def predicted(ready, click, qtbot):
    _, predict = ready
    click(predict.runner.run)
    qtbot.waitUntil(lambda: predict.save.isEnabled(), timeout=RUN_MS)
    return ready


def test_what_was_read_is_said_and_drawn_at_its_true_scale(loaded, click, viewer):
    slide, _ = loaded
    layers = slide.workspace.layers
    layer = layers["slide"]
    assert layer in viewer.layers
    np.testing.assert_allclose(layer.extent.world[1], [600, 800], atol=1)
    assert "1,600 × 1,200 px" in slide.slide.facts.text()
    assert "0.5 µm/px" in slide.slide.facts.text()
    assert not slide.slide.scale_line.isVisible()
    assert "63 spots" in slide.spots.facts.text()
    assert "4 genes" in slide.spots.facts.text()
    assert len(layers["spots"].data) == 63
    before = layers["measured"].face_color.copy()
    click(slide.spots.counts)
    gene_picker_of(viewer).picked.emit("GNAS")
    assert slide.workspace.session.shown_quantity == "measured"
    assert "GNAS" in layers["measured"].name
    assert not np.allclose(before, layers["measured"].face_color)
    click(slide.spots.outlines)
    assert not layers["spots"].visible
    click(slide.spots.outlines)
    assert layers["spots"].visible


def test_a_grid_is_laid_over_the_tissue_and_closing_the_slide_clears_it(
    loaded, click, qtbot, viewer
):
    slide, _ = loaded
    session = slide.workspace.session
    measured = session.spots
    slide.grid.fields["pitch_um"].setValue(80)
    slide.grid.fields["layout"].setCurrentIndex(1)
    click(slide.grid.lay)
    qtbot.waitUntil(lambda: session.spots is not measured)
    xy = session.spots.obsm["spatial"]
    step = np.diff(np.unique(xy[:, 0].round()))
    assert step.min() == pytest.approx(160, abs=1)
    assert len(slide.workspace.layers["spots"].data) == len(xy)
    click(slide.slide.close_slide)
    qtbot.waitUntil(lambda: session.slide is None)
    assert len(viewer.layers) == 0
    assert slide.slide.facts.text() == "No slide is open."


def test_a_slide_without_scale_asks_for_it(docks, click, qtbot, answers, tmp_path, notes):
    slide, _ = docks
    answers(kit.write_slide(tmp_path / "bare.tif", um_per_px=None))
    click(slide.slide.open)
    qtbot.waitUntil(lambda: slide.workspace.session.slide is not None)
    assert "unknown" in slide.slide.facts.text()
    kit.bring_to_front(slide.slide.scale)
    assert slide.slide.scale_line.isVisible()
    slide.slide.scale.setValue(0.25)
    click(slide.slide.set_scale)
    np.testing.assert_allclose(slide.workspace.layers["slide"].scale, [0.25, 0.25])
    assert kit.sentences(notes) == []


def test_a_bad_slide_is_told_in_a_sentence_and_the_open_one_stays(
    loaded, click, qtbot, answers, tmp_path, notes
):
    slide, _ = loaded
    before = slide.workspace.session.slide
    bad = tmp_path / "letter.svs"
    bad.write_text("Dear pathologist")
    answers(bad)
    click(slide.slide.open)
    qtbot.waitUntil(lambda: bool(kit.sentences(notes)))
    assert "letter.svs" in kit.sentences(notes)[0]
    assert slide.workspace.session.slide is before
    qtbot.waitUntil(lambda: not slide.busy.isVisible())


def test_a_run_fills_the_map_in_and_ends_with_every_gene(ready, click, qtbot):
    _, predict = ready
    card = predict.model.card.text()
    assert "Tiny" in card
    assert "4 genes" in card
    assert "alpha, beta" in card
    assert "32 px = 32 µm" in card
    assert "0.43 on average, 0.64 at best (GNAS)" in card
    session = predict.workspace.session
    seen = []
    predict.workspace.progressed.connect(lambda event: seen.append(event.done))
    click(predict.runner.run)
    kit.bring_to_front(predict.runner.cancel)
    assert predict.runner.cancel.isEnabled()
    qtbot.waitUntil(lambda: predict.save.isEnabled(), timeout=RUN_MS)
    assert session.shown_quantity == "predicted"
    assert seen == sorted(seen)
    assert seen[-1] == 63
    assert predict.genes.genes.shown == ["GNAS", "HLA-B", "FASN", "CD74"]
    assert not predict.runner.bar.isVisible()
    assert "Correlation with measured" in predict.result.text()
    assert predict.workspace.layers["predicted"] is not None


def test_a_map_changes_with_the_next_gene_by_keyboard_the_style_and_the_controls(
    predicted, click, qtbot
):
    _, predict = predicted
    layer = predict.workspace.layers["predicted"]
    colours = []
    kit.bring_to_front(predict.genes.search)
    for key in (Qt.Key.Key_PageUp, Qt.Key.Key_Down, Qt.Key.Key_Down):
        qtbot.keyClick(predict.genes.search, key)
        colours.append((predict.bars[0].bar.gene, layer.face_color.copy()))
    names = [name for name, _ in colours]
    assert names == ["GNAS", "HLA-B", "FASN"]  # best first
    assert not np.allclose(colours[0][1], colours[1][1])
    assert names[-1] in predict.workspace.layers["predicted"].name

    click(predict.display.heatmap)
    image = predict.workspace.layers["predicted"]
    assert np.isfinite(image.data).any()
    assert np.isnan(image.data).any()
    click(predict.display.points)
    assert len(predict.workspace.layers["predicted"].data) == 63

    layers, display = predict.workspace.layers, predict.display
    display.opacity.setValue(35)
    assert layers["predicted"].opacity == pytest.approx(0.35)
    before = predict.bars[0].bar.limits
    display.contrast.setValue((20, 60))
    assert predict.bars[0].bar.limits[1] < before[1]
    display.colormap.setCurrentIndex(display.colormap.findText("magma"))
    display.colormap.activated.emit(display.colormap.currentIndex())
    assert predict.bars[0].bar.colormap == "magma"


def test_measured_beside_predicted_with_a_bar_for_each(predicted, qtbot):
    _, predict = predicted
    quantity = predict.display.quantity
    quantity.setCurrentIndex(quantity.findData("beside"))
    quantity.activated.emit(quantity.currentIndex())
    layers = predict.workspace.layers
    shift = layers["measured"].data[0] - layers["predicted"].data[0]
    assert shift[0] == 0
    right = layers["predicted"].data[:, 1].max()
    assert shift[1] > right  # where the copy of the slide begins: beyond the tissue
    assert layers["slide_beside"] is not None
    shown = [view.bar.quantity for view in predict.bars if view.bar is not None]
    assert shown == ["predicted", "measured"]


def test_saving_writes_an_h5ad_with_all_genes_or_tells_why_not(
    predicted, click, qtbot, answers, tmp_path, notes
):
    _, predict = predicted
    target = tmp_path / "out.h5ad"
    answers(target)
    click(predict.save)
    qtbot.waitUntil(target.is_file)
    qtbot.waitUntil(lambda: not predict.workspace.jobs.busy)
    saved = ad.read_h5ad(target)
    assert saved.shape == (63, 4)
    assert saved.uns["mclstexp"]["model_name"] == "Tiny"
    assert kit.sentences(notes) == []
    answers(tmp_path / "nowhere" / "out.h5ad")
    click(predict.save)
    qtbot.waitUntil(lambda: bool(kit.sentences(notes)))
    assert "nowhere" in kit.sentences(notes)[0]


def test_the_window_answers_while_a_run_is_on_and_cancelling_ends_it(
    ready, click, qtbot, slow_run, notes
):
    _, predict = ready
    session = predict.workspace.session
    slow_run()
    click(predict.runner.run)
    qtbot.waitUntil(lambda: session.result is not None and session.result.n_done > 0)
    turns = []
    timer = QTimer()
    timer.timeout.connect(lambda: turns.append(session.result.n_done))
    timer.start(1)
    qtbot.waitUntil(lambda: len(set(turns)) > 5, timeout=RUN_MS)  # rows go on arriving
    timer.stop()
    assert session.run is not None
    assert len(turns) >= 2 * len(set(turns))  # and it turns more often than they do
    first, result = session.run, session.result
    assert result.n_done < session.spots.n_obs
    click(predict.runner.run)
    assert "running already" in kit.sentences(notes)[0]
    assert session.run is first
    notes.clear()
    click(predict.runner.cancel)
    qtbot.waitUntil(lambda: session.run is None, timeout=20_000)
    assert result.n_done < session.spots.n_obs
    assert session.result is None
    assert not predict.runner.bar.isVisible()
    assert not predict.save.isEnabled()
    assert kit.sentences(notes) == []


def test_a_run_without_slide_or_model_says_what_is_missing(docks, click, notes):
    _, predict = docks
    click(predict.runner.run)
    assert "no slide" in kit.sentences(notes)[0]
    trouble = docks[1].trouble  # stays beside the button, until it is put away
    assert trouble.isVisible()
    assert trouble.text == kit.sentences(notes)[0]
    top = docks[1].runner.mapToGlobal(docks[1].runner.rect().bottomLeft()).y()
    assert 0 <= trouble.mapToGlobal(trouble.rect().topLeft()).y() - top < 40
    click(trouble.close_button)
    assert not trouble.isVisible()


def test_closing_the_slide_while_a_run_is_on_ends_it_cleanly(ready, click, qtbot, slow_run, notes):
    slide, predict = ready
    session = predict.workspace.session
    slow_run()
    click(predict.runner.run)
    qtbot.waitUntil(lambda: session.result is not None and session.result.n_done > 0)
    click(slide.slide.close_slide)
    qtbot.waitUntil(lambda: session.slide is None and session.run is None)
    qtbot.waitUntil(lambda: not kit.our_threads())
    assert kit.sentences(notes) == []


def test_closing_the_window_while_a_run_is_on_ends_it_cleanly(
    ready, click, qtbot, slow_run, viewer, notes
):
    _, predict = ready
    workspace = predict.workspace
    slow_run()
    click(predict.runner.run)
    qtbot.waitUntil(lambda: workspace.session.result is not None)
    assert kit.our_threads()
    viewer.close()
    qtbot.waitUntil(lambda: not kit.our_threads())
    assert workspace.session.slide is None
    assert kit.sentences(notes) == []


@pytest.mark.parametrize("how", ["slide", "window"])
def test_the_window_waits_for_no_read_when_it_closes_a_slide(
    loaded, click, qtbot, viewer, monkeypatch, how
):
    dock, _ = loaded
    slide = dock.workspace.session.slide
    reading, go_on, released = threading.Event(), threading.Event(), threading.Event()
    read, release = slide._read_inside, slide._release

    def slow(*where):
        if where == part:  # not what the window itself reads
            reading.set()
            assert go_on.wait(10)
        return read(*where)

    monkeypatch.setattr(slide, "_release", lambda: (release(), released.set()))
    monkeypatch.setattr(slide, "_read_inside", slow)
    part = (0, 1, 2, 301, 302)
    work = partial(slide.read_level, *part)
    dock.workspace.jobs.start(lambda post: work(), lambda _: None, lambda _: None)
    assert reading.wait(10)
    threading.Timer(20, go_on.set).start()  # so that a close that waits is no deadlock
    if how == "slide":
        click(dock.slide.close_slide)
        qtbot.waitUntil(lambda: dock.workspace.session.slide is None, timeout=15_000)
    else:
        dock.workspace.shutdown()
    assert dock.workspace.session.slide is None
    assert not go_on.is_set()
    assert not released.is_set()
    go_on.set()
    assert released.wait(10)


def test_a_broken_model_is_told_and_the_list_goes_back(docks, qtbot, answers, tmp_path, notes):
    _, predict = docks
    answers(tmp_path)
    predict.model.models.activated.emit(predict.model.models.count() - 1)
    qtbot.waitUntil(lambda: bool(kit.sentences(notes)), timeout=RUN_MS)
    assert predict.model.models.currentIndex() == 0
    assert predict.workspace.session.model is None


def test_a_model_used_once_is_offered_again(ready, viewer, tiny_model):
    _, predict = ready
    assert predict.model.models.currentText() == "tiny"
    viewer.window.remove_dock_widget(predict)
    _, again = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Predict")
    assert again.model.models.findText("tiny") > 0
    assert "Tiny" in again.model.card.text()  # the session outlives its docks


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a GPU here")
def test_a_device_that_is_not_there_is_told_and_the_run_is_over(ready, click, qtbot, notes):
    _, predict = ready
    predict.runner.device.setCurrentIndex(predict.runner.device.findData("cuda"))
    click(predict.runner.run)
    qtbot.waitUntil(lambda: bool(kit.sentences(notes)), timeout=RUN_MS)
    assert predict.workspace.session.run is None
    assert not predict.runner.bar.isVisible()
