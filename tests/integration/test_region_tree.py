"""Renaming a region in the tree, while the window is redrawn all the time."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLineEdit

from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support import widget_kit as kit
from support.session_kit import region


@pytest.fixture
def annotate(viewer, slide_file, spots_file):
    """The dock Annotate over a slide with two regions, one in the other."""
    dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Annotate")[1]
    session = dock.workspace.session
    session.use_slide(open_slide(slide_file))
    session.use_spots(read_spots(spots_file))
    inner = region("Stroma")
    session.edit("Draw a region", regions=(region("Tumour", children=(inner,)),))
    return dock


def start_renaming(tree, item) -> QLineEdit:
    kit.bring_to_front(tree)
    tree.setCurrentItem(item)
    tree.editItem(item, 0)
    return next(each for each in tree.findChildren(QLineEdit) if each.isVisible())


def test_a_name_is_typed_and_taken_however_often_the_window_is_redrawn(annotate, qtbot):
    session, tree = annotate.workspace.session, annotate.tree
    editor = start_renaming(tree, tree.topLevelItem(0))
    editor.selectAll()
    for letter in "Margin":
        qtbot.keyClicks(editor, letter)
        session.changed.emit()
        qtbot.wait(10)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.annotations.regions[0].name == "Margin")
    assert tree.topLevelItem(0).text(0) == "Margin"
    assert session.shown.history.undoable == "Rename a region"


def test_other_regions_come_and_go_while_a_name_is_typed(annotate, qtbot):
    session, tree = annotate.workspace.session, annotate.tree
    (outer,) = session.annotations.regions
    editor = start_renaming(tree, tree.topLevelItem(0).child(0))
    editor.selectAll()
    qtbot.keyClicks(editor, "Lym")
    session.edit("Draw a region", regions=(region("Fat"), outer, region("TLS")))
    assert [tree.topLevelItem(i).text(0) for i in range(3)] == ["Fat", "Tumour", "TLS"]
    qtbot.keyClicks(editor, "phocytes")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: session.annotations.regions[1].children[0].name == "Lymphocytes")


def test_a_name_that_is_refused_or_given_up_is_the_old_one_again(annotate, qtbot):
    session, tree = annotate.workspace.session, annotate.tree
    for text, key in (("   ", Qt.Key.Key_Return), ("Fat", Qt.Key.Key_Escape)):
        editor = start_renaming(tree, tree.topLevelItem(0))
        editor.selectAll()
        qtbot.keyClicks(editor, text)
        qtbot.keyClick(editor, key)
        qtbot.waitUntil(lambda: tree.state() != tree.State.EditingState)
        assert session.annotations.regions[0].name == "Tumour"
        assert tree.topLevelItem(0).text(0) == "Tumour"
