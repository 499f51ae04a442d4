"""How long another gene, a pan and a zoom take in the real window: part of `make bench`.

At 5,000, 100,000 and 700,000 spots, from the wish to the drawn frame, and as ratios to napari's own
Points recoloured by a feature, in the same run. The smallest of several times is taken.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import napari
import numpy as np
import pandas as pd
from anndata import AnnData
from findings import Finding, found
from qtpy.QtWidgets import QApplication

from napari_mclstexp.widgets.workspace import workspace_of

SIZES = (5_000, 100_000, 700_000)
GENES = ("A", "B", "C")
TIMES = 5


def spots(n: int) -> AnnData:
    """A finished prediction at n bins of 8 µm on a square grid (µm = px)."""
    side = int(np.ceil(np.sqrt(n)))
    rows, columns = np.divmod(np.arange(n), side)
    xy = np.stack([columns, rows], axis=1) * 8.0 + 4
    values = np.random.default_rng(0).random((n, len(GENES)), dtype=np.float32)
    values += np.sin(xy[:, :1] / 300).astype(np.float32) * np.arange(1, 4, dtype=np.float32)
    facts = {"model_name": "made up", "model_id": "m", "unit": "ln(1 + x)", "um_per_px": 1.0}
    return AnnData(
        X=values,
        obs=pd.DataFrame(index=[f"s{i}" for i in range(n)]),
        var=pd.DataFrame(index=list(GENES)),
        obsm={"spatial": xy},
        uns={"mclstexp": {**facts, "spot_diameter_um": 8.0}},
    )


def fastest(act: Callable[[int], None], viewer: napari.Viewer) -> float:
    """Seconds until the frame after an act is drawn, the least of several."""
    native = viewer.window._qt_viewer.canvas.native
    took = []
    for turn in range(TIMES + 1):  # the first warms up
        start = time.perf_counter()
        act(turn)
        QApplication.processEvents()
        native.grabFramebuffer()
        took.append(time.perf_counter() - start)
    return min(took[1:])


def moves(viewer: napari.Viewer) -> tuple[float, float]:
    """Seconds of a pan and of a zoom."""
    camera = viewer.scene.camera
    centre, zoom = np.array(camera.center), camera.zoom

    def pan(turn: int) -> None:
        camera.center = tuple(centre + np.array([0, 0, 5.0 * (turn + 1)]))

    def closer(turn: int) -> None:
        camera.zoom = zoom * (1 + 0.1 * (turn + 1))

    return fastest(pan, viewer), fastest(closer, viewer)


def ours(prediction: AnnData) -> tuple[float, ...]:
    """Seconds of a gene switch as spots and as a map, of a pan and of a zoom."""
    viewer = napari.Viewer()
    session = workspace_of(viewer).session
    session.use_prediction(prediction)
    session.show(show_spots=False)

    def switch(turn: int) -> None:
        session.show(gene=GENES[(turn + 1) % len(GENES)])

    as_spots = fastest(switch, viewer)
    pan, closer = moves(viewer)
    session.show(style="heatmap")
    as_map = fastest(switch, viewer)
    viewer.close()
    return as_spots, as_map, pan, closer


def plain(prediction: AnnData) -> tuple[float, ...]:
    """Seconds of recolouring napari's Points, of a pan and of a zoom."""
    viewer = napari.Viewer()
    places = np.asarray(prediction.obsm["spatial"])[:, ::-1]
    values = np.asarray(prediction.X)
    layer = viewer.add_points(
        places, size=8, features={"v": values[:, 0]}, face_color="v", border_width=0
    )
    viewer.reset_view()

    def switch(turn: int) -> None:
        layer.features = {"v": values[:, (turn + 1) % len(GENES)]}
        layer.refresh_colors(update_color_mapping=True)

    recolour = fastest(switch, viewer)
    pan, closer = moves(viewer)
    viewer.close()
    return recolour, pan, closer


def main() -> int:
    """Say it of each size."""
    for n in SIZES:
        prediction = spots(n)
        as_spots, as_map, pan, closer = ours(prediction)
        points, points_pan, points_closer = plain(prediction)
        ours_to = {
            "another gene": (as_spots, points),
            "another gene, as a map": (as_map, points),
            "pan": (pan, points_pan),
            "zoom": (closer, points_closer),
        }
        for what, (mine, theirs) in ours_to.items():
            against = f"{mine / theirs:.2f} of napari's Points"
            found(Finding("In the window", what, mine * 1000, "ms", against, at=n))
    return 0


if __name__ == "__main__":
    sys.exit(main())
