"""Slides with and without a scale, one after the other, and layers of others among ours."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support import widget_kit as kit
from support.places import TESTS, environment

PROGRAM = TESTS / "support" / "scale_program.py"


@pytest.fixture
def session(docks):
    """The session of both docks."""
    return docks[0].workspace.session


def units(viewer):
    return {str(unit) for layer in viewer.layers for unit in layer.units}


def look(viewer, qtbot):
    qtbot.wait(30)
    return viewer.screenshot(canvas_only=True, flash=False)


def test_switching_between_slides_with_and_without_scale_survives(tmp_path):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment(),
        check=False,
    )
    assert done.stdout.strip().endswith("survived"), done.stderr[-3000:]
    assert done.returncode == 0


def test_regions_get_the_unit_of_the_slide_when_its_scale_is_set(
    session, viewer, qtbot, tmp_path, notes
):
    session.use_slide(open_slide(kit.write_slide(tmp_path / "bare.tif", um_per_px=None)))
    ring = ((100.0, 100.0), (500.0, 100.0), (500.0, 400.0), (100.0, 100.0))
    session.edit("Draw", regions=(Region("one", ((ring,),)),))
    look(viewer, qtbot)
    assert units(viewer) == {"pixel"}
    session.set_um_per_px(0.5)
    look(viewer, qtbot)
    assert units(viewer) == {"micrometer"}
    assert not [note for note in notes if "units" in note.message]


def test_nothing_is_drawn_of_a_scene_that_is_half_of_the_slide_before(
    session, viewer, qtbot, tmp_path, slide_file, spots_file, notes
):
    painted, changing = [], []
    canvas = viewer.window._qt_viewer.canvas._scene_canvas
    canvas.events.draw.connect(lambda _: painted.append(bool(changing)))

    def change(act, *arguments):
        changing.append(act)
        act(*arguments)
        changing.clear()
        look(viewer, qtbot)

    change(session.use_slide, open_slide(slide_file))
    change(session.use_spots, read_spots(spots_file))
    bare = kit.write_slide(tmp_path / "bare.tif", um_per_px=None)
    change(session.use_slide, open_slide(bare))
    for _ in range(6):
        change(session.select_next)
    assert painted
    assert not any(painted)
    assert not [note for note in notes if "units" in note.message]


def test_layers_of_others_in_other_units_do_no_harm(
    session, viewer, qtbot, tmp_path, slide_file, spots_file
):
    session.use_slide(open_slide(slide_file))
    session.use_spots(read_spots(spots_file))
    hers = viewer.add_points(np.array([[10.0, 10.0], [200.0, 300.0]]), name="hers")
    also = viewer.add_labels(np.ones((40, 40), dtype=np.uint8), scale=(5, 5), units=("nm", "nm"))
    session.use_slide(open_slide(kit.write_slide(tmp_path / "bare.tif", um_per_px=None)))
    for _ in range(8):
        look(viewer, qtbot)
        session.select_next()
    look(viewer, qtbot)
    assert hers in viewer.layers
    assert also in viewer.layers
    assert [str(unit) for unit in hers.units] == ["pixel"] * 2


def test_spots_that_were_deleted_by_hand_from_a_layer_come_back_whole(
    session, viewer, qtbot, slide_file, spots_file, docks
):
    session.use_slide(open_slide(slide_file))
    session.use_spots(read_spots(spots_file))
    layers = docks[0].workspace.layers
    for slot in ("spots", "measured"):
        layers[slot].selected_data = {0, 1, 2}
        layers[slot].remove_selected()
    session.show(gene="GNAS")
    look(viewer, qtbot)
    for slot in ("spots", "measured"):
        layer = layers[slot]
        rows = {len(layer.data), len(layer.size), len(layer.face_color), len(layer.shown)}
        assert rows == {63}
    assert len(layers["measured"].features) == 63
