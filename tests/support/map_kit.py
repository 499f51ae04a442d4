"""A small painted slide, a tiny encoder and the feature map of both, in well under a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from napari_mclstexp.inference import feature_map
from napari_mclstexp.inference.device import Device
from napari_mclstexp.inference.feature_map import compute_feature_map
from napari_mclstexp.inference.feature_map_store import FeatureMap
from napari_mclstexp.model import EncoderConfig, FeatureMapConfig
from napari_mclstexp.model.image_encoder import ImageEncoder
from napari_mclstexp.slides import Slide, open_slide

PINK, GLASS = (222, 150, 190), (245, 245, 245)
CPU = Device(torch.device("cpu"), torch.float32, True, "CPU", 16)
CONFIG = FeatureMapConfig(layers=("stage1", "stage3"), cell_px=16, widths_um=(20.0, 60.0))
EVERYTHING = (slice(None), slice(None), slice(None))


def small_tiles(monkeypatch, tile_px: int = 64, halo_px: int = 64) -> None:
    """Let small slides have many tiles."""
    monkeypatch.setattr(feature_map, "TILE_PX", tile_px)
    monkeypatch.setattr(feature_map, "HALO_PX", halo_px)


def tiny_encoder(seed: int = 0) -> ImageEncoder:
    """A residual network of 0.5 million random weights."""
    torch.manual_seed(seed)
    return ImageEncoder(EncoderConfig(name="timm:test_resnet")).eval()


def tissue_picture(width: int = 240, height: int = 200, seed: int = 0) -> NDArray[np.uint8]:
    """Speckled pink tissue from (72, 30) on, to the right and lower edge, on glass."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), GLASS, dtype=float)
    picture[30:, 72:] = PINK
    dark = random.uniform(size=(height // 8 + 1, width // 8 + 1)).repeat(8, 0).repeat(8, 1)
    picture[30:, 72:] -= 60 * dark[30:height, 72:width, None]
    return np.clip(picture + random.normal(0, 3, picture.shape), 0, 255).astype(np.uint8)


def saved(picture: NDArray[np.uint8], path: Path, um_per_px: float | None = 1.0) -> Slide:
    """Save a picture and open it as a slide."""
    Image.fromarray(picture).save(path)
    slide = open_slide(path)
    if um_per_px is not None:
        slide.calibrate(um_per_px, "user")
    return slide


def make_map(slide: Slide, encoder: ImageEncoder | None = None, **options: Any) -> FeatureMap:
    """Make a map with what tests need unless told otherwise."""
    config = options.pop("config", CONFIG)
    return compute_feature_map(slide, encoder or tiny_encoder(), config, device=CPU, **options)


def values(found: FeatureMap) -> NDArray[np.float32]:
    """Return (2, channels, rows, cols): mean and std of all cells."""
    return np.array(found.read(*EVERYTHING), dtype=np.float32)
