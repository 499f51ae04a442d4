"""The Train dock in the real window: from drag and drop to a model that Predict lists."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
from pathlib import Path

import psutil
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDockWidget,
    QLineEdit,
    QMessageBox,
    QSpinBox,
    QTableWidget,
)

from napari_mclstexp.anndata_file import write_h5ad
from napari_mclstexp.widgets.common import dialogs
from napari_mclstexp.widgets.train.training_form import SCRATCH
from support.engine_kit import GENES, painted_section
from support.places import TESTS

DOUBLE = (sys.executable, str(TESTS / "support" / "training_double.py"))
LONG_MS = 120_000


@pytest.fixture
def dock(viewer, monkeypatch):
    """Return the Train dock, opened as the Plugins menu does."""
    opened = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Train")[1]
    yield opened
    if opened.training.process is not None:
        opened.training.process.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with three painted sections and a gene list."""
    folder = tmp_path_factory.mktemp("sections")
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        write_h5ad(painted_section(folder, name, seed).spots, folder / f"{name}.h5ad")
    (folder / "genes.txt").write_text("\n".join(GENES))
    return folder


@pytest.fixture
def drop(dock):
    """Return a function that drops paths on the table, as a person does."""

    def drop(*paths: Path) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        table = dock.sections.table
        here = QPoint(20, 20)
        what = (Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton)
        keys = Qt.KeyboardModifier.NoModifier
        for event in (
            QDragEnterEvent(here, *what, keys),
            QDragMoveEvent(here, *what, keys),
            QDropEvent(QPointF(here), *what, keys),
        ):
            QApplication.sendEvent(table.viewport(), event)
            assert event.isAccepted()

    return drop


@pytest.fixture
def filled(dock, drop, folder, tmp_path, qtbot):
    """Return the dock with three good sections and everything chosen but Start."""
    for name in "abc":
        drop(folder / f"{name}.png", folder / f"{name}.h5ad")
    qtbot.waitUntil(lambda: "c" in texts(dock.options.held_out), timeout=5000)
    dock.options.more.widgets["preset"].value = "paper"  # it has epochs, and checkpoints
    dock.options.start.setCurrentText(SCRATCH)
    dock.options.genes.text.setText(str(folder / "genes.txt"))
    dock.options.held_out.setCurrentText("c")
    dock.options.out.text.setText(str(tmp_path / "my_model"))
    qtbot.waitUntil(lambda: not dock.workspace.jobs.busy, timeout=LONG_MS)
    return dock


def texts(box) -> list[str]:
    return [box.itemText(i) for i in range(box.count())]


def test_from_drag_and_drop_to_a_model_that_predict_lists(
    filled, viewer, click, qtbot, monkeypatch, tmp_path
):
    opened = []
    monkeypatch.setattr(dialogs, "open_file", opened.append)
    _, predict = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Predict")
    filled.options.fields["epochs"].setValue(4)
    click(filled.start)
    qtbot.waitUntil(lambda: filled.progress.estimate.text() != "", timeout=LONG_MS)
    qtbot.waitUntil(lambda: filled.start.isEnabled(), timeout=LONG_MS)
    assert filled.progress.status.text() == f"Done: {tmp_path / 'my_model'}"
    assert "my_model" in texts(predict.model.models)
    assert "PCC" in filled.progress.told.text()  # the held-out section's map
    assert opened == [tmp_path / "my_model" / "training" / "report.html"]
    words = shlex.split(filled.command.text())
    assert words[words.index("--held-out") + 1] == "c"
    # The cohort that the command line names is there, so that it can be run again.
    assert Path(words[words.index("--cohort") + 1]).is_file()


def test_a_cohort_table_is_taken_whole(dock, drop, folder, tmp_path):
    table = tmp_path / "cohort.csv"
    table.write_text(
        "section,patient,slide,spots,counts\n"
        f"one,P,{folder / 'a.png'},{folder / 'a.h5ad'},\n"
        f"two,Q,{folder / 'b.png'},{folder / 'b.h5ad'},\n"
    )
    drop(table)
    assert [row.section for row in dock.sections.rows()] == ["one", "two"]


def test_tables_find_their_columns(dock, drop, tmp_path):
    (tmp_path / "C5_selection.tsv").write_text("x\ty\tpixel_x\tpixel_y\n1\t2\t3\t4\n")
    (tmp_path / "C5.tsv").write_text("\tFASN\n1x2\t3\n")
    (tmp_path / "grid.csv").write_text("x,y\n1,2\n")
    table = tmp_path / "cohort.csv"
    table.write_text("patient,slide,spots,um_per_px,section\nP,a.png,s.h5ad,0.5,one\n")
    drop(tmp_path / "C5_selection.tsv", tmp_path / "C5.tsv", tmp_path / "grid.csv")
    first, second = dock.sections.rows()
    assert (Path(first.spots).name, Path(first.counts).name) == ("C5_selection.tsv", "C5.tsv")
    assert Path(second.spots).name == "grid.csv"
    drop(table)
    (row,) = dock.sections.rows()
    assert (row.section, row.um_per_px) == ("one", "0.5")


def test_an_outs_folder_finds_its_row(dock, drop, folder, tmp_path):
    outs = tmp_path / "breast" / "outs"
    outs.mkdir(parents=True)
    drop(outs)
    drop(folder / "a.png")
    (row,) = dock.sections.rows()
    assert (row.section, row.spots, row.slide) == ("breast", str(outs), str(folder / "a.png"))


def test_problems_are_marked_in_their_cells_and_stop_the_start(filled, click, qtbot, notes, folder):
    table = filled.sections.table
    table.item(1, 2).setText(str(folder / "gone.svs"))
    qtbot.waitUntil(lambda: "gone.svs" in table.item(1, 2).toolTip(), timeout=LONG_MS)
    assert table.item(1, 2).background().color().red() > 150
    assert table.item(0, 2).background().style() == Qt.BrushStyle.NoBrush
    assert "1 problem: " in filled.sections.problems.text()
    click(filled.start)
    assert "correct the red cells" in notes[-1].message
    assert filled.training.process is None
    table.item(1, 2).setText(str(folder / "b.png"))
    qtbot.waitUntil(lambda: not filled.sections.problems.isVisible(), timeout=LONG_MS)


def test_pause_halts_and_go_on_continues(filled, click, qtbot):
    type(filled).program, before = DOUBLE, type(filled).program
    try:
        filled.options.fields["epochs"].setValue(150)
        click(filled.start)
        qtbot.waitUntil(lambda: "Epoch" in filled.progress.status.text(), timeout=LONG_MS)
        click(filled.pause)
        assert filled.pause.text() == "Resume"
        qtbot.wait(500)
        stood = filled.progress.bar.value()
        qtbot.wait(500)
        assert filled.progress.bar.value() == stood
        click(filled.pause)
        qtbot.waitUntil(lambda: "Done" in filled.progress.status.text(), timeout=LONG_MS)
    finally:
        type(filled).program = before


def test_cancel_ends_it_and_a_worker_killed_from_outside_is_a_sentence(
    filled, click, qtbot, notes, monkeypatch
):
    monkeypatch.setattr(type(filled), "program", DOUBLE)
    filled.options.fields["epochs"].setValue(10_000)
    click(filled.start)
    qtbot.waitUntil(lambda: "Epoch" in filled.progress.status.text(), timeout=LONG_MS)
    click(filled.cancel)
    qtbot.waitUntil(lambda: filled.start.isEnabled(), timeout=LONG_MS)
    assert "cancelled" in filled.progress.status.text()
    click(filled.start)
    qtbot.waitUntil(lambda: "Epoch" in filled.progress.status.text(), timeout=LONG_MS)
    os.kill(filled.training.process.record.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: filled.start.isEnabled(), timeout=LONG_MS)
    assert "SIGKILL" in notes[-1].message


def test_a_linear_head_is_computed_at_once_so_no_epochs_are_told_of(
    filled, click, qtbot, monkeypatch, tmp_path
):
    monkeypatch.setattr(type(filled), "program", DOUBLE)
    filled.options.more.widgets["preset"].value = "default"
    click(filled.start)
    qtbot.waitUntil(lambda: "Seeing" in filled.progress.status.text(), timeout=LONG_MS)
    assert re.fullmatch(r"Seeing a \(1 of 2\): \d+ of 30 tiles", filled.progress.status.text())
    assert not filled.progress.curves.isVisible()
    assert "--epochs" not in filled.command.text()
    qtbot.waitUntil(lambda: "Done" in filled.progress.status.text(), timeout=LONG_MS)


@pytest.fixture
def training(filled, click, qtbot, monkeypatch):
    """Return a dock that started a long training, which said something already."""
    monkeypatch.setattr(type(filled), "program", DOUBLE)
    filled.options.fields["epochs"].setValue(10_000)
    click(filled.start)
    qtbot.waitUntil(lambda: "Epoch" in filled.progress.status.text(), timeout=LONG_MS)
    return filled


@pytest.fixture
def asked(monkeypatch):
    """Return a function that says what the person answers; it gives the list of the questions."""
    questions = []

    def will(answer: str) -> list[str]:
        def choose(box: QMessageBox) -> int:
            questions.append(box.text())
            (button,) = [each for each in box.buttons() if each.text() == answer]
            button.click()
            return 0

        monkeypatch.setattr(QMessageBox, "exec", choose)
        return questions

    return will


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def close_dock(dock) -> None:
    """Close a dock by the cross in its title."""
    parent = dock
    while not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    parent.title.close_button.click()
    QApplication.processEvents()


def close_window(viewer) -> bool:
    """Close a window as a person does; whether it closed."""
    window = viewer.window._qt_window
    window.close()
    closed = not window.isVisible()
    if closed:
        del viewer.window._qt_window  # as napari's own close, which a fixture calls at the end
    return closed


def test_a_closed_dock_leaves_the_training_and_a_new_one_finds_it(
    training, viewer, click, qtbot, asked
):
    questions = asked("Don't quit")
    pid = training.training.process.record.pid
    command = training.command.text()
    close_dock(training)
    qtbot.wait(300)
    assert alive(pid)
    assert questions == []
    again = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Train")[1]
    assert again is not training
    assert "Epoch" in again.progress.status.text()  # at once, and not only when more is said
    assert len(again.progress.curves.listDataItems()[0].xData) > 1
    assert again.command.text() == command
    assert not again.start.isEnabled()
    click(again.cancel)
    qtbot.waitUntil(again.start.isEnabled, timeout=LONG_MS)
    assert "cancelled" in again.progress.status.text()
    assert not alive(pid)


def test_a_new_window_finds_it_while_the_first_is_there_and_after(
    training, viewer, make_napari_viewer, click, qtbot, asked
):
    pid = training.training.process.record.pid
    second = make_napari_viewer(show=True)
    found = second.window.add_plugin_dock_widget("napari-mclstexp", "Train")[1]
    assert found.workspace is not training.workspace
    qtbot.waitUntil(lambda: "Epoch" in found.progress.status.text(), timeout=LONG_MS)
    questions = asked("Keep running")
    assert close_window(viewer)  # the other one still shows it
    assert questions == []
    assert alive(pid)
    assert close_window(second)
    assert len(questions) == 1
    assert alive(pid)
    third = make_napari_viewer(show=True)
    last = third.window.add_plugin_dock_widget("napari-mclstexp", "Train")[1]
    qtbot.waitUntil(lambda: "Epoch" in last.progress.status.text(), timeout=LONG_MS)
    click(last.cancel)
    qtbot.waitUntil(last.start.isEnabled, timeout=LONG_MS)
    assert not alive(pid)


@pytest.mark.parametrize("answer", ["Don't quit", "Stop it", "Keep running"])
def test_quitting_napari_asks_what_becomes_of_it(training, viewer, click, qtbot, asked, answer):
    pid = training.training.process.record.pid
    click(training.pause)
    questions = asked(answer)
    assert close_window(viewer) == (answer != "Don't quit")
    assert len(questions) == 1
    if answer == "Stop it":
        qtbot.waitUntil(lambda: not alive(pid), timeout=LONG_MS)
        return
    qtbot.wait(300)
    assert alive(pid)
    # What was halted goes on only where nobody is left to let it.
    halted = psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert halted == (answer == "Don't quit")
    if answer == "Don't quit":
        click(training.pause)
        click(training.cancel)
        qtbot.waitUntil(training.start.isEnabled, timeout=LONG_MS)


def test_an_end_that_nobody_saw_is_told_by_the_next_window(
    filled, viewer, make_napari_viewer, click, qtbot, asked, monkeypatch, tmp_path
):
    monkeypatch.setattr(type(filled), "program", DOUBLE)
    filled.options.fields["epochs"].setValue(50)
    click(filled.start)
    process = filled.training.process
    asked("Keep running")
    assert close_window(viewer)
    qtbot.waitUntil(lambda: not process.running, timeout=LONG_MS)
    second = make_napari_viewer(show=True)
    dock = second.window.add_plugin_dock_widget("napari-mclstexp", "Train")[1]
    qtbot.waitUntil(
        lambda: dock.progress.status.text() == f"Done: {tmp_path / 'my_model'}", timeout=5000
    )
    assert dock.start.isEnabled()
    assert not any(path.is_file() for path in (tmp_path / "state").rglob("trainings/**/*"))


def test_the_dock_fits_a_laptop_screen_and_every_control_says_what_it_does(dock, viewer, qtbot):
    window = viewer.window._qt_window
    window.resize(1366, 768)
    dock.progress.begin()
    qtbot.wait(200)
    assert dock.minimumSizeHint().width() < 500
    assert window.height() <= 768
    for kind in (QAbstractButton, QComboBox, QSpinBox, QLineEdit, QTableWidget):
        for control in dock.findChildren(kind):
            inner = (
                control.parent() if isinstance(control.parent(), QComboBox | QSpinBox) else control
            )
            if control.objectName().startswith("qt_"):
                continue  # a part of Qt's own
            assert inner.toolTip(), control


def test_what_is_missing_is_said_before_anything_starts(dock, click, notes, drop, folder, qtbot):
    click(dock.start)
    assert "drop some on the table" in notes[-1].message
    drop(folder / "a.png", folder / "a.h5ad")
    qtbot.waitUntil(lambda: "a" in texts(dock.options.held_out), timeout=5000)
    click(dock.start)
    assert "give a folder under Model" in notes[-1].message
    assert dock.training.process is None
