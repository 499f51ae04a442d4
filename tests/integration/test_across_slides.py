"""Similar places, a contact sheet and landmarks, over two open slides in the real window."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from qtpy.QtCore import Qt

from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.session.read_session import read_session
from napari_mclstexp.session.write_session import save_session
from napari_mclstexp.slides import open_slide
from napari_mclstexp.widgets.common import dialogs
from support import widget_kit as kit
from support.canvas_mouse import click_at

UM = kit.UM_PER_PX


def predicted(session, shift=0.0):
    """Put a prediction on the shown slide: features that follow x, y and both."""
    spots = session.spots
    xy = np.asarray(spots.obsm["spatial"])
    x, y = (xy - xy.mean(axis=0)).T / 300
    made = AnnData(
        X=np.stack([x + shift, y, x - y, y * y], axis=1).astype(np.float32),
        obs=spots.obs.copy(),
        var=pd.DataFrame(index=list(kit.GENES)),
        obsm={"spatial": xy, "X_mclstexp": np.stack([x, y, x * y], 1).astype(np.float32)},
        uns={
            "mclstexp": {
                "model_id": "the model",
                "model_name": "Tiny",
                "unit": "u",
                "um_per_px": UM,
                "slide_fingerprint": session.slide.fingerprint(),
                "slide": str(session.slide.path),
            }
        },
    )
    session.take_result(made)


@pytest.fixture(scope="module")
def second_file(tmp_path_factory):
    """Return another slide, known as such: it is a little higher."""
    height, kit.HEIGHT = kit.HEIGHT, kit.HEIGHT + 100
    path = kit.write_slide(tmp_path_factory.mktemp("slides") / "second.ome.tif")
    kit.HEIGHT = height
    return path


@pytest.fixture
def across(viewer, qtbot, slide_file, second_file):
    """The dock over two slides with predictions; the first is shown."""
    dock = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Across slides")[1]
    session = dock.workspace.session
    session.use_slide(open_slide(slide_file))
    session.use_spots(kit.spots())
    predicted(session)
    session.use_slide(open_slide(second_file))
    session.use_spots(kit.spots())
    predicted(session, 1.0)
    session.select(session.open_slides[0])
    viewer.reset_view()
    qtbot.wait(100)
    return dock


def spot_um(session, name):
    """Where a spot of the shown slide is, y and x in µm."""
    x, y = np.asarray(session.spots.obsm["spatial"])[session.spots.obs_names.get_loc(name)]
    return (y * UM, x * UM)


def test_the_places_most_like_a_clicked_spot_are_listed_mapped_and_gone_to(
    across, viewer, qtbot, click
):
    panel, session = across.similar, across.workspace.session
    first, second = session.open_slides
    kit.bring_to_front(panel.search)
    assert not panel.search.isEnabled()
    click_at(viewer, qtbot, spot_um(session, "spot10"))
    assert panel.place.currentText() == "Spot spot10"
    assert panel.by.currentData() == "image"
    click(panel.search)
    qtbot.waitUntil(lambda: panel.found.count() > 0)
    assert session.gene == "Like spot spot10 (image)"
    bar = across.workspace.scene.bars[0]
    assert (bar.title, bar.unit[:8]) == ("Like spot spot10 (image), similarity", "1: alike")
    values = [each.expression.values("predicted", session.gene) for each in (first, second)]
    assert values[0][10] == pytest.approx(1)
    np.testing.assert_allclose(values[0], values[1], atol=1e-5)  # they look just the same
    # The very same place of the second slide is the best: a click goes there.
    item = panel.found.item(0)
    assert item.text().startswith("1.00\nsecond")
    where = panel.found.visualItemRect(item).center()
    kit.bring_to_front(panel.found)
    qtbot.mouseClick(panel.found.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert session.shown is second
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], spot_um(session, "spot10"))
    assert across.workspace.scene.picked is not None  # with a ring around it
    assert session.shown.picked == "spot10"
    assert session.gene == "Like spot spot10 (image)"  # its map is on this one too
    session.select(first)
    session.set_um_per_px(1.0)  # no layer of another unit or scale is left
    assert panel.by.currentData() == "expression"  # its prediction ended: measured is left


def test_a_region_is_compared_by_expression_on_this_slide_alone(across, qtbot, click):
    from shapely.geometry import box

    panel, session = across.similar, across.workspace.session
    region = region_of(box(250, 180, 500, 420), "Gland")
    session.edit("Draw a region", regions=(region,))
    kit.bring_to_front(panel.search)
    across.workspace.layers.regions.select((region.id,))
    assert panel.place.currentText() == "Gland"
    panel.by.setCurrentIndex(panel.by.findData("expression"))
    panel.by.activated.emit(1)
    panel.everywhere.setChecked(False)
    panel.most.setValue(5)
    click(panel.search)
    qtbot.waitUntil(lambda: panel.found.count() == 5)
    assert session.gene == "Like Gland (expression)"
    assert "5 places like Gland on 1 slide" in panel.say.text()
    inside = across.similar._search.chosen
    assert inside.sum() == 4  # of spots 120 px apart, two by two lie in the region
    assert not any(inside[each.spot] for each in across.similar._similar.places)
    session.use_spots(kit.spots())  # other spots: their map is gone
    assert "Like Gland (expression)" not in session.genes


def test_open_slides_stand_side_by_side_in_one_range_of_colours(across, viewer, qtbot):
    session, sheet = across.workspace.session, across.sheet
    across.tabs.setCurrentWidget(sheet)
    kit.bring_to_front(sheet)
    session.show(gene="FASN")
    qtbot.waitUntil(lambda: sheet.sheet.count() == 2)
    everything = np.concatenate(
        [each.expression.values("predicted", "FASN") for each in session.open_slides]
    )
    assert sheet.bar.bar.limits == pytest.approx(np.percentile(everything, [2, 98]), rel=1e-4)
    assert sheet.bar.bar.title == "FASN, predicted"
    pictures = [sheet.sheet.item(row).icon().pixmap(150, 150).toImage() for row in range(2)]
    assert pictures[0] != pictures[1]
    second = session.open_slides[1]
    kit.bring_to_front(sheet.sheet)
    sheet.sheet.scrollToItem(sheet.sheet.item(1))
    where = sheet.sheet.visualItemRect(sheet.sheet.item(1)).center()
    qtbot.mouseClick(sheet.sheet.viewport(), Qt.MouseButton.LeftButton, pos=where)
    qtbot.mouseDClick(sheet.sheet.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert session.shown is second
    second.expression.results.clear()
    session.show(quantity="predicted")
    session.select(session.open_slides[0])
    qtbot.waitUntil(lambda: "1 of 2 slides have no predicted FASN" in sheet.say.text())


def test_pairs_are_placed_in_turn_and_bring_regions_and_spots_across(
    across, viewer, qtbot, click, tmp_path, notes, monkeypatch
):
    from shapely.geometry import box

    panel, session = across.landmarks, across.workspace.session
    first, second = session.open_slides
    across.tabs.setCurrentWidget(panel)
    kit.bring_to_front(panel.place)
    assert panel.onto.currentText() == second.name
    click(panel.place)
    assert panel.say.text().startswith(f"Click a landmark on {first.name} (pair 1)")
    # In µm: the second lies 40 µm to the right and 20 µm further down; the last pair is 40 µm off.
    for number, (y, x) in enumerate(((150, 200), (150, 500), (400, 500), (400, 200))):
        click_at(viewer, qtbot, (y, x))
        assert session.shown is second
        assert panel.say.text().startswith(f"Click the same place on {second.name}")
        viewer.reset_view()
        off = 40 if number == 3 else 0
        click_at(viewer, qtbot, (y + 20 + off, x + 40))
        assert session.shown is first
        viewer.reset_view()
    click(panel.place)
    assert panel.place.text() == "Place pairs"
    assert session.shown.history.undoable == "Place a landmark"
    assert panel.table.rowCount() == 4
    # A quarter of what is wrong on each, and all of it where one is left out; clicks are 3 µm.
    residuals = panel.registration.residuals_um
    assert residuals == pytest.approx([10, 10, 10, 10], abs=3)
    assert panel.registration.left_out_um == pytest.approx([40] * 4, abs=10)
    assert panel.table.item(0, 2).text() == f"{residuals[0]:.0f} µm"
    assert len(viewer.layers["Landmarks"].data) == 4
    panel.table.setCurrentCell(3, 0)
    click(panel.remove)
    assert "Three pairs always fit" in panel.say.text()
    region = region_of(box(600, 500, 800, 700), "Gland")
    session.edit("Draw a region", regions=(region,))
    click(panel.regions)
    assert session.shown is second
    (moved,) = second.annotations.regions
    assert moved.name == "Gland"
    assert np.array(moved.shape().bounds) * UM == pytest.approx([340, 270, 440, 370], abs=8)
    assert second.history.undoable == f"Bring regions from {first.name}"
    assert len(panel.pairs) == 3  # seen from the other side: the same pairs, turned round
    assert panel.registration.matrix[0, 2] == pytest.approx(-40, abs=8)
    session.select(first)
    asked = []
    monkeypatch.setattr(
        dialogs, "ask_replace_spots", lambda *said: bool(asked.append(said)) or True
    )
    click(panel.spots)
    assert asked[0][1:] == (second.name, 63)
    assert session.shown is second
    gone = np.asarray(second.spots.obsm["spatial"]) - np.asarray(first.spots.obsm["spatial"])
    assert gone.mean(axis=0) * UM == pytest.approx([40, 20], abs=4)
    assert second.spots.n_vars == 4  # with their counts
    save_session(session, tmp_path / "saved")
    kept = read_session(tmp_path / "saved").slides[0].annotations.landmarks
    assert kept == first.annotations.landmarks
    assert kept[0].name == second.name
    assert kit.sentences(notes) == []
