"""Each reader gives a result or one sentence: on files that once broke it, and on built ones."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz import strategies as s
from fuzz.driver import FOUND, LARGEST_KEPT, PACKED, outcome
from fuzz.mutate import mutated
from fuzz.parsers import parsers

GOOD = ("read", "sentence")
KEPT = sorted(path for path in FOUND.iterdir() if not path.name.startswith("."))
CONFIG = {
    "format": 1, "name": "a", "genes": ["FASN", "GNAS"], "um_per_px": 0.5,
    "positions": {"n_rows": 8, "n_cols": 8}, "encoder": {"name": "densenet121"},
}  # fmt: skip
TEXTS = {
    "geojson": s.GEOJSON,
    "factors": s.FACTORS,
    "gmt": s.GMT,
    "genes": s.GENES,
    "xy": s.tables("barcode", "x", "y", "array_row", "array_col"),
    "legacy": s.tables("x", "y", "pixel_x", "pixel_y", "selected", between="\t"),
    "cohort": s.tables("section", "patient", "slide", "spots", "um_per_px"),
    "slides": s.tables("slide", "spots", "name", "um_per_px", "group"),
    "config": s.changed(CONFIG),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.name)
def test_files_that_once_broke_a_reader(kept, place):
    assert kept.stat().st_size <= LARGEST_KEPT
    name = next(each for each in parsers() if kept.name.startswith(each.replace(" ", "-") + "-"))
    path = place / f"kept{parsers()[name].ending}"
    content = kept.read_bytes()
    path.write_bytes(lzma.decompress(content) if kept.suffix == PACKED else content)
    assert outcome(parsers()[name].read, path) in GOOD


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_every_kind(name, place):
    parser = parsers()[name]

    @settings(
        max_examples=40, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(TEXTS[name])
    def check(text: str) -> None:
        path = place / f"text{parser.ending}"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        assert outcome(parser.read, path) in GOOD

    check()


@pytest.mark.parametrize("name", ["tiff", "png", "weights", "torch", "features", "h5ad"])
def test_damaged_files_of_every_kind(name, place):
    parser = parsers()[name]
    (place / name).mkdir()
    seeds = parser.seeds(place / name)

    @settings(
        max_examples=12, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.sampled_from(seeds), st.randoms(use_true_random=False))
    def check(seed: bytes, chance) -> None:
        path = place / f"damaged{parser.ending}"
        path.write_bytes(mutated(seed, chance))
        assert outcome(parser.read, path) in GOOD

    check()


@pytest.mark.filterwarnings("ignore:zarr v3 autosharding")  # anndata, that writes them
def test_whole_files_are_read(place):
    """Else all that is refused would be no sign of anything."""
    for name, parser in parsers().items():
        (place / f"whole {name}").mkdir()
        came = []
        for content in parser.seeds(place / f"whole {name}"):
            path = place / f"whole{parser.ending}"
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            came.append(outcome(parser.read, path))
        assert set(came) <= set(GOOD), (name, came)
        assert "read" in came or name in REFUSED_WHOLE, (name, came)


# Of models and slides that are not there, and of one that is made by hand.
REFUSED_WHOLE = {"prediction", "weights"}


def test_the_configuration_that_is_changed_is_whole(place):
    (place / "config.json").write_text(json.dumps(CONFIG))
    assert outcome(parsers()["config"].read, place / "config.json") == "read"
