"""A Scene in, napari layers out: what is drawn, and that only what differs is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points

from napari_mclstexp.scene.layer_specs import (
    ColourBar,
    ExpressionHeatmap,
    ExpressionPoints,
    Scene,
    SlideLayer,
    SpotsLayer,
)
from napari_mclstexp.slides import Level, Slide
from napari_mclstexp.widgets.layers.apply_scene import Layers
from napari_mclstexp.widgets.layers.overlays import scale_bar


class Grey(Slide):
    """A grey slide of 600 x 400 px with a second level of half the size."""

    def __init__(self):
        levels = (Level(600, 400, 1.0), Level(300, 200, 2.0))
        super().__init__(
            Path("grey.tif"), vendor="test", properties={}, levels=levels, um_per_px=0.5
        )

    def _read_inside(self, level, x, y, w, h):
        return np.full((h, w, 3), 200, np.uint8)

    def _release(self):
        pass


POSITIONS = np.array([[50.0, 60.0], [50.0, 160.0], [150.0, 110.0]])
SLIDE = SlideLayer("a", ("slide", 1), Grey(), 0.5, (0.25, 0.25))
SPOTS = SpotsLayer("spots", ("spots", 1), POSITIONS, 55.0, True)
FASN = ExpressionPoints(
    "FASN, predicted",
    ("spots", 1),
    POSITIONS,
    55.0,
    ("FASN", 1),
    np.array([0.0, 1.0, np.nan], dtype=np.float32),
    "viridis",
    (0.0, 1.0),
    0.8,
)
GNAS = replace(
    FASN,
    name="GNAS, predicted",
    values_key=("GNAS", 1),
    values=np.array([1.0, 0.0, 2.0], dtype=np.float32),
    limits=(0.0, 2.0),
)
HEATMAP = ExpressionHeatmap(
    "FASN, predicted",
    ("FASN", 1),
    np.full((20, 30), 0.5, dtype=np.float32),
    10.0,
    (5.0, 5.0),
    "magma",
    (0.0, 1.0),
    0.6,
)
SCENE = Scene(unit="µm", slide=SLIDE, spots=SPOTS)


@pytest.fixture
def viewer():
    return ViewerModel()


@pytest.fixture
def told():
    return []


@pytest.fixture
def layers(viewer, told):
    return Layers(viewer, told.append, lambda *edit: told.append(edit), told.append)


def test_a_slide_is_drawn_at_its_scale_in_micrometres_with_a_scale_bar(viewer, layers):
    layers.apply(SCENE)
    slide = layers["slide"]
    assert isinstance(slide, Image)
    assert slide.multiscale
    assert slide.rgb
    assert tuple(slide.scale) == (0.5, 0.5)
    assert [str(unit) for unit in slide.units] == ["micrometer"] * 2
    np.testing.assert_allclose(slide.extent.world, [[0.25, 0.25], [199.75, 299.75]])
    assert scale_bar(viewer).visible


def test_a_slide_without_scale_is_drawn_in_pixels_without_a_scale_bar(viewer, layers):
    layers.apply(Scene(unit="pixel", slide=replace(SLIDE, scale=1.0)))
    assert [str(unit) for unit in layers["slide"].units] == ["pixel"] * 2
    assert not scale_bar(viewer).visible


def test_setting_the_scale_later_keeps_the_layer(viewer, layers):
    layers.apply(Scene(unit="pixel", slide=replace(SLIDE, scale=1.0)))
    slide = layers["slide"]
    layers.apply(SCENE)
    assert layers["slide"] is slide
    assert tuple(slide.scale) == (0.5, 0.5)
    assert [str(unit) for unit in slide.units] == ["micrometer"] * 2


def test_spots_are_circles_of_true_diameter(layers):
    layers.apply(SCENE)
    spots = layers["spots"]
    assert isinstance(spots, Points)
    np.testing.assert_array_equal(spots.data, POSITIONS)
    assert set(spots.size) == {55.0}
    assert (spots.face_color[:, 3] == 0).all()
    assert {str(symbol) for symbol in spots.symbol} == {"disc"}


def test_points_get_the_colours_of_their_values_and_unknown_ones_are_not_drawn(layers):
    layers.apply(replace(SCENE, predicted=FASN))
    points = layers["predicted"]
    low, high, _ = points.face_color
    np.testing.assert_allclose(low[:3], [0.267, 0.005, 0.329], atol=0.01)
    np.testing.assert_allclose(high[:3], [0.993, 0.906, 0.144], atol=0.01)
    assert points.shown.tolist() == [True, True, False]
    assert points.opacity == 0.8


def test_another_gene_changes_the_colours_of_the_same_layer(layers):
    layers.apply(replace(SCENE, predicted=FASN))
    points, before = layers["predicted"], layers["predicted"].face_color.copy()
    layers.apply(replace(SCENE, predicted=GNAS))
    assert layers["predicted"] is points
    assert points.name == "GNAS, predicted"
    np.testing.assert_allclose(points.face_color[2, :3], [0.993, 0.906, 0.144], atol=0.01)
    assert not np.allclose(points.face_color[0], before[0])
    assert points.shown.all()


def test_limits_colormap_and_opacity_alone_change_the_colours(layers):
    layers.apply(replace(SCENE, predicted=GNAS))
    points = layers["predicted"]
    layers.apply(replace(SCENE, predicted=replace(GNAS, limits=(0.0, 1.0))))
    np.testing.assert_allclose(points.face_color[0, :3], [0.993, 0.906, 0.144], atol=0.01)
    layers.apply(replace(SCENE, predicted=replace(GNAS, colormap="gray", opacity=0.3)))
    np.testing.assert_allclose(points.face_color[2, :3], [1, 1, 1], atol=0.01)
    assert points.opacity == 0.3


def test_a_heatmap_lies_where_it_belongs_and_takes_the_place_of_the_points(viewer, layers):
    layers.apply(replace(SCENE, predicted=FASN))
    layers.apply(replace(SCENE, predicted=HEATMAP))
    heatmap = layers["predicted"]
    assert isinstance(heatmap, Image)
    assert len(viewer.layers) == 3
    np.testing.assert_allclose(heatmap.extent.world, [[5, 5], [195, 295]])
    assert heatmap.colormap.name == "magma"
    assert tuple(heatmap.contrast_limits) == (0.0, 1.0)
    image = np.full((20, 30), 0.9, dtype=np.float32)
    layers.apply(replace(SCENE, predicted=replace(HEATMAP, values_key=("x",), image=image)))
    assert layers["predicted"] is heatmap
    assert heatmap.data[0, 0] == np.float32(0.9)


def test_ours_are_stacked_slide_expression_however_they_came(viewer, layers):
    layers.apply(replace(SCENE, spots=None, predicted=FASN))
    drawing = viewer.add_shapes(name="hers")
    layers.apply(replace(SCENE, predicted=HEATMAP))
    ours = [viewer.layers.index(layers[slot]) for slot in ("slide", "spots", "predicted")]
    assert ours == sorted(ours)
    assert drawing in viewer.layers


def test_nothing_is_touched_when_nothing_changed(viewer, layers):
    layers.apply(replace(SCENE, predicted=FASN))
    heard = []
    for layer in viewer.layers:
        layer.events.connect(lambda event: heard.append(event.type))
    layers.apply(replace(SCENE, predicted=FASN))
    assert heard == []


def test_a_gene_switch_touches_only_the_expression(viewer, layers):
    layers.apply(replace(SCENE, predicted=FASN))
    heard = []
    for slot in ("slide", "spots"):
        layers[slot].events.connect(lambda event: heard.append(event.type))
    viewer.scene.camera.events.connect(lambda event: heard.append(event.type))
    layers.apply(replace(SCENE, predicted=GNAS))
    assert heard == []


def test_an_empty_scene_leaves_only_layers_of_others(viewer, layers):
    drawing = viewer.add_shapes(name="hers")
    layers.apply(replace(SCENE, predicted=FASN))
    layers.apply(Scene())
    assert list(viewer.layers) == [drawing]


def test_a_layer_that_the_person_removes_is_told_when_napari_is_through_and_can_be_restored(
    viewer, layers, told, qtbot
):
    layers.apply(replace(SCENE, predicted=FASN))
    viewer.layers.remove(layers["predicted"])
    viewer.layers.remove(layers["spots"])
    assert told == []
    qtbot.waitUntil(lambda: told == [("predicted", "spots")])
    assert len(viewer.layers) == 1
    layers.restore()
    ours = [layers[slot] for slot in ("slide", "spots", "predicted")]
    assert list(viewer.layers) == ours


def test_what_the_person_changes_in_naparis_controls_is_told_but_not_what_we_change(layers, told):
    layers.apply(replace(SCENE, predicted=FASN))
    layers.apply(replace(SCENE, predicted=replace(FASN, opacity=0.5)))
    assert told == []
    layers["predicted"].opacity = 0.25
    layers["spots"].visible = False
    assert told == [("opacity", 0.25), ("show_spots", False)]


def test_hidden_spots_are_no_layer_until_they_are_shown(viewer, layers):
    layers.apply(replace(SCENE, spots=replace(SPOTS, visible=False)))
    assert layers["spots"] is None
    layers.apply(SCENE)
    assert layers["spots"].visible


def test_the_whole_slide_is_in_view_when_it_comes(viewer, layers):
    layers.apply(SCENE)
    np.testing.assert_allclose(viewer.scene.camera.center[-2:], (100, 150), atol=1)


def test_the_canvas_says_gene_and_unit_beside_a_colour_bar(viewer, layers):
    bar = ColourBar("FASN", "predicted", "ln(1 + counts per 10,000)", (0.0, 1.0), "viridis")
    layers.apply(replace(SCENE, predicted=FASN, bars=(bar,)))
    text = viewer.canvas.overlays.text
    assert text.visible
    assert text.text.replace("\xa0", "") == "FASN, predicted\nln(1 + counts per 10,000)"
    assert layers["predicted"].face_colorbar.visible
    layers.apply(replace(SCENE, predicted=HEATMAP, bars=(bar,)))
    assert layers["predicted"].colorbar.visible
    layers.apply(SCENE)
    assert not text.visible


def test_the_canvas_shows_no_common_bar_for_two_ranges(viewer, layers):
    bar = ColourBar("FASN", "predicted", "counts", (0.0, 1.0), "viridis")
    bars = (bar, replace(bar, quantity="measured", limits=(0.0, 3.0)))
    layers.apply(replace(SCENE, predicted=FASN, measured=replace(FASN, name="m"), bars=bars))
    assert viewer.canvas.overlays.text.text.replace("\xa0", "") == "FASN\ncounts"
    assert not layers["predicted"].face_colorbar.visible
    assert not layers["measured"].face_colorbar.visible


def test_a_scene_that_failed_in_the_middle_is_drawn_when_asked_for_again(viewer, layers):
    def refuse(event):
        raise RuntimeError("no")

    layers.apply(SCENE)
    viewer.layers.events.inserting.connect(refuse)
    with pytest.raises(RuntimeError):
        layers.apply(replace(SCENE, predicted=FASN))
    viewer.layers.events.inserting.disconnect(refuse)
    layers.apply(replace(SCENE, predicted=FASN))
    assert layers["predicted"] in viewer.layers


def test_after_a_scene_that_failed_the_one_before_is_whole_again(viewer, layers):
    layers.apply(replace(SCENE, predicted=FASN))
    with pytest.raises(KeyError):
        layers.apply(replace(SCENE, predicted=replace(HEATMAP, colormap="no such colours")))
    layers.apply(replace(SCENE, predicted=FASN))
    assert isinstance(layers["predicted"], Points)
    assert [type(layer) for layer in viewer.layers].count(Image) == 1
