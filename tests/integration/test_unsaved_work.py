"""Work that was not saved, in the real window: asked about on Close and on quit, offered back."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QDockWidget

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.model import load_model
from napari_mclstexp.session.autosave import Recovery
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots import GridSettings
from napari_mclstexp.widgets.banner import Banner
from napari_mclstexp.widgets.common import dialogs
from support import widget_kit as kit

RUN_MS = 60_000
RING = ((100.0, 100.0), (900.0, 100.0), (900.0, 700.0), (100.0, 100.0))


@pytest.fixture
def asked(monkeypatch):
    """A function that says what is answered when work is unsaved; what was asked so far."""
    answers, questions = [], []

    def ask(_, what):
        questions.append(what)
        return answers.pop(0)

    monkeypatch.setattr(dialogs, "ask_unsaved", ask)
    yield lambda *answer: (answers.extend(answer), questions)[1]
    # What the test leaves is discarded when the window goes.
    monkeypatch.setattr(dialogs, "ask_unsaved", lambda *_: dialogs.DISCARD)


@pytest.fixture
def bare(tmp_path):
    """A slide that does not state its scale."""
    return kit.write_slide(tmp_path / "bare.tif", um_per_px=None)


@pytest.fixture
def workspace(docks, qtbot, bare, tiny_model):
    """A slide with stated scale, a grid, a prediction, two regions and their comparison."""
    workspace = docks[0].workspace
    session = workspace.session
    session.use_slide(open_slide(bare))
    session.set_um_per_px(0.5)
    workspace.lay_grid(GridSettings(pitch_um=60, diameter_um=50))
    qtbot.waitUntil(lambda: session.spots is not None, timeout=RUN_MS)
    session.use_model(load_model(tiny_model))
    workspace.run("cpu")
    qtbot.waitUntil(lambda: session.result is not None and session.result.complete, timeout=RUN_MS)
    region = Region("Tumour", ((RING,),))
    session.edit("Draw", regions=(region,))
    workspace.tasks.compare(region, None, "predicted")
    qtbot.waitUntil(lambda: session.annotations.comparison is not None, timeout=RUN_MS)
    settle(workspace, qtbot)
    return workspace


def settle(workspace, qtbot):
    qtbot.waitUntil(lambda: not workspace.jobs.busy, timeout=RUN_MS)
    assert workspace.session.shown.fingerprint


def banner(viewer):
    return viewer.window._qt_window.findChild(Banner)


def test_close_asks_and_cancel_leaves_everything(workspace, docks, click, asked):
    questions, shown = asked(dialogs.CANCEL), workspace.session.shown
    click(docks[0].slide.close_slide)
    (what,) = questions
    assert what == "bare.tif: annotations, prediction, grid, scale"
    assert workspace.session.shown is shown
    assert shown.slide.read_level(0, 0, 0, 1, 1).shape[:2] == (1, 1)


def test_close_saves_and_then_closes(workspace, docks, click, asked, answers, qtbot, tmp_path):
    asked(dialogs.SAVE)
    answers(tmp_path / "kept")
    click(docks[0].slide.close_slide)
    qtbot.waitUntil(lambda: workspace.session.slide is None, timeout=RUN_MS)
    (saved,) = read_session(tmp_path / "kept").slides
    assert saved.um_per_px == 0.5
    assert saved.prediction is not None
    assert saved.annotations.comparison.what == "Tumour and the rest"
    assert Recovery().find(saved.fingerprint) is None


def test_close_discards_and_what_was_discarded_is_not_offered_again(
    workspace, docks, click, asked, qtbot, bare
):
    session = workspace.session
    workspace.tasks.unsaved_work.keep_now(wait=True)
    fingerprint = session.shown.fingerprint
    assert Recovery().find(fingerprint) is not None
    asked(dialogs.DISCARD)
    click(docks[0].slide.close_slide)
    qtbot.waitUntil(lambda: session.slide is None)
    qtbot.waitUntil(lambda: Recovery().find(fingerprint) is None)


def test_what_is_saved_or_was_only_looked_at_is_closed_without_a_question(
    docks, click, asked, qtbot, slide_file
):
    session = docks[0].workspace.session
    session.use_slide(open_slide(slide_file))
    session.use_spots(kit.spots())
    questions = asked()
    click(docks[0].slide.close_slide)
    qtbot.waitUntil(lambda: session.slide is None)
    assert questions == []


def test_quitting_asks_and_cancel_keeps_the_window(workspace, viewer, asked, qtbot):
    questions, shown = asked(dialogs.CANCEL), workspace.session.shown
    viewer.window._qt_window.close()
    qtbot.wait(50)
    assert len(questions) == 1
    assert viewer.window._qt_window.isVisible()
    assert workspace.session.shown is shown
    assert shown.slide is not None


def test_quitting_saves_and_then_closes_the_window(
    workspace, viewer, asked, answers, qtbot, tmp_path, monkeypatch
):
    window, closed = viewer.window._qt_window, []
    asked(dialogs.SAVE)
    answers(tmp_path / "kept")
    with monkeypatch.context() as patch:
        patch.setattr(window, "close", lambda: closed.append(workspace.session.shown.unsaved))
        QApplication.sendEvent(window, QCloseEvent())
        assert window.isVisible()  # until all is written
        assert closed == []
        qtbot.waitUntil(lambda: closed == [()], timeout=RUN_MS)
    assert read_session(tmp_path / "kept").slides[0].prediction is not None


def test_quitting_with_discard_leaves_nothing_to_be_offered(workspace, viewer, asked, qtbot):
    workspace.tasks.unsaved_work.keep_now(wait=True)
    fingerprint = workspace.session.shown.fingerprint
    asked(dialogs.DISCARD)
    viewer.close()
    assert workspace.session.slide is None
    assert Recovery().find(fingerprint) is None


def test_after_a_crash_everything_is_offered_above_the_tissue_and_comes_back(
    workspace, viewer, docks, click, qtbot, bare
):
    session, unsaved = workspace.session, workspace.tasks.unsaved_work
    spots, values = session.spots, session.result.expression.copy()
    line = banner(viewer)
    assert not line.isVisible()
    unsaved.keep_now(wait=True)
    unsaved.recovery = Recovery()  # as another program would come
    session.close_slide()
    session.use_model(None)
    for dock in viewer.window._qt_window.findChildren(QDockWidget):
        dock.hide()  # whatever dock is open
    session.use_slide(open_slide(bare))
    qtbot.waitUntil(lambda: line.isVisible() and line.offers.isVisible(), timeout=RUN_MS)
    said = line.offer.text()
    for part in ("1 region", "a comparison", "a prediction by Tiny", "a grid of", "0.5 µm per px"):
        assert part in said
    canvas = viewer.window._qt_viewer.canvas.native
    assert line.mapToGlobal(line.rect().bottomLeft()).y() <= canvas.mapToGlobal(canvas.pos()).y()
    qtbot.mouseClick(line.restore, Qt.MouseButton.LeftButton)
    assert session.um_per_px == 0.5
    np.testing.assert_allclose(session.spots.obsm["spatial"], spots.obsm["spatial"])
    np.testing.assert_allclose(session.result.expression, values)
    assert [each.name for each in session.annotations.regions] == ["Tumour"]
    assert session.annotations.comparison.what == "Tumour and the rest"
    assert not line.isVisible()
    assert session.shown.unsaved == ("annotations", "prediction", "grid", "scale")
    session.undo()
    assert session.annotations.regions == ()


def test_a_comparison_is_a_step_that_can_be_undone_and_shown_again(workspace, viewer, qtbot):
    _, annotate = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Annotate")
    assert annotate.compared is not None
    assert "Tumour and the rest" in annotate.comparison.title.text()
    workspace.session.undo()
    assert annotate.compared is None
    workspace.session.redo()
    assert annotate.compared is not None
    assert annotate.comparison.plot.isVisibleTo(annotate)
