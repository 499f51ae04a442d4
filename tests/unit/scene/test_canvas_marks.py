"""What stands on the canvas beside the layers: titles, legend, divider, ring, where to look."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.domain_map import DomainMap
from napari_mclstexp.analysis.maps.contrast import UNCERTAINTY
from napari_mclstexp.scene.resolve import scene
from napari_mclstexp.scene.shown import fixed_colours
from napari_mclstexp.spots.tissue import Tissue


def test_maps_side_by_side_have_each_a_title_and_its_own_bar_over_its_copy(predicted):
    assert scene(predicted).panels == ()
    predicted.show(quantity="beside")
    left, right = scene(predicted).panels
    assert (left.title, right.title) == ("FASN, predicted", "FASN, measured")
    assert left.bar.limits != right.bar.limits
    assert right.box[0][1] >= left.box[1][1]  # beside it, not on it


def test_each_view_of_a_comparison_has_a_title(predicted):
    predicted.show(compare=("GNAS",))
    panels = scene(predicted).panels
    assert [(panel.title, panel.box) for panel in panels] == [
        ("FASN, predicted", None),
        ("GNAS, predicted", None),
    ]


def test_the_divider_stands_where_the_two_maps_meet(predicted):
    predicted.show(quantity="swipe", swipe=0.25)
    drawn = scene(predicted)
    at = drawn.swipe.x
    assert at == pytest.approx(drawn.swipe.left + 0.25 * (drawn.swipe.right - drawn.swipe.left))
    assert drawn.swipe.names == ("Predicted", "Measured")
    x = drawn.predicted.positions[:, 1]
    assert x[np.isfinite(drawn.predicted.values)].max() <= at
    assert x[np.isfinite(drawn.measured.values)].min() > at
    predicted.show(quantity="predicted")
    assert scene(predicted).swipe is None


def test_the_legend_names_the_domains_that_are_drawn_and_only_those(predicted):
    labels = ["d1"] * 10 + ["d2"] * (predicted.spots.n_obs - 10)
    found = DomainMap(
        labels=np.array(labels),
        names={"d1": "Stroma", "d2": "Tumour"},
        colours={"d1": (230, 159, 0), "d2": (86, 180, 233)},
        of="predicted",
        reason="",
    )
    predicted.edit("Find domains", domains=found)
    predicted.show(show_domains=True)
    legend = {entry.name: entry.colour for entry in scene(predicted).legend}
    assert legend == {"Stroma": (230, 159, 0), "Tumour": (86, 180, 233)}
    predicted.show(gene="GNAS")  # the domains fold away, and their legend with them
    assert scene(predicted).legend == ()


def test_a_ring_marks_the_clicked_spot_with_the_patch_that_was_read_there(predicted):
    assert scene(predicted).picked is None
    predicted.shown.picked = str(predicted.spots.obs_names[7])
    ring = scene(predicted).picked
    assert ring.centre == tuple(scene(predicted).spots.positions[7])
    config = predicted.model.config
    assert ring.patch == pytest.approx(config.patch_px * config.um_per_px)
    predicted.use_spots(predicted.spots.copy())  # others, though of the same names
    assert scene(predicted).picked is None


def test_the_view_is_for_the_tissue_and_not_for_the_glass(predicted):
    drawn = scene(predicted)
    (top, left), (bottom, right) = drawn.focus
    spots = drawn.spots.positions
    assert top < spots[:, 0].min() < spots[:, 0].max() < bottom
    wide, high = (
        side * predicted.um_per_px for side in (predicted.slide.width, predicted.slide.height)
    )
    assert (right - left) * (bottom - top) < 0.9 * wide * high
    mask = np.zeros((20, 20), dtype=bool)
    mask[4:12, 6:16] = True
    tissue = Tissue(mask, (predicted.slide.width / 20, predicted.slide.height / 20))
    assert tissue.box == (
        (6 * predicted.slide.width / 20, 4 * predicted.slide.height / 20),
        (16 * predicted.slide.width / 20, 12 * predicted.slide.height / 20),
    )
    assert Tissue(np.zeros((4, 4), dtype=bool), (1.0, 1.0)).box is None
    predicted.show(quantity="beside")
    beside = scene(predicted)
    assert beside.focus[1][1] > beside.measured.positions[:, 1].max()  # both copies
    assert beside.focus[1][1] < right + wide  # and not the glass between them


@pytest.mark.parametrize("quantity", ["spread", "distance"])
def test_how_sure_a_value_is_has_colours_of_its_own_and_says_which_end_is_sure(predicted, quantity):
    found = predicted.result.adata
    found.layers["spread"] = np.random.default_rng(0).random(found.shape).astype(np.float32)
    found.obs["similarity"] = np.linspace(0.5, 1, found.n_obs)
    predicted.show(quantity=quantity, colormap="magma")
    (bar,) = scene(predicted).bars
    assert bar.colormap == scene(predicted).predicted.colormap == UNCERTAINTY
    assert bar.ends == ("sure", "less sure")
    assert "colormap" in fixed_colours(predicted)  # so the dock offers none
    predicted.show(quantity="predicted")
    assert scene(predicted).bars[0].colormap == "magma"
    assert "colormap" not in fixed_colours(predicted)
