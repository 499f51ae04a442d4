"""What a model's configuration may say, to the last value on either side."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_mclstexp.model.backbones import input_stats
from napari_mclstexp.model.config import MOST_GENES, EncoderConfig, ModelConfig

PLAIN = {
    "name": "tiny",
    "genes": ["A", "B"],
    "um_per_px": 1.0,
    "positions": {"n_rows": 3, "n_cols": 4},
}
SEEN = {"format": 2, "feature_map": {"layers": ["a"]}}
# The least and the most of each, and what is beyond them.
LIMITS = [
    ("um_per_px", (1e-6, 1000), (0, 1000.1)),
    ("patch_px", (8, 4096), (7, 4097)),
    ("projection_dim", (1, 65_536), (0, 65_537)),
    ("heads", (1, 1024), (0, 1025)),
    ("head_dim", (1, 65_536), (0, 65_537)),
    ("layers", (0, 1000), (-1, 1001)),
    ("dropout", (0, 0.999), (-0.001, 1)),
    ("temperature", (1e-6, 1e6), (0, float("inf"))),
    ("sequence_length", (1, 10_000_000), (0, 10_000_001)),
    ("bank_sequence_length", (1, 10_000_000), (0, 10_000_001)),
    ("n_codes", (1, 1_000_000), (0, 1_000_001)),
    ("positions.n_rows", (1, 1_000_000), (0, 1_000_001)),
    ("positions.n_cols", (1, 1_000_000), (0, 1_000_001)),
    ("retrieval.k", (1, 10_000_000), (0, 10_000_001)),
    ("encoder.std", ([1e-6] * 3, [1e6] * 3), ([0, 1, 1], [1, 1, 1.1e6], [1, -0.5, 1], [1, 1])),
    ("encoder.views", (1, 8), (0, 2, 16)),
    ("feature_map.cell_px", (8, 256), (7, 257)),
    ("feature_map.widths_um", ([1e-6], [100_000] * 32), ([], [0], [100_001], [1] * 33)),
    ("feature_map.layers", ([], ["a"] * 100), (["a"] * 101, ["a" * 201])),
    ("genes", (["A"], ["G" * 200]), ([], ["A", "A"], ["G" * 201])),
    ("format", (), (0, 1, 3)),  # 1 has no feature map, which is what these are tried with
]


def with_value(place: str, value: object) -> ModelConfig:
    at, _, key = place.rpartition(".")
    values = {**PLAIN, **SEEN}
    if at:
        values[at] = {**values.get(at, {}), key: value}
    else:
        values[key] = value
    return ModelConfig.model_validate(values)


@pytest.mark.parametrize(("place", "fine", "beyond"), LIMITS, ids=[each[0] for each in LIMITS])
def test_each_limit_is_kept_and_reached(place, fine, beyond):
    for value in fine:
        with_value(place, value)
    for value in beyond:
        with pytest.raises(ValidationError):
            with_value(place, value)


def test_as_many_genes_as_any_genome_has_but_no_more():
    most = [f"g{i}" for i in range(MOST_GENES)]
    assert len(with_value("genes", most).genes) == 200_000
    with pytest.raises(ValidationError, match="genes"):
        with_value("genes", [*most, "one"])


def test_what_is_said_about_the_slides_is_told_in_one_line():
    config = with_value("species", "human")
    assert config.meant_for == "human"
    told = config.model_copy(update={"organ": "breast", "stain": "H&E", "platform": "synthetic"})
    assert told.meant_for == "human breast, H&E, synthetic sections"
    assert (
        told.model_copy(update={"species": "", "organ": ""}).meant_for == "H&E, synthetic sections"
    )
    assert told.patch_um == 224.0
    assert told.feature_map.cell_um == 32.0


def test_encoders_see_the_colours_that_imagenet_weights_were_made_for():
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    assert (EncoderConfig().mean, EncoderConfig().std) == (mean, std)
    assert input_stats("densenet121") == (mean, std)
