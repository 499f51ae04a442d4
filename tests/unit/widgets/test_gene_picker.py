"""Searching and walking through genes with the real list and the real keyboard."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_mclstexp.scene.layer_specs import ColourBar
from napari_mclstexp.widgets.frame.gene_list import PCC_ROLE, GeneDelegate
from napari_mclstexp.widgets.frame.gene_picker import GenePicker
from napari_mclstexp.widgets.predict.colour_bar import ColourBarView

GENES = ("FASN", "GNAS", "HLA-B", "HLA-DRA", "B2M", "ACTB")
PCC = {"GNAS": 0.61, "FASN": 0.42, "HLA-B": 0.33, "HLA-DRA": 0.05, "B2M": -0.1}


@pytest.fixture
def picker(qtbot):
    picker = GenePicker()
    qtbot.addWidget(picker)
    picker.set_genes(GENES, PCC)
    picker.resize(300, 400)
    picker.show()
    qtbot.waitExposed(picker)
    picker.open_list()
    return picker


def test_genes_stand_best_first_and_unscored_ones_last(picker):
    assert picker.genes.shown == ["GNAS", "FASN", "HLA-B", "HLA-DRA", "B2M", "ACTB"]


def test_each_gene_carries_its_held_out_pcc(picker):
    first = picker.genes.index(0)
    assert first.data(PCC_ROLE) == 0.61
    assert "0.61" in first.data(Qt.ItemDataRole.ToolTipRole)
    assert "no held-out score" in picker.genes.index(5).data(Qt.ItemDataRole.ToolTipRole)


def test_by_name_on_request(picker, qtbot):
    qtbot.keyClicks(picker.order, "A to Z")
    assert picker.genes.shown == ["ACTB", "B2M", "FASN", "GNAS", "HLA-B", "HLA-DRA"]


def test_typing_finds_a_part_of_the_name_in_any_case_with_beginnings_first(picker, qtbot):
    qtbot.keyClicks(picker.search, "a")
    assert picker.genes.shown == ["ACTB", "GNAS", "FASN", "HLA-B", "HLA-DRA"]
    qtbot.keyClicks(picker.search, "s")
    assert picker.genes.shown == ["GNAS", "FASN"]


def test_arrow_keys_in_the_search_field_pick_one_gene_after_the_other(picker, qtbot):
    picked = []
    picker.picked.connect(picked.append)
    qtbot.keyClicks(picker.search, "hla")
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Up):
        qtbot.keyClick(picker.search, key)
    assert picked == ["HLA-B", "HLA-DRA", "HLA-B"]  # the end of the list is the end
    assert picker.search.text() == "hla"


def test_a_click_picks_a_gene(picker, qtbot):
    place = picker.list.visualRect(picker.genes.index(2)).center()
    with qtbot.waitSignal(picker.picked) as signal:
        qtbot.mouseClick(picker.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert signal.args == ["HLA-B"]


def test_enter_takes_the_first_gene_found(picker, qtbot):
    qtbot.keyClicks(picker.search, "fas")
    with qtbot.waitSignal(picker.picked) as signal:
        qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert signal.args == ["FASN"]


def test_searching_and_being_told_the_gene_pick_nothing(picker, qtbot):
    picked = []
    picker.picked.connect(picked.append)
    picker.set_gene("B2M")
    assert picker.list.currentIndex().data() == "B2M"
    qtbot.keyClicks(picker.search, "gn")
    picker.set_genes(GENES[:3], PCC)
    assert picked == []


def test_the_walk_goes_on_from_the_shown_gene_when_the_search_is_cleared(picker, qtbot):
    qtbot.keyClicks(picker.search, "hla-b")
    qtbot.keyClick(picker.search, Qt.Key.Key_Down)
    picker.search.clear()
    with qtbot.waitSignal(picker.picked) as signal:
        qtbot.keyClick(picker.search, Qt.Key.Key_Down)
    assert signal.args == ["HLA-DRA"]


def test_a_search_without_result_says_so(picker, qtbot):
    qtbot.keyClicks(picker.search, "xyz")
    assert "xyz" in picker.none.text()
    assert picker.none.isVisible()
    picker.search.clear()
    assert not picker.none.isVisible()


def test_twenty_thousand_genes_are_searched(picker):
    picker.set_genes(tuple(f"GENE{i}" for i in range(20_000)), {})
    picker.search.setText("77")
    assert picker.genes.shown[:2] == ["GENE10077", "GENE10177"]


def test_the_bar_of_a_better_gene_is_longer(picker):
    picture = picker.list.grab().toImage()

    def lit(row: int) -> int:
        area = picker.list.visualRect(picker.genes.index(row))
        right = area.right() - 8 - GeneDelegate.FIGURE
        y = area.center().y()
        colours = [picture.pixelColor(x, y) for x in range(right - 44, right)]
        return sum(colour.lightness() > 200 for colour in colours)

    assert lit(0) > lit(1) > lit(3)


def test_the_colour_bar_names_gene_and_unit_and_shows_the_colormap(qtbot):
    view = ColourBarView()
    qtbot.addWidget(view)
    view.resize(256, view.sizeHint().height())
    bar = ColourBar("FASN", "predicted", "ln(1 + counts per 10,000)", (0.0, 2.5), "magma")
    view.show_bar(bar)
    picture = view.grab().toImage()
    y = view.fontMetrics().height() + 3 + view.BAR // 2
    left, right = picture.pixelColor(2, y), picture.pixelColor(253, y)
    assert left.lightness() < 20
    assert right.lightness() > 200
    view.show_bar(None)
    assert not view.isVisible()
