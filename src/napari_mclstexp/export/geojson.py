"""Regions as GeoJSON: what QuPath reads and writes, with names, colours and hierarchy."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..analysis.region import Region
from ..errors import SettingsError
from ..files import atomic_file
from ..reading import guarded, read_json

Ring = tuple[tuple[float, float], ...]
DEEPEST = 100  # regions in one another
FARTHEST = 1e9  # px from the slide's corner
LONGEST_NAME = 1000
# What QuPath before 0.4 writes as the id of each: it is no id.
_KIND_OF_QUPATH = re.compile(r"Path\w+Object")
PARENT = "parent"  # id of the region around it; QuPath keeps what it does not know in metadata


def to_geojson(regions: Sequence[Region]) -> dict[str, Any]:
    """Return trees of regions as a FeatureCollection (RFC 7946, QuPath's conventions).

    Coordinates are level-0 pixels, as QuPath has them. Every region is a feature of its own; the
    hierarchy is in ``properties.metadata.parent`` and follows in QuPath from the shapes
    (*Resolve hierarchy*).
    """
    return {
        "type": "FeatureCollection",
        "features": list(_each_feature(regions)),
    }


def from_geojson(document: Any, source: str = "The GeoJSON") -> tuple[Region, ...]:
    """Return the trees of regions in GeoJSON: features or bare geometries, one or many.

    Raises
    ------
    SettingsError
        Naming the feature that is wrong.
    """
    features = _list_of_features(document, source)
    found: dict[str, Region] = {}
    parents: dict[str, str | None] = {}
    for number, feature in enumerate(features, start=1):
        region, parent = _region(feature, f"{source}, feature {number}")
        if region.id in found:
            raise SettingsError(f"{source}, feature {number}: its id {region.id} is there twice.")
        found[region.id], parents[region.id] = region, parent
    children: dict[str | None, list[str]] = {}
    for each, parent in parents.items():
        children.setdefault(parent if parent in found else None, []).append(each)

    placed: set[str] = set()

    def grown(each: str, depth: int = 1) -> Region:
        if depth > DEEPEST:
            raise SettingsError(
                f"{source}: regions are inside each other more than {DEEPEST} deep; leave some out."
            )
        placed.add(each)
        below = tuple(grown(child, depth + 1) for child in children.get(each, []))
        region = found[each]
        return Region(region.name, region.polygons, region.colour, below, region.locked, region.id)

    trees = tuple(grown(each) for each in children.get(None, []))
    if len(placed) < len(found):
        raise SettingsError(f"{source}: some regions are inside each other in a circle.")
    return trees


def write_geojson(regions: Sequence[Region], path: Path) -> None:
    """Write regions to a .geojson file.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    with atomic_file(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for number, feature in enumerate(_each_feature(regions)):
            file.write((", " if number else "") + json.dumps(feature))
        file.write("]}")


def read_geojson(path: Path) -> tuple[Region, ...]:
    """Read regions from a .geojson file, QuPath's or ours.

    Raises
    ------
    SettingsError
        If it is missing, damaged or holds something else.
    """
    document = read_json(path, "a GeoJSON file of regions", SettingsError)
    with guarded(path, "a GeoJSON file of regions", SettingsError):
        return from_geojson(document, str(path))


def _each_feature(regions: Sequence[Region]) -> Iterator[dict[str, Any]]:
    for region in regions:
        yield from _features(region, None)


def _features(region: Region, parent: str | None) -> Iterator[dict[str, Any]]:
    parts = [[_turned(ring, hole=i > 0) for i, ring in enumerate(part)] for part in region.polygons]
    geometry: dict[str, Any] = {"type": "MultiPolygon", "coordinates": parts}
    if len(parts) == 1:
        geometry = {"type": "Polygon", "coordinates": parts[0]}
    properties: dict[str, Any] = {
        "objectType": "annotation",
        "name": region.name,
        "classification": {"name": region.name, "color": list(region.colour)},
        "color": list(region.colour),
        "isLocked": region.locked,
    }
    if parent is not None:
        properties["metadata"] = {PARENT: parent}
    yield {"type": "Feature", "id": region.id, "geometry": geometry, "properties": properties}
    for child in region.children:
        yield from _features(child, region.id)


def _turned(ring: Ring, *, hole: bool) -> Ring:
    """Return a ring as GeoJSON wants it: counter-clockwise (y up) outside, clockwise for a hole."""
    from shapely import is_ccw, linearrings

    return ring[::-1] if bool(is_ccw(linearrings(ring))) == hole else ring


def _list_of_features(document: Any, source: str) -> list[Any]:
    """Return the features of a document; a bare geometry is one that says nothing else."""
    if isinstance(document, list):
        parts = (
            _list_of_features(part, f"{source}, feature {number}")
            for number, part in enumerate(document, start=1)
        )
        return [each for part in parts for each in part]
    kind = document.get("type") if isinstance(document, dict) else None
    inside = {"FeatureCollection": "features", "GeometryCollection": "geometries"}.get(str(kind))
    if inside is not None and isinstance(document.get(inside), list):
        return _list_of_features(document[inside], source)
    if kind == "Feature":
        return [document]
    if "coordinates" in (document if kind is not None else ()):
        return [{"type": "Feature", "geometry": document}]
    raise SettingsError(
        f"{source} holds no GeoJSON features or geometries; export the regions from QuPath anew."
    )


def _region(feature: Any, where: str) -> tuple[Region, str | None]:
    geometry, said = feature.get("geometry"), feature.get("properties") or {}
    if not isinstance(geometry, dict) or not isinstance(said, dict):
        raise SettingsError(f"{where} has no geometry or no proper properties.")
    parts = _parts(geometry, where)
    try:
        polygons = tuple(tuple(_read_ring(ring) for ring in part) for part in parts)
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise SettingsError(f"{where} has coordinates that are no closed rings of x, y.") from error
    if not polygons or not all(polygons):
        raise SettingsError(f"{where} has no polygon in it.")
    classified = said.get("classification")
    classified = classified if isinstance(classified, dict) else {}
    metadata = said.get("metadata")
    parent = metadata.get(PARENT) if isinstance(metadata, dict) else None
    parent = None if parent is None else str(parent)
    named = feature.get("id")
    known = named is not None and not _KIND_OF_QUPATH.fullmatch(str(named))
    more = {"id": str(named)} if known else {}
    colour = _colour(said.get("color", classified.get("color", classified.get("colorRGB"))), where)
    locked = bool(said.get("isLocked", said.get("locked", False)))
    return Region(_name(said, classified, where), polygons, colour, (), locked, **more), parent


def _parts(geometry: dict[str, Any], where: str) -> list[Any]:
    """Return the polygons of a geometry, each a list of rings."""
    kind, inside = geometry.get("type"), geometry.get("geometries")
    if kind == "GeometryCollection" and isinstance(inside, list):
        each = [_parts(one if isinstance(one, dict) else {}, where) for one in inside]
        return [part for parts in each for part in parts]
    if kind not in ("Polygon", "MultiPolygon"):
        raise SettingsError(f"{where} is a {kind}; only polygons can be regions, leave it out.")
    coordinates = geometry.get("coordinates")
    return [coordinates] if kind == "Polygon" else list(coordinates or [])


def _name(said: dict[str, Any], classified: dict[str, Any], where: str) -> str:
    """Return what a feature is called, by itself or by its class."""
    names = classified.get("names")
    joined = ": ".join(map(str, names)) if isinstance(names, list) else ""
    name = said.get("name") or classified.get("name") or joined or "region"
    if not isinstance(name, (str, int, float)):
        raise SettingsError(f"{where} has a name that is no text; give it one.")
    name = " ".join("".join(c if c.isprintable() else " " for c in str(name)).split())
    if len(name) > LONGEST_NAME:
        raise SettingsError(f"{where} has a name of {len(name):,} letters; shorten it.")
    return name or "region"


def _read_ring(ring: Any) -> tuple[tuple[float, float], ...]:
    points = tuple((float(point[0]), float(point[1])) for point in ring)
    if len(points) < 4 or points[0] != points[-1]:
        raise ValueError("not closed")
    if not all(abs(value) < FARTHEST for point in points for value in point):
        raise ValueError("too far away, or not finite")
    return points


def _colour(value: Any, where: str) -> tuple[int, int, int]:
    if value is None:
        return Region.colour
    if isinstance(value, int):  # QuPath up to 0.3 packs it into one signed number
        packed = value & 0xFFFFFF
        return (packed >> 16, packed >> 8 & 255, packed & 255)
    if isinstance(value, list) and len(value) == 3 and all(isinstance(v, int) for v in value):
        return tuple(min(255, max(0, v)) for v in value)
    raise SettingsError(f"{where} has the colour {value!r}; it must be [red, green, blue].")
