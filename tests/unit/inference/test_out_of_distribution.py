"""A slide that is unlike those learned from is told so, and why; one that is like them is not."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_mclstexp.inference.out_of_distribution import mean_colours, unlike_bank, unlike_model
from napari_mclstexp.model.bank import Bank
from napari_mclstexp.model.config import ModelConfig
from napari_mclstexp.samples import sample_section

STAIN = np.array([180.0, 110, 160])  # red, green and blue of the tissue that was learned from
CONFIG = ModelConfig(
    name="a", genes=("A",), um_per_px=2.0, positions={"n_rows": 1, "n_cols": 1}, platform="visium"
)


def jpeg(colour) -> bytes:
    to = BytesIO()
    flat = np.broadcast_to(np.clip(colour, 0, 255).astype(np.uint8), (16, 16, 3))
    Image.fromarray(np.ascontiguousarray(flat)).save(to, format="JPEG", quality=95)
    return to.getvalue()


@pytest.fixture(scope="module")
def bank() -> Bank:
    rng, n = np.random.default_rng(0), 60
    zeros = np.zeros(n, dtype=np.int64)
    return Bank(
        embedding=np.zeros((n, 1), np.float32), expression=np.zeros((n, 1), np.float32),
        genes=("A",), section=zeros.astype(str), barcode=np.arange(n).astype(str),
        array_row=zeros, array_col=zeros, xy=np.zeros((n, 2)),
        thumbnails=tuple(jpeg(STAIN + shade) for shade in rng.normal(0, 12, n)),
    )  # fmt: skip


def around(colour) -> np.ndarray:
    return np.random.default_rng(1).normal(colour, 12, size=(50, 3)).clip(0, 255) / 255


@pytest.mark.parametrize(
    ("times", "said"), [(1.0, ""), (1.1, ""), (0.35, "darker"), (1.7, "paler")]
)
def test_the_stain_is_compared_with_that_of_the_reference_spots(bank, times, said):
    told = unlike_bank(around(STAIN * times), 2.0, bank, CONFIG)
    assert (f"its stain is {said} than any" in told) if said else told == ""


def test_what_is_not_known_is_not_compared(bank):
    assert unlike_bank(None, None, bank, CONFIG) == ""
    assert unlike_bank(np.zeros((0, 3)), 2.0, bank, CONFIG) == ""
    unseen = bank.rows(np.zeros(len(bank), dtype=bool))
    assert unlike_bank(around(STAIN * 0.3), 2.0, unseen, CONFIG) == ""


@pytest.mark.parametrize(("scale", "coarse"), [(2.0, False), (3.0, False), (3.1, True)])
def test_a_coarser_scan_is_told(bank, scale, coarse):
    told = unlike_bank(None, scale, bank, CONFIG)
    assert told == (
        "This slide is unlike those the model learned from (it was scanned at 3.1 µm per px, the "
        "model learned at 2), so trust its values less." if coarse else ""
    )  # fmt: skip


def test_a_model_of_synthetic_sections_is_for_the_samples_alone():
    synthetic = CONFIG.model_copy(update={"platform": "synthetic"})
    assert "synthetic" in unlike_model(Path("slide.tiff"), None, synthetic)
    assert unlike_model(sample_section(1).slide, None, synthetic) == ""
    assert unlike_model(Path("slide.tiff"), None, CONFIG) == ""


def test_mean_colours_are_of_each_patch():
    patches = np.stack([np.full((4, 5, 3), 51, np.uint8), np.full((4, 5, 3), 255, np.uint8)])
    np.testing.assert_allclose(mean_colours(patches), [[0.2] * 3, [1.0] * 3])
