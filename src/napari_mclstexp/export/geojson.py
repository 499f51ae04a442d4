"""Regions as GeoJSON: what QuPath reads and writes, with names, colours and hierarchy."""

from __future__ import annotations

import json
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
    """Return the trees of regions in a FeatureCollection, a list of features, or one feature.

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
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        features = document.get("features")
        if isinstance(features, list):
            return features
    if isinstance(document, dict) and document.get("type") == "Feature":
        return [document]
    if isinstance(document, list):
        return document
    raise SettingsError(f"{source} is no FeatureCollection of regions; export it from QuPath anew.")


def _region(feature: Any, where: str) -> tuple[Region, str | None]:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise SettingsError(f"{where} is no GeoJSON feature.")
    geometry, said = feature.get("geometry"), feature.get("properties") or {}
    if not isinstance(geometry, dict) or not isinstance(said, dict):
        raise SettingsError(f"{where} has no geometry or no proper properties.")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        raise SettingsError(f"{where} is a {kind}; only polygons can be regions, leave it out.")
    parts: list[Any] = [coordinates] if kind == "Polygon" else list(coordinates or [])
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
    more = {"id": str(feature["id"])} if feature.get("id") is not None else {}
    colour = _colour(said.get("color", classified.get("color", classified.get("colorRGB"))), where)
    locked = bool(said.get("isLocked", said.get("locked", False)))
    return Region(_name(said, classified, where), polygons, colour, (), locked, **more), parent


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
