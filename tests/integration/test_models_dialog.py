"""The window's way to models and weights: fetched after a question, added, built, listed first."""

from __future__ import annotations

import sys
import threading

import pytest
from qtpy.QtWidgets import QMessageBox

from napari_mclstexp.library.catalogue import VARIABLE
from napari_mclstexp.widgets.common import dialogs
from napari_mclstexp.widgets.predict.models_dialog import ModelsDialog
from support.http_kit import content, entry, facts, serving, write_catalogue
from support.places import TESTS

DOUBLE = (sys.executable, str(TESTS / "support" / "training_double.py"))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Return a server, with a catalogue of what the built model needs."""
    monkeypatch.setenv("NAPARI_MCLSTEXP_DATA", str(tmp_path / "shelf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    weights, data = content(0), content(1)
    with serving(**{"net.pth": weights, "slide.jpg": data}) as served:
        catalogue = write_catalogue(
            tmp_path / "catalogue.json",
            entry("encoder", "densenet121", facts("net.pth", weights, served.address)),
            entry("dataset", "her2st-small", facts("a/slide.jpg", data, served.address)),
        )
        monkeypatch.setenv(VARIABLE, str(catalogue))
        yield served


def test_two_clicks_fetch_and_build_a_model_and_an_added_one_is_offered_first(
    server, docks, click, qtbot, answers, tiny_model, tmp_path, monkeypatch
):
    asked: list[str] = []
    agrees = False

    def ask(_: object, offered: str) -> bool:
        asked.append(offered)
        return agrees

    monkeypatch.setattr(dialogs, "ask_network", ask)
    monkeypatch.setattr(ModelsDialog, "program", DOUBLE)
    _, predict = docks
    click(predict.model.more)
    window = predict.library
    assert window.isVisible()
    states = lambda: [window.table.item(row, 4).text() for row in range(window.table.rowCount())]  # noqa: E731
    qtbot.waitUntil(lambda: states() == ["not here", "not here"])
    assert not window.fetch.isEnabled()  # nothing is selected

    click(window.build)
    assert server.ranges == []  # she did not agree
    assert "her2st-small" in asked[0]
    assert "licence: MIT" in asked[0]
    agrees = True
    click(window.build)
    qtbot.waitUntil(lambda: states() == ["here", "here"])
    training = predict.workspace.training
    qtbot.waitUntil(lambda: training.how is not None, timeout=30_000)
    assert training.how.how == "done"
    out = tmp_path / "shelf" / "models" / "her2st"
    assert training.process.record.command_line.endswith(f"models build her2st --out {out}")
    assert window.status.text() == "The model is built; Predict lists it"

    answers(tiny_model)
    click(window.add_folder)
    qtbot.waitUntil(lambda: "Recognised tiny" in window.status.text())
    assert predict.model.models.itemText(1) == "Tiny"
    assert predict.model.models.itemData(1) == tmp_path / "shelf" / "models" / "tiny"


def test_a_row_is_fetched_alone_and_a_failure_is_told(
    server, docks, click, qtbot, notes, monkeypatch
):
    monkeypatch.setattr(QMessageBox, "exec", lambda box: box.buttons()[0].click())
    del server.files["slide.jpg"]
    _, predict = docks
    click(predict.model.more)
    window = predict.library
    qtbot.waitUntil(lambda: window.table.rowCount() == 2)
    window.table.selectRow(0)
    click(window.fetch)
    qtbot.waitUntil(lambda: window.status.text() == "Fetched and verified: densenet121")
    qtbot.waitUntil(lambda: window.table.item(0, 4).text() == "here")
    assert not window.fetch.isEnabled()
    window.table.selectRow(1)
    click(window.fetch)
    qtbot.waitUntil(lambda: "HTTP 404" in window.status.text())
    assert any("HTTP 404" in note.message for note in notes)
    assert window.table.item(1, 4).text() == "not here"


def test_closing_the_window_ends_a_fetch_that_hangs(
    server, viewer, docks, click, qtbot, monkeypatch
):
    monkeypatch.setattr(dialogs, "ask_network", lambda *_: True)
    server.slow, server.cut_after = threading.Event(), 163_840  # and then nothing more, for long
    _, predict = docks
    click(predict.model.more)
    window = predict.library
    qtbot.waitUntil(lambda: window.table.rowCount() == 2)
    window.table.selectRow(0)
    click(window.fetch)
    qtbot.waitUntil(lambda: "0.2 of 0.4 MB" in window.status.text())
    jobs = predict.workspace.jobs
    viewer.close()
    assert jobs.wait(5)  # the server would hold on for 30 s
    server.slow.set()
