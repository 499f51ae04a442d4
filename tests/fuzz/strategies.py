"""What a text of each kind may hold, right and wrong, as hypothesis builds and shrinks it."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

NUMBERS = st.one_of(
    st.integers(), st.floats(), st.sampled_from([0, -1, 10**400, 1e308, 2**31, 2**63])
)
WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["FASN", "=1+1", "../../etc", "\0", "nan", "1e999", "\u202e", "a" * 2000]),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, max_size=4)),
    max_leaves=12,
)


def one_of_or_anything(right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what is right, and now and then anything."""
    return st.one_of(right, right, right, ANYTHING)


def objects(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these fields, each there or not, each right or not."""
    return st.fixed_dictionaries(
        {}, optional={name: one_of_or_anything(each) for name, each in fields.items()}
    )


_POINT = st.tuples(NUMBERS, NUMBERS).map(list)
_RING = st.lists(one_of_or_anything(_POINT), max_size=6).map(
    lambda points: [*points, *points[:1]]  # most are closed
)
_FEATURE = st.fixed_dictionaries(
    {
        "type": st.just("Feature"),
        "geometry": objects(
            type=st.sampled_from(["Polygon", "MultiPolygon", "Point"]),
            coordinates=st.lists(one_of_or_anything(_RING), max_size=3),
        ),
    },
    optional={
        "id": one_of_or_anything(WORDS),
        "properties": objects(
            name=WORDS,
            color=st.lists(st.integers(-9, 300), min_size=3, max_size=3),
            isLocked=st.booleans(),
            classification=objects(name=WORDS, names=st.lists(WORDS), colorRGB=st.integers()),
            metadata=objects(parent=WORDS),
        ),
    },
)
GEOJSON = st.fixed_dictionaries(
    {
        "type": st.just("FeatureCollection"),
        "features": one_of_or_anything(st.lists(one_of_or_anything(_FEATURE), max_size=4)),
    }
).map(json.dumps)

FACTORS = one_of_or_anything(
    objects(
        spot_diameter_fullres=NUMBERS,
        bin_size_um=NUMBERS,
        microns_per_pixel=NUMBERS,
        tissue_hires_scalef=NUMBERS,
    )
).map(json.dumps)

GMT = st.lists(st.lists(WORDS, max_size=5).map("\t".join), max_size=5).map("\n".join)
GENES = st.lists(WORDS, max_size=6).map("\n".join)


def tables(*columns: str, between: str = ",") -> st.SearchStrategy[str]:
    """Tables with these columns in any order, some of them missing, and rows of any length."""
    cells = st.one_of(WORDS, NUMBERS.map(str), st.sampled_from(["a.tif", "a.csv", "1", "400"]))
    header = st.lists(st.sampled_from(columns), max_size=len(columns) + 1)
    whole = st.one_of(st.just(list(columns)), st.just(list(columns)), header)
    rows = st.lists(st.lists(cells, max_size=len(columns) + 1), max_size=5)
    return st.tuples(whole, rows).map(
        lambda made: "\n".join(between.join(row) for row in (made[0], *made[1]))
    )


def changed(document: dict[str, Any]) -> st.SearchStrategy[str]:
    """A right JSON object, of which some fields hold anything."""
    return st.dictionaries(st.sampled_from(sorted(document)), ANYTHING, max_size=3).map(
        lambda said: json.dumps({**document, **said})
    )
