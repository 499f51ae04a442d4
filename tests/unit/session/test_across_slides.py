"""Landmarks, similar places and a contact sheet of several open slides, without a window."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.analysis.registration import LandmarkPair
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.scene.open_sheet import open_sheet
from napari_mclstexp.session.annotations_json import annotations_document, annotations_from
from napari_mclstexp.session.autosave import Kept
from napari_mclstexp.session.session import Session
from napari_mclstexp.session.similar_search import can_search, prepare_search
from napari_mclstexp.session.slide_landmarks import (
    bring_regions,
    bring_spots,
    landmarks_between,
    set_landmarks,
    without_children_of_chosen,
)
from napari_mclstexp.slides import open_slide
from support.session_kit import finished, kept_session, make_model, make_spots, region, write_slide

PAIRS = tuple(
    LandmarkPair((x, y), (x + 20, y + 10)) for x, y in ((0.0, 0.0), (400.0, 0.0), (0.0, 400.0))
)


@pytest.fixture
def two(tmp_path):
    """A session with two slides of 2 µm per px; the first is shown, with spots."""
    session = Session()
    for name, shade in (("a.png", 150), ("b.png", 120)):
        session.use_slide(open_slide(write_slide(tmp_path, name, shade)))
        session.set_um_per_px(2.0)
    session.select(session.open_slides[0])
    session.use_spots(make_spots())
    return session


def test_landmarks_are_kept_once_and_seen_from_both_slides(two):
    first, second = two.open_slides
    set_landmarks(two, "Place a landmark", first, second, PAIRS)
    back = landmarks_between(second, first)
    assert back == tuple(LandmarkPair(each.there, each.here) for each in PAIRS)
    two.select(second)
    set_landmarks(two, "Remove a landmark", second, first, back[1:])
    assert second.annotations.landmarks == ()  # they stay where they were begun
    assert landmarks_between(first, second) == PAIRS[1:]
    document = json.loads(json.dumps(annotations_document(first.annotations)))
    assert annotations_from(document, "x").landmarks == first.annotations.landmarks
    del document["landmarks"]  # as an earlier version wrote it
    assert annotations_from(document, "x").landmarks == ()
    assert not first.annotations.empty
    two.select(first)
    two.undo()
    assert landmarks_between(first, second) == PAIRS
    kept = Kept(None, None, kept_session(first.annotations).slides[0])
    assert kept.for_spots(None)["landmarks"] == first.annotations.landmarks


def test_regions_and_spots_go_to_the_other_slide(two):
    first, second = two.open_slides
    inner, outer = region("Gland"), region("Tumour")
    with pytest.raises(SettingsError, match="There are no regions on a"):
        bring_regions(two, first, second, ())
    set_landmarks(two, "Place", first, second, PAIRS)
    bring_regions(two, first, second, (outer,))
    assert second.annotations.regions[0].shape().bounds == pytest.approx((30, 20, 120, 110))
    assert second.history.undoable == "Bring regions from a.png"
    # The slide is 500 px wide, spots lie at 50, 100, ... 400 px and 20 more.
    assert bring_spots(two, first, second) == 64
    assert two.shown is second
    assert second.spots.obsm["spatial"].min(axis=0) == pytest.approx([70, 60])
    assert first.spots.obsm["spatial"].min() == 50
    tree = (region("Tumour", children=(inner,)), region("Fat"))
    chosen = without_children_of_chosen(tree, [tree[0].id, inner.id])
    assert chosen == [tree[0]]
    assert without_children_of_chosen(tree, [inner.id]) == [inner]


def test_one_gene_on_all_open_slides_has_one_range(two):
    first, second = two.open_slides
    two.show(gene="FASN", quantity="measured")
    sheet = open_sheet(two)
    drawn = sheet.drawn(100)
    assert drawn.without == ("b.png",)
    assert [each.shape[:2] for each in drawn.pictures] == [(90, 100)] * 2
    values = first.expression.values("measured", "FASN")
    assert drawn.bar.limits == pytest.approx(np.percentile(values, [2, 98]), rel=1e-5)
    two.select(second)
    two.use_spots(make_spots(names=("OTHER", "FASN", "GNAS", "MALAT1")))  # with other counts
    two.select(first)
    both = open_sheet(two)
    assert both.key != sheet.key
    every = [each.expression.values("measured", "FASN") for each in (first, second)]
    drawn = both.drawn(100)
    assert drawn.without == ()
    assert drawn.bar.limits == pytest.approx(np.percentile(np.concatenate(every), [2, 98]), 1e-5)


def test_a_search_leaves_out_what_cannot_be_compared_and_says_so(two):
    first, second = two.open_slides
    assert not can_search(two, "image")
    with pytest.raises(SettingsError, match="No place is chosen"):
        prepare_search(two, "expression")
    two.select(second)
    two.use_spots(make_spots(counts=False))
    two.select(first)
    search = prepare_search(two, "expression", spot="3x3")
    assert search.opened == (first,)
    assert search.left_out == ("b.png was left out: Nothing was measured at these spots.",)
    assert search.apart_um == pytest.approx(2.5 * 100)
    found = search.run()
    search.show(two, found)
    assert two.gene == "Like spot 3x3 (expression)"
    np.testing.assert_array_equal(two.expression.values("measured", two.gene), found.similarity[0])
    two.use_model(make_model())
    finished(two)
    assert two.expression.values("predicted", two.display.gene) is not None
    with pytest.raises(SettingsError, match="no image features; run it anew"):
        prepare_search(two, "image", spot="3x3")
    corner = ((450.0, 440.0), (460.0, 440.0), (460.0, 445.0), (450.0, 440.0))
    far = Region("Tumour", ((corner,),))
    with pytest.raises(SettingsError, match="There is no spot in Tumour"):
        prepare_search(two, "expression", region=far)
