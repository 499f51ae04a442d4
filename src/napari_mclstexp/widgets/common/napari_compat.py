"""What is used of napari beyond its public interface; checked with napari 0.9.2.

Its controls of a layer have their own file, :mod:`.late_controls`.

Two faults of its canvas end the program inside the driver when layers come and go on screen:

* When a layer goes, the canvas flushes its queue of OpenGL commands at once, into whichever
  context is current: often Qt's own, with which the window is put together. Buffers that are
  deleted there leave dangling ones in the canvas' context, and the next draw reads them.
* Some changes of the layer list paint the window then and there, so that a scene is drawn of which
  half is still of the slide before.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers.base._base_constants import ActionType

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

# What a layer of shapes tells when a person has added, removed or changed one.
SHAPES_CHANGED = (ActionType.ADDED, ActionType.REMOVED, ActionType.CHANGED)


def main_window(viewer: Any) -> QWidget | None:
    """Return the Qt window of a viewer, None where it has none (any more)."""
    window: QWidget | None = getattr(getattr(viewer, "window", None), "_qt_window", None)
    return window


def canvas_height(viewer: Any, without_window: int = 600) -> int:
    """Return the height of a viewer's canvas, in px of the screen."""
    if not viewer.window:
        return without_window
    return int(viewer.window._qt_viewer.canvas.native.height())


def fit_to(viewer: Any, box: Any, margin: float = 0.06) -> None:
    """Have a viewer look at a box of the world, or at all of it.

    Parameters
    ----------
    viewer
        A napari viewer.
    box
        ((y, x), (y, x)) of its first and last corner in world units; None looks at all there is.
    margin
        Share of the view that stays free around it.
    """
    if box is None:
        viewer.reset_view()
        return
    (top, left), (bottom, right) = box
    high, wide = viewer.canvas.viewbox_size(viewer.layers)
    camera = viewer.scene.camera
    camera.center = (0.0, (top + bottom) / 2, (left + right) / 2)
    zoom = min(high / max(bottom - top, 1e-9), wide / max(right - left, 1e-9))
    camera.zoom = (1 - margin) * zoom


def canvas_widget(viewer: Any) -> Any:
    """Return the Qt widget that the layers are drawn in, or None where there is no window."""
    scene_canvas = _scene_canvas(viewer)
    return None if scene_canvas is None else scene_canvas.native


def layer_panels(viewer: Any) -> tuple[Any, ...]:
    """Return napari's docks of the layers and of their controls; none where there is no window."""
    qt_viewer = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
    return () if qt_viewer is None else (qt_viewer.dockLayerList, qt_viewer.dockLayerControls)


def canvas_font(viewer: Any) -> Any:
    """Return the letters that are drawn on the canvas so far, None where there is no window.

    A letter that is asked of it (``font["A"]``) is drawn if it was not yet.
    """
    qt_viewer = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
    canvas = getattr(qt_viewer, "canvas", None)
    if canvas is None or not hasattr(canvas, "font_info"):
        return None
    info = canvas.font_info()
    return info.font_manager.get_font(info.face)


def visible_box(viewer: Any) -> tuple[float, float, float, float] | None:
    """Return the (left, top, right, bottom) that a window shows, in world units."""
    if not viewer.window:
        return None
    native = viewer.window._qt_viewer.canvas.native
    camera = viewer.scene.camera
    y, x = camera.center[-2:]
    width, height = native.width() / camera.zoom, native.height() / camera.zoom
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def prefer_reader(viewer: Any, plugin: str, takes: Callable[[str], bool]) -> None:
    """Have a viewer open files by a plugin, without asking for one, where that takes all of them.

    It holds for what is dropped and for what is chosen from the menu, in this viewer alone; the
    person's own settings stay as they are. Who asks for another reader gets it.
    """
    qt_viewer = getattr(viewer.window, "_qt_viewer", None)
    if qt_viewer is None or "_qt_open" in vars(qt_viewer):
        return
    original = weakref.WeakMethod(qt_viewer._qt_open)

    def opened(
        filenames: list[str],
        stack: Any = False,
        choose_plugin: bool = False,
        plugin_wanted: str | None = None,
        **more: Any,
    ) -> None:
        wanted = more.pop("plugin", plugin_wanted)
        if wanted is None and not choose_plugin and not stack and all(map(takes, filenames)):
            wanted = plugin
        there = original()
        if there is not None:
            there(filenames, stack, choose_plugin, wanted, **more)

    qt_viewer._qt_open = opened


def is_drawing(layer: Any) -> bool:
    """Whether the person is in the middle of drawing or moving a shape of a layer.

    napari tells of a new shape when its drawing begins; only these flags say when it ends.
    """
    return bool(getattr(layer, "_is_creating", False) or getattr(layer, "_is_moving", False))


def flush_in_own_context(viewer: Any) -> None:
    """Have the canvas of a viewer make its OpenGL context current before it flushes."""
    scene_canvas = _scene_canvas(viewer)
    if scene_canvas is None or "finish" in vars(scene_canvas.context):
        return
    canvas, flush = weakref.ref(scene_canvas), weakref.WeakMethod(scene_canvas.context.finish)

    def finish() -> None:
        there, original = canvas(), flush()
        if there is not None and original is not None and there.native.isValid():
            there.set_current()
            original()

    scene_canvas.context.finish = finish


@contextmanager
def unpainted(viewer: Any) -> Iterator[None]:
    """Let nothing be painted inside the block: what is shown changes at once, when it is whole."""
    scene_canvas = _scene_canvas(viewer)
    native = None if scene_canvas is None else scene_canvas.native
    if native is None or not native.updatesEnabled():
        yield
        return
    native.setUpdatesEnabled(False)
    try:
        yield
    finally:
        native.setUpdatesEnabled(True)


@contextmanager
def changed_together(viewer: Any, going: int, coming: int) -> Iterator[None]:
    """Let the canvas arrange itself once for these numbers of layers, not for each that goes.

    It searches all of Python's memory for garbage each time; for layers that only come it does not.
    Of those, only the last is selected, as it would be in the end: a selection dresses all of
    napari's buttons anew.
    """
    layers, together = viewer.layers, going > 0 and going + coming > 1
    before, selects = set(layers), getattr(layers, "_activate_on_insert", False)
    layers._activate_on_insert = False
    if together:
        layers.events.begin_batch()
    try:
        yield
    finally:
        layers._activate_on_insert = selects
        if selects and layers and layers[-1] not in before:
            layers.selection.active = layers[-1]
        if together:
            layers.events.end_batch()


def face_events(layer: Any) -> Any:
    """Return what tells of the colours of a layer of points, None for other layers."""
    return getattr(getattr(layer, "_face", None), "events", None)


@contextmanager
def coloured_once(points: Any) -> Iterator[None]:
    """Send the colours of a layer of points to the canvas once, when the block has ended.

    napari sends all of the layer's points again at each of the steps that one change of its values
    takes: features, limits, colours.
    """
    told = points._face.events
    with told.colors.blocker(), told.color_properties.blocker():
        yield
    told.colors()


# As vispy's, but what lies outside a letter, and near it, is white.
_HALO = """
    uniform sampler2D u_font_atlas;
    uniform vec2 u_font_atlas_shape;
    uniform float u_npix;
    varying vec4 v_color;
    varying vec2 v_texcoord;

    void main(void) {
        float d = texture2D(u_font_atlas, v_texcoord).r;
        float w = max(0.5 * fwidth(d), 0.02);
        float letter = smoothstep(0.5 - w, 0.5 + w, d);
        float halo = smoothstep(0.04, 0.2, d);
        if (halo <= 0.0) discard;
        gl_FragColor = vec4(mix(vec3(1.0), v_color.rgb, letter), v_color.a * max(letter, halo));
    }
"""


def halo_around_text(viewer: Any, layer: Any) -> None:
    """Draw what is written on a layer with a white halo, so that it reads on any tissue."""
    qt_viewer = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
    visuals = getattr(getattr(qt_viewer, "canvas", None), "layer_to_visual", {})
    node = getattr(getattr(visuals.get(layer), "node", None), "text", None)
    program = getattr(node, "shared_program", None)
    if program is not None:
        program.frag = _HALO


def compile_shapes() -> None:
    """Compile how outlines are drawn, which the first layer of shapes does otherwise, for seconds.

    May be called from any thread, which a layer may not be made in: its units are read lazily.
    """
    try:
        from napari.layers.shapes._accelerated_triangulate_dispatch import warmup_numba_cache
        from napari.layers.shapes._shapes_models import Polygon
    except ImportError:  # another napari: its first layer does it
        return
    warmup_numba_cache()
    Polygon(np.array([[0, 0], [0, 2], [2, 2], [2, 0]], dtype=np.float32))


def set_canvas_cursor(viewer: Any, cursor: Any) -> None:
    """Give the canvas a cursor of our own; None gives it the one that napari's tool has."""
    canvas = getattr(getattr(getattr(viewer, "window", None), "_qt_viewer", None), "canvas", None)
    if canvas is None:
        return
    if cursor is None:
        canvas._on_cursor()
    else:
        canvas.native.setCursor(cursor)


def _scene_canvas(viewer: Any) -> Any:
    """Return the vispy canvas of a viewer, or None where there is no window (any more)."""
    qt_viewer = getattr(getattr(viewer, "window", None), "_qt_viewer", None)
    return getattr(getattr(qt_viewer, "canvas", None), "_scene_canvas", None)
