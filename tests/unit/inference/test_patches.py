"""Patches are physical, come in order, and stop when asked."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image

from napari_mclstexp.errors import Cancelled
from napari_mclstexp.inference.patches import (
    AHEAD,
    field_scale,
    patch_around,
    read_patch,
    reading_order,
    stream_patches,
)
from napari_mclstexp.model.config import ModelConfig
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.slides import open_slide


@pytest.fixture
def slide(tmp_path):
    """A slope of grey, so that a patch tells where it was read."""
    x = np.linspace(0, 250, 500).astype(np.uint8)
    Image.fromarray(np.repeat(np.tile(x, (400, 1))[..., None], 3, -1)).save(tmp_path / "a.png")
    with open_slide(tmp_path / "a.png") as slide:
        slide.calibrate(2.0, "user")
        yield slide


def test_a_patch_is_centred_on_its_spot_and_of_physical_size(slide):
    patch = read_patch(slide, 250, 200, patch_px=40, um_per_px=4.0)  # 160 µm: 80 level-0 px
    assert patch.shape == (40, 40, 3)
    grey = patch[..., 0].mean(axis=0)
    assert grey.mean() == pytest.approx(250 / 500 * 250, abs=1)
    assert grey[-1] - grey[0] == pytest.approx(78 * 0.5, abs=2)


@pytest.mark.parametrize("side", [40, 161])
def test_what_is_shown_of_a_place_is_the_field_that_a_model_sees_there(tmp_path, side):
    x, y = np.meshgrid(np.arange(0, 250, 0.5), np.arange(0, 200, 0.5))
    Image.fromarray(np.stack([x, y, x], -1).astype(np.uint8)).save(tmp_path / "both.png")
    config = ModelConfig(
        name="a", genes=("A",), um_per_px=4.0, patch_px=40, positions={"n_rows": 1, "n_cols": 1}
    )
    with open_slide(tmp_path / "both.png") as slide:
        slide.calibrate(2.0, "user")
        shown = patch_around(slide, (260, 160), config, side).astype(float)
    assert shown.shape == (side, side, 3)
    assert shown[..., :2].mean(axis=(0, 1)) == pytest.approx([130, 80], abs=1)
    across = 40 * (1 - 1 / side)  # 160 µm are 80 px, which rise by 40
    assert np.ptp(shown[..., 0].mean(axis=0)) == pytest.approx(across, abs=1.5)
    assert np.ptp(shown[..., 1].mean(axis=1)) == pytest.approx(across, abs=1.5)


def test_a_slide_is_read_at_the_models_scale_or_at_its_own(tmp_path, slide):
    physical = ModelConfig(
        name="a", genes=("A",), um_per_px=4.0, positions={"n_rows": 1, "n_cols": 1}
    )
    of_pixels = physical.model_copy(update={"patch_scale": "pixels"})
    assert (field_scale(slide, physical), field_scale(slide, of_pixels)) == (4.0, 2.0)
    with open_slide(tmp_path / "a.png") as unknown:
        assert (field_scale(unknown, physical), field_scale(unknown, of_pixels)) == (4.0, 4.0)


def test_batches_come_in_order_and_hold_every_spot_once(slide):
    random = np.random.default_rng(0)
    xy = random.uniform(50, 350, size=(23, 2))
    seen = []
    for rows, pixels in stream_patches(slide, xy, patch_px=16, um_per_px=2.0, batch_size=5):
        assert len(pixels) == rows.stop - rows.start
        for (x, y), patch in zip(xy[rows], pixels, strict=True):
            np.testing.assert_array_equal(patch, read_patch(slide, x, y, 16, 2.0))
        seen.extend(range(rows.start, rows.stop))
    assert seen == list(range(23))


def test_only_a_few_batches_are_read_ahead(slide, monkeypatch):
    read = []
    original = slide.read
    monkeypatch.setattr(slide, "read", lambda *a: (read.append(a), original(*a))[1])
    stream = stream_patches(
        slide, np.full((100, 2), 200.0), patch_px=8, um_per_px=2.0, batch_size=2
    )
    next(stream)
    stream.close()
    assert len(read) <= 2 * (AHEAD + 2)


def test_a_cancel_ends_the_stream_and_its_threads(slide):
    cancel = CancelToken()
    stream = stream_patches(
        slide, np.full((1000, 2), 200.0), patch_px=8, um_per_px=2.0, batch_size=2, cancel=cancel
    )
    next(stream)
    cancel.cancel()
    with pytest.raises(Cancelled):
        list(stream)
    assert not [t for t in threading.enumerate() if t.name.startswith("patches")]


def test_reading_order_keeps_neighbourhoods_together():
    xy = np.array([[100.0, 100.0], [9000.0, 100.0], [200.0, 150.0], [9100.0, 120.0]])
    order = reading_order(xy).tolist()
    assert sorted(order) == [0, 1, 2, 3]
    assert abs(order.index(0) - order.index(2)) == 1
