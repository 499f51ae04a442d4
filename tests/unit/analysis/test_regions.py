"""Regions: out to GeoJSON and back, what is in them, how two differ."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from shapely.affinity import translate
from shapely.geometry import (
    GeometryCollection,
    MultiPolygon,
    Point,
    Polygon,
    mapping,
    shape,
)
from shapely.geometry.polygon import orient

from napari_mclstexp.analysis.region import Region, domain_regions, region_of
from napari_mclstexp.analysis.region_edits import merged, renamed
from napari_mclstexp.analysis.region_statistics import compare_regions, region_report, spots_in
from napari_mclstexp.errors import OutputError, SettingsError
from napari_mclstexp.export.geojson import from_geojson, read_geojson, to_geojson, write_geojson


def square(x: float, y: float, side: float) -> Polygon:
    return Polygon([(x, y), (x + side, y), (x + side, y + side), (x, y + side)])


def corners(x: float, y: float, side: float, backwards: bool) -> tuple[tuple[float, float], ...]:
    """Return the closed ring of a square; a drawn ring may turn either way."""
    ring = ((x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y))
    return ring[::-1] if backwards else ring


@st.composite
def rings(draw):
    x, y, side = (float(draw(st.integers(low, 5000))) for low in (0, 0, 10))
    outer = corners(x, y, side, draw(st.booleans()))
    holes = [corners(x + 2, y + 2, side / 4, draw(st.booleans()))] if draw(st.booleans()) else []
    return (outer, *holes)


# A reader makes one printable line of a name, as a list shows it.
names = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20)
colours = st.tuples(*[st.integers(0, 255)] * 3)


def trees(children):
    return st.builds(
        Region,
        name=names,
        polygons=st.lists(rings(), min_size=1, max_size=3).map(tuple),
        colour=colours,
        children=children,
        locked=st.booleans(),
    )


region_trees = st.recursive(
    trees(st.just(())), lambda each: trees(st.lists(each, max_size=3).map(tuple)), max_leaves=6
)


def turned(region: Region) -> Region:
    """The same region with its rings as RFC 7946 has them, turned by shapely alone."""
    parts = [orient(Polygon(outer, holes)) for outer, *holes in region.polygons]
    return replace(
        region,
        polygons=tuple(
            tuple(tuple(ring.coords) for ring in (part.exterior, *part.interiors)) for part in parts
        ),
        children=tuple(turned(child) for child in region.children),
    )


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(region_trees, max_size=3))
def test_trees_go_out_and_come_back_equal(regions):
    document = json.loads(json.dumps(to_geojson(regions)))
    assert from_geojson(document) == tuple(turned(each) for each in regions)


def test_what_is_written_is_rfc_7946_with_qupaths_properties():
    hole = square(0, 0, 100).difference(square(20, 20, 10))
    region = region_of(
        hole, "tumour", colour=(1, 2, 3), children=(region_of(square(50, 50, 9), "in"),)
    )
    document = to_geojson([region])
    assert document["type"] == "FeatureCollection"
    outer, inner = document["features"]
    assert outer["properties"]["objectType"] == "annotation"
    assert outer["properties"]["classification"] == {"name": "tumour", "color": [1, 2, 3]}
    assert inner["properties"]["metadata"]["parent"] == outer["id"]
    assert outer["geometry"]["type"] == "Polygon"
    for ring, counterclockwise in zip(outer["geometry"]["coordinates"], (True, False), strict=True):
        assert ring[0] == ring[-1]
        assert Polygon(ring).exterior.is_ccw is counterclockwise
    assert shape(outer["geometry"]).area == pytest.approx(100**2 - 10**2)


def test_what_qupath_writes_is_read():
    """Its documented forms: an array, `colorRGB` of old versions, classes of classes."""
    ring = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
    feature = {
        "type": "Feature",
        "id": "PathAnnotationObject",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"classification": {"name": "Tumor", "colorRGB": -3670016}, "isLocked": True},
    }
    (region,) = from_geojson([feature])
    assert (region.name, region.colour, region.locked) == ("Tumor", (200, 0, 0), True)
    feature["properties"] = {"classification": {"names": ["Tumor", "CD8"], "color": [5, 6, 7]}}
    (region,) = from_geojson({"type": "FeatureCollection", "features": [feature]})
    assert (region.name, region.colour) == ("Tumor: CD8", (5, 6, 7))
    feature["properties"] = {"name": "mine"}
    assert from_geojson(feature)[0].name == "mine"
    assert not from_geojson(feature)[0].locked


def test_two_regions_of_an_old_qupath_are_two_though_it_gives_both_one_id():
    ring = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "id": "PathAnnotationObject", "geometry": geometry}
    one, other = from_geojson([feature, feature])
    assert one.id != other.id


SQUARE, TRIANGLE = Polygon([(0, 0), (10, 0), (10, 10), (0, 10)]), Polygon([(0, 0), (9, 0), (9, 9)])


@pytest.mark.parametrize(
    ("shapes", "areas"),
    [
        (SQUARE, [100]),
        (MultiPolygon([SQUARE, translate(TRIANGLE, 50)]), [140.5]),
        (GeometryCollection([SQUARE, TRIANGLE]), [100, 40.5]),
        ([SQUARE, GeometryCollection([TRIANGLE, SQUARE])], [100, 40.5, 100]),
    ],
    ids=lambda each: getattr(each, "geom_type", None),
)
def test_geometries_without_features_are_regions(shapes, areas):
    """As shapely writes them, or QuPath's scripts."""
    found = from_geojson([mapping(each) for each in shapes] if isinstance(shapes, list)
                         else mapping(shapes))  # fmt: skip
    assert [each.shape().area for each in found] == areas
    assert {each.name for each in found} == {"region"}


def test_a_feature_of_several_geometries_is_one_region():
    shapes = mapping(GeometryCollection([SQUARE, translate(TRIANGLE, 50)]))
    (region,) = from_geojson(json.loads(json.dumps(bad(geometry=shapes))))
    assert region.shape().area == 140.5
    with pytest.raises(SettingsError, match="is a Point"):
        from_geojson(mapping(GeometryCollection([SQUARE, Point(1, 1)])))


def bad(**changes):
    feature = {
        "type": "Feature",
        "id": "1",
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
        "properties": {"name": "r"},
    }
    return {**feature, **changes}


CIRCLE = [
    {**bad(id="1"), "properties": {"metadata": {"parent": "2"}}},
    {**bad(id="2"), "properties": {"metadata": {"parent": "1"}}},
]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("text", "holds no GeoJSON features or geometries"),
        ({"type": "Topology"}, "no GeoJSON features or geometries"),
        ({"type": "FeatureCollection"}, "no GeoJSON features or geometries"),
        ([1], "feature 1 holds no GeoJSON"),
        ([bad(), bad()], "feature 2: its id 1 is there twice"),
        ([bad(geometry=None)], "no geometry"),
        ([bad(properties="x")], "no proper properties"),
        ([bad(geometry={"type": "Point", "coordinates": [0, 0]})], "is a Point"),
        ([bad(geometry={"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]})], "closed"),
        ([bad(geometry={"type": "Polygon", "coordinates": [[["a", 0]] * 4]})], "closed"),
        ([bad(geometry={"type": "Polygon", "coordinates": [[[1e999, 0]] * 4]})], "closed"),
        ([bad(geometry={"type": "Polygon", "coordinates": []})], "no polygon"),
        ([bad(geometry={"type": "MultiPolygon", "coordinates": None})], "no polygon"),
        ([bad(properties={"color": "red"})], "colour 'red'"),
        (CIRCLE, "in a circle"),
    ],
)
def test_bad_geojson_is_named(document, words):
    with pytest.raises(SettingsError, match=words):
        from_geojson(document)


def test_files_are_whole_or_refused(tmp_path):
    region = region_of(square(0, 0, 10), "tumour")
    write_geojson([region], tmp_path / "r.geojson")
    assert read_geojson(tmp_path / "r.geojson")[0].name == "tumour"
    (tmp_path / "torn.geojson").write_text('{"type": "Fea')
    with pytest.raises(SettingsError, match="not a GeoJSON file"):
        read_geojson(tmp_path / "torn.geojson")
    with pytest.raises(SettingsError, match="There is no file"):
        read_geojson(tmp_path / "gone.geojson")
    with pytest.raises(OutputError):
        write_geojson([region], tmp_path / "gone" / "r.geojson")


@pytest.fixture
def grid():
    return np.array([(x, y) for x in range(0, 100, 10) for y in range(0, 100, 10)], dtype=float)


def test_a_spot_on_the_border_is_in_and_one_in_a_hole_is_not(grid):
    region = region_of(square(0, 0, 40).difference(square(15, 15, 10)), "ring")
    expected = [x <= 40 and y <= 40 and (x, y) != (20, 20) for x, y in grid]
    assert spots_in(region, grid).tolist() == expected


def test_a_report_counts_spots_and_square_millimetres(grid):
    inner = region_of(square(-1, -1, 22), "inner")
    outer = region_of(square(-1, -1, 52), "outer", children=(inner,))
    expression = grid[:, :1].astype(np.float32)
    table = region_report([outer], grid, 2.0, expression, ["X"])
    assert table["region"].tolist() == ["outer", "inner"]
    assert table["within"].tolist() == ["", "outer"]
    assert table["spots"].tolist() == [36, 9]
    assert table["area_mm2"].tolist() == pytest.approx([52**2 * 4e-6, 22**2 * 4e-6])
    assert table["X"].tolist() == pytest.approx([25, 10])
    far = region_report([region_of(square(900, 900, 5), "far")], grid, 2.0, expression, ["X"])
    assert (far["spots"][0], np.isnan(far["X"][0])) == (0, True)


def test_two_regions_are_compared_by_wilcoxon(grid):
    random = np.random.default_rng(0)
    expression = random.normal(size=(100, 3)).astype(np.float32)
    one = (grid <= 40).all(axis=1)
    assert one.sum() == 25
    expression[one, 1] += 3
    table = compare_regions(expression, ("A", "B", "C"), one, np.ones(100, bool))
    assert table["gene"][0] == "B"
    expected = stats.mannwhitneyu(expression[one, 1], expression[~one, 1])
    assert table["p"][0] == pytest.approx(expected.pvalue)
    with pytest.raises(SettingsError, match="first region has 0 spots"):
        compare_regions(expression, ("A", "B", "C"), np.zeros(100, bool), one)


def test_domains_become_regions_that_hold_their_spots(grid):
    labels = np.where(grid[:, 0] < 50, "1", "2")
    labels[0] = ""
    regions = domain_regions(grid, labels, [(1, 1, 1), (2, 2, 2)])
    assert [(each.name, each.colour) for each in regions] == [("1", (1, 1, 1)), ("2", (2, 2, 2))]
    for each in regions:
        (rings,) = each.polygons  # neighbours are one
        shape = Polygon(rings[0], rings[1:])
        assert all(shape.covers(Point(xy)) for xy in grid[labels == each.name])
        assert not any(shape.covers(Point(xy)) for xy in grid[labels != each.name])


def test_a_square_array_leaves_no_gaps_between_its_spots(grid):
    (region,) = domain_regions(grid, np.full(len(grid), "1"))
    ((outer, *holes),) = region.polygons
    assert not holes
    x, y = grid.T
    inside = (x.max() - x.min()) * (y.max() - y.min())
    assert Polygon(outer).area > inside
    lonely = np.where((grid == (50, 50)).all(axis=1), "2", "1")
    shapes = {each.name: each.shape() for each in domain_regions(grid, lonely)}
    assert not shapes["1"].covers(Point(50, 50))
    assert shapes["2"].covers(Point(50, 50))


def test_renaming_reaches_into_the_tree():
    inner = region_of(square(1, 1, 2), "inner")
    outer = region_of(square(0, 0, 9), "outer", children=(inner,))
    (changed,) = renamed([outer], inner.id, "TLS")
    assert [each.name for each in changed.walk()] == ["outer", "TLS"]
    assert changed.id == outer.id


def test_a_locked_region_is_not_merged_until_it_is_unlocked():
    fixed, other = (region_of(square(x, 0, 9), f"R{x}", locked=not x) for x in (0, 5))
    with pytest.raises(SettingsError, match="R0 is locked"):
        merged([fixed, other], [other.id, fixed.id])
    (one,) = merged([replace(fixed, locked=False), other], [fixed.id, other.id])
    assert one.shape().area == pytest.approx(14 * 9)


def test_a_region_without_area_is_refused():
    with pytest.raises(SettingsError, match="no area"):
        region_of(Polygon(), "nothing")
