"""A person's work as JSON and back; regions as GeoJSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ..analysis.domain_map import DomainMap
from ..analysis.domain_settings import DomainSettings
from ..analysis.region_comparison import RegionComparison
from ..analysis.registration import LandmarkPair, SlideLandmarks
from ..analysis.signatures import Signature
from ..export.geojson import from_geojson, to_geojson
from .annotations import Annotations


def annotations_document(annotations: Annotations) -> dict[str, Any]:
    """Return work as JSON."""
    domains, comparison = annotations.domains, annotations.comparison
    return {
        "regions": to_geojson(annotations.regions),
        "signatures": [asdict(each) for each in annotations.signatures],
        "notes": annotations.notes,
        "comparison": None if comparison is None else comparison.document(),
        "landmarks": [asdict(each) for each in annotations.landmarks],
        "domains": None
        if domains is None
        else {
            "labels": domains.labels.tolist(),
            "names": dict(domains.names),
            "colours": {key: list(colour) for key, colour in domains.colours.items()},
            "settings": asdict(domains.settings),
            "reason": domains.reason,
            "of": domains.of,
        },
    }


def annotations_from(document: dict[str, Any], source: str) -> Annotations:
    """Return work from its JSON.

    Raises
    ------
    SettingsError, KeyError, TypeError, ValueError
        If it is not as :func:`annotations_document` writes it.
    """
    found, compared = document["domains"], document.get("comparison")
    domains = None
    if found is not None:
        domains = DomainMap(
            np.array(found["labels"], dtype=str),
            {str(key): str(name) for key, name in found["names"].items()},
            {str(key): rgb(colour) for key, colour in found["colours"].items()},
            DomainSettings(**found["settings"]),
            str(found["reason"]),
            str(found["of"]),
        )
        if set(domains.keys) - set(domains.names) or set(domains.keys) - set(domains.colours):
            raise ValueError("a domain has no name or no colour")
    return Annotations(
        regions=from_geojson(document["regions"], source),
        domains=domains,
        signatures=tuple(
            Signature(str(each["name"]), tuple(map(str, each["genes"])), str(each["source"]))
            for each in document["signatures"]
        ),
        notes=str(document["notes"]),
        comparison=None if compared is None else RegionComparison.read(compared),
        landmarks=tuple(landmarks_from(each) for each in document.get("landmarks", ())),
    )


def landmarks_from(document: Mapping[str, Any]) -> SlideLandmarks:
    """Return landmarks from their JSON, as ``dataclasses.asdict`` has them."""
    pairs = tuple(
        LandmarkPair(_point(each["here"]), _point(each["there"])) for each in document["pairs"]
    )
    return SlideLandmarks(str(document["onto"]), str(document["name"]), pairs)


def _point(found: list[float]) -> tuple[float, float]:
    x, y = (float(value) for value in found)
    return x, y


def rgb(colour: Sequence[int]) -> tuple[int, int, int]:
    """Return red, green and blue of their JSON."""
    red, green, blue = (int(value) for value in colour)
    return red, green, blue
