"""Regions drawn, selected, shaped and compared with the mouse, as one does in QuPath."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.analysis.region_classes import BUILT_IN, RegionClass
from napari_mclstexp.analysis.region_edits import flat
from napari_mclstexp.session.class_defaults import ClassDefaults
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.session.write_session import save_session
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from napari_mclstexp.widgets.annotate.classes_dialog import ClassesDialog
from support import widget_kit as kit
from support.canvas_mouse import SHIFT, click_at, drag_over

UM = kit.UM_PER_PX  # the slide is 800 x 600 µm


@pytest.fixture
def annotate(viewer, qtbot, slide_file, spots_file):
    """The dock Annotate over the small slide with its measured spots."""
    dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Annotate")[1]
    session = dock.workspace.session
    session.use_slide(open_slide(slide_file))
    session.use_spots(read_spots(spots_file))
    viewer.reset_view()
    qtbot.wait(100)
    return dock


def box(annotate, name, x, y, side=100.0, **more):
    """A region over a square, in µm, put on the slide."""
    from shapely.geometry import box as square

    shape = square(x / UM, y / UM, (x + side) / UM, (y + side) / UM)
    session = annotate.workspace.session
    region = region_of(shape, name, **more)
    session.edit("Draw a region", regions=(*session.annotations.regions, region))
    return region


def listed(annotate):
    """Names of the regions that are selected in the list."""
    return [item.text(0) for item in annotate.tree.selectedItems()]


def names(annotate):
    return [each.name for each in flat(annotate.workspace.session.annotations.regions)]


def test_a_new_shape_stays_selected_and_the_class_pressed_is_its_class(
    annotate, viewer, qtbot, click
):
    session, layer = annotate.workspace.session, annotate.workspace.layers.regions
    click(annotate.tools["Rectangle"])
    click(annotate.palette_of_names.buttons["Tumour"])
    assert annotate.palette_of_names.buttons["Tumour"].isChecked()
    qtbot.waitUntil(lambda: annotate.cursor_over_tissue.shown == layer.armed)
    assert layer.armed.name == "Tumour"
    drag_over(viewer, qtbot, (200, 200), (300, 350))
    qtbot.waitUntil(lambda: names(annotate) == ["Tumour"])
    assert listed(annotate) == ["Tumour"]
    assert layer.tool == "add_rectangle"  # still in hand
    assert annotate.armed.text() == "Selected: Tumour. A class you press is given to it."
    click(annotate.palette_of_names.buttons["Stroma"])
    assert names(annotate) == ["Stroma"]
    assert session.shown.history.undoable == "Name a region Stroma"
    assert listed(annotate) == ["Stroma"]
    drag_over(viewer, qtbot, (350, 400), (450, 600))
    qtbot.waitUntil(lambda: names(annotate) == ["Stroma", "Stroma"])
    assert layer.selected == (session.annotations.regions[1].id,)
    click(annotate.tools["Rectangle"])  # out of the hand
    click_at(viewer, qtbot, (100, 100))
    assert listed(annotate) == []
    click(annotate.palette_of_names.buttons["Stroma"])  # armed, and nothing selected: no more
    assert layer.armed is None
    assert names(annotate) == ["Stroma", "Stroma"]


def test_a_click_selects_a_region_in_list_and_canvas_alike(annotate, viewer, qtbot):
    layer = annotate.workspace.layers.regions
    outer = box(annotate, "Tumour", 200, 150, 300)
    box(annotate, "Gland", 250, 200, 60)
    box(annotate, "Stroma", 550, 200, 80)
    click_at(viewer, qtbot, (400, 400))
    assert listed(annotate) == ["Tumour"]
    click_at(viewer, qtbot, (230, 280))  # in both: the smaller one
    assert listed(annotate) == ["Gland"]
    click_at(viewer, qtbot, (240, 590), SHIFT)
    assert set(listed(annotate)) == {"Gland", "Stroma"}
    assert annotate.shapes.subtract.toolTip() == "Take Stroma out of Gland"
    click_at(viewer, qtbot, (580, 20))
    assert listed(annotate) == []
    annotate.tree.topLevelItem(0).setSelected(True)
    assert layer.selected == (outer.id,)
    widths = np.array(layer.layer.edge_width) * viewer.scene.camera.zoom * UM
    np.testing.assert_allclose(widths, [3.2, 1.6, 1.6], rtol=0.03)  # px of the screen
    viewer.scene.camera.zoom *= 5

    def on_screen():
        now = np.array(layer.layer.edge_width) * viewer.scene.camera.zoom * UM
        return np.allclose(now, [3.2, 1.6, 1.6], rtol=0.03)

    qtbot.waitUntil(on_screen)


def test_a_hole_belongs_to_its_region(annotate, viewer, qtbot, click):
    session, layer = annotate.workspace.session, annotate.workspace.layers.regions
    region = box(annotate, "Tumour", 200, 150, 200)
    click_at(viewer, qtbot, (300, 300))
    annotate.purpose.setCurrentIndex(annotate.purpose.findData("take out"))
    click(annotate.tools["Rectangle"])
    drag_over(viewer, qtbot, (200, 250), (260, 330))
    qtbot.waitUntil(lambda: len(session.annotations.regions[0].polygons[0]) == 2)
    assert session.shown.history.undoable == "Take a part out of Tumour"
    area = session.annotations.regions[0].shape().area * UM**2
    assert area == pytest.approx(200**2 - 60 * 80, rel=0.05)
    assert len(layer.layer.data) == 1
    click(annotate.tools["Rectangle"])
    click_at(viewer, qtbot, (230, 290))
    assert listed(annotate) == []  # in the hole is outside
    click(annotate.tools["Select"])
    drag_over(viewer, qtbot, (320, 220), (370, 260))
    qtbot.waitUntil(lambda: session.shown.history.undoable == "Change a region")
    moved = session.annotations.regions[0]
    assert moved.id == region.id
    assert moved.shape().area * UM**2 == pytest.approx(area)
    assert np.array(moved.shape().bounds) * UM == pytest.approx([240, 200, 440, 400], abs=4)
    hole = np.array(moved.polygons[0][1]) * UM
    assert hole.min(axis=0) == pytest.approx([290, 250], abs=4)
    assert listed(annotate) == ["Tumour"]
    click(annotate.shapes.fill)
    assert session.shown.history.undoable == "Fill holes of Tumour"
    click(annotate.undo)
    viewer.layers.selection.active = layer.layer
    layer.layer.remove_selected()
    qtbot.waitUntil(lambda: session.annotations.regions == ())
    assert session.shown.history.undoable == "Remove a region"


def test_regions_are_shaped_by_buttons_and_each_step_has_its_name(
    annotate, viewer, qtbot, click, notes
):
    session, layer = annotate.workspace.session, annotate.workspace.layers.regions
    one, other = box(annotate, "Tumour", 200, 150), box(annotate, "Necrosis", 260, 200, 20)
    layer.select((one.id, other.id))
    click(annotate.shapes.subtract)
    assert session.shown.history.undoable == "Subtract Necrosis from Tumour"
    assert annotate.undo.toolTip() == "Undo: Subtract Necrosis from Tumour (Ctrl+Z)"
    layer.select((one.id,))
    annotate.shapes.um.setValue(20)
    click(annotate.shapes.grow)
    assert session.shown.history.undoable == "Grow Tumour by 20 µm"
    bounds = np.array(session.annotations.regions[0].shape().bounds) * UM
    assert bounds == pytest.approx([180, 130, 320, 270])
    annotate.shapes.how.setCurrentIndex(1)
    click(annotate.shapes.grow)
    assert session.shown.history.undoable == "Ring of 20 µm around Tumour"
    assert listed(annotate) == ["Tumour, 20 µm around"]
    click(annotate.undo)
    click(annotate.undo)
    click(annotate.undo)
    layer.select((one.id, other.id))
    click(annotate.shapes.merge)
    assert session.shown.history.undoable == "Merge Tumour and Necrosis"
    assert listed(annotate) == ["Tumour"]
    click(annotate.undo)
    layer.select(())
    click(annotate.tools["Cut"])
    drag_over(viewer, qtbot, (170, 150), (170, 350))
    qtbot.waitUntil(lambda: session.shown.history.undoable == "Cut Tumour")
    assert sorted(names(annotate)) == ["Necrosis", "Tumour", "Tumour"]
    areas = sorted(
        e.shape().area * UM**2 for e in session.annotations.regions if e.name != "Necrosis"
    )
    assert areas == pytest.approx([2000, 8000], rel=0.05)
    assert kit.sentences(notes) == []
    drag_over(viewer, qtbot, (400, 500), (420, 700))
    qtbot.waitUntil(lambda: kit.sentences(notes) != [])
    assert "The line cuts through no region" in kit.sentences(notes)[0]
    assert len(layer.layer.data) == 3  # the line is gone again


def test_own_classes_hold_in_the_session_its_file_and_new_sessions(
    annotate, tmp_path, monkeypatch, qtbot
):
    session, layer = annotate.workspace.session, annotate.workspace.layers.regions
    tumour = BUILT_IN[0]
    box(annotate, tumour.name, 200, 150, colour=tumour.colour)
    layer.arm(tumour)
    dialog = ClassesDialog(annotate, annotate.classes)
    dialog.table.item(0, 1).setText("Carcinoma")
    dialog.set_colour(0, (10, 20, 30))
    dialog.add.click()
    dialog.table.item(dialog.table.rowCount() - 1, 1).setText("Mitoses")
    dialog.accept()
    annotate.take_classes(dialog.classes, dialog.changes, as_default=True)
    assert session.annotations.regions[0].name == "Carcinoma"
    assert session.annotations.regions[0].colour == (10, 20, 30)
    assert session.shown.history.undoable == "Change classes"
    assert layer.armed == RegionClass("Carcinoma", (10, 20, 30))
    assert "Mitoses" in annotate.palette_of_names.buttons
    save_session(session, tmp_path / "saved")
    saved = read_session(tmp_path / "saved").display.classes
    assert saved == session.display.classes
    assert [each.name for each in ClassDefaults().classes()][-1] == "Mitoses"
    dialog = ClassesDialog(annotate, annotate.classes)
    dialog.table.item(0, 1).setText("Stroma")
    dialog.accept()
    assert dialog.say.text() == "There are two classes called Stroma; rename one of them."
    assert dialog.result() != dialog.DialogCode.Accepted
    file = Path(ClassDefaults()._file)
    file.write_text("{broken")
    assert ClassDefaults().classes() == BUILT_IN


def test_a_comparison_tells_up_from_down_and_leads_to_the_maps(
    annotate, viewer, qtbot, click, tmp_path
):
    session, panel = annotate.workspace.session, annotate.comparison
    left = box(annotate, "Left", 100, 50, 260)
    right = box(annotate, "Right", 440, 50, 260)
    annotate.workspace.layers.regions.select((left.id, right.id))
    assert (panel.one.currentText(), panel.other.currentText()) == ("Left", "Right")
    assert not panel.of["predicted"].isEnabled()  # nothing was predicted
    click(panel.compare)
    qtbot.waitUntil(lambda: panel.table is not None)
    # Counts of FASN rise with x, those of HLA-B fall.
    assert panel.up.genes()[0] == "HLA-B"
    assert panel.down.genes()[0] == "FASN"
    assert panel.up.title.text() == "Higher in Left"
    assert "Left and Right, measured" in panel.title.text()
    assert "are not replicates" in panel.title.text()
    kit.bring_to_front(panel.plot)
    x, y = panel.plot.place_of("FASN")
    assert x < panel.plot.width() / 2
    qtbot.mouseClick(panel.plot, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    assert session.gene == "FASN"
    kit.bring_to_front(panel.up)
    row = panel.up.visualItemRect(panel.up.item(0, 0)).center()
    qtbot.mouseClick(panel.up.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert session.gene == "HLA-B"
    save_session(session, tmp_path / "saved")
    (slide,) = read_session(tmp_path / "saved").slides
    kept = slide.annotations.comparison
    assert (kept.one, kept.other, kept.first) == (left.id, right.id, "Left")
    assert kept.down["gene"].tolist() == session.annotations.comparison.down["gene"].tolist()
