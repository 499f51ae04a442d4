"""Pictures of the real window: nothing cut off, nothing blank, other genes other colours."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QScrollArea

from napari_mclstexp.session.session import Session
from support import widget_kit as kit


@pytest.fixture
def laptop(viewer, docks):
    """Both docks on a screen of 1366 x 768."""
    viewer.window._qt_window.resize(1366, 768)
    QApplication.processEvents()
    return docks


@pytest.fixture
def predicted(laptop, qtbot, slide_file, tiny_prediction, tiny_model):
    """The docks with a finished prediction."""
    _, predict = laptop
    session = predict.workspace.session
    kit.open_prediction(session, slide_file, tiny_model, tiny_prediction)
    qtbot.wait(300)  # until the docks have the width that they need
    return laptop


def picture(viewer) -> np.ndarray:
    QApplication.processEvents()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)


def cut_off(dock) -> list[str]:
    """Return the controls of a dock that one cannot see whole."""
    kit.bring_to_front(dock)
    area = dock.findChild(QScrollArea)
    room = area.viewport().rect()
    content = area.widget()
    found = []
    if area.verticalScrollBar().maximum() > 0:
        found.append(f"{type(dock).__name__} is {content.height()} px high in {room.height()} px")
    for child in content.findChildren(type(content), options=Qt.FindDirectChildrenOnly):
        if child.isVisible() and child.geometry().right() > room.right():
            found.append(f"{type(child).__name__} ends at {child.geometry().right()} px")
    if content.width() > room.width():
        found.append(f"{type(dock).__name__} is {content.width()} px wide in {room.width()} px")
    return found


def test_both_docks_fit_a_laptop_screen_when_they_are_empty(laptop, viewer):
    window = viewer.window._qt_window
    assert (window.width(), window.height()) == (1366, 768)
    assert [cut_off(dock) for dock in laptop] == [[], []]
    slide, predict = (dock.parent() for dock in laptop)
    assert slide in window.tabifiedDockWidgets(predict)  # tabs of one place


def test_both_docks_fit_a_laptop_screen_with_all_they_can_show(predicted):
    slide, predict = predicted
    predict.workspace.session.show(quantity="beside")
    assert [cut_off(dock) for dock in (slide, predict)] == [[], []]


def test_the_line_that_asks_for_a_scale_fits_too(laptop, qtbot, tmp_path):
    slide, _ = laptop
    slide.workspace.open_slide(kit.write_slide(tmp_path / "bare.tif", um_per_px=None))
    qtbot.waitUntil(lambda: slide.workspace.session.slide is not None)
    assert cut_off(slide) == []
    assert slide.slide.set_scale.isVisible()


def test_the_picture_shows_slide_and_colours(predicted, viewer):
    _, predict = predicted
    predict.workspace.session.show(opacity=1.0, colormap="viridis")
    seen = picture(viewer)
    green = (seen[..., 1] > seen[..., 0] + 40) & (seen[..., 1] > 80)
    pink = (seen[..., 0] > seen[..., 1] + 30) & (seen[..., 2] > seen[..., 1] + 30)
    assert green.mean() > 0.002  # spots
    assert pink.mean() > 0.05  # tissue
    assert np.unique(seen.reshape(-1, 3), axis=0).shape[0] > 1000


def test_another_gene_gives_another_picture_and_the_first_one_its_own_again(predicted, viewer):
    session: Session = predicted[1].workspace.session
    viewer.canvas.overlays.text.opacity = 0  # only the colours count here
    for style in ("points", "heatmap"):
        session.show(style=style, gene="FASN", opacity=1.0)
        fasn = picture(viewer)
        session.show(gene="GNAS")
        gnas = picture(viewer)
        session.show(gene="FASN")
        again = picture(viewer)
        changed = np.abs(fasn - gnas).max(axis=-1) > 20
        assert changed.mean() > 0.01
        assert (np.abs(fasn - again).max(axis=-1) > 2).mean() < 0.001
