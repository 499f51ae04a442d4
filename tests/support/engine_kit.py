"""Two small painted sections with counts, for tests that predict and train in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from anndata import AnnData
from PIL import Image

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.spots.build import make_spots
from napari_mclstexp.spots.schema import SpotMetadata
from napari_mclstexp.training.settings import TrainSettings

GENES = ("PURPLE", "PINK", "FLAT")
SIDE = 7  # spots a side


def painted_section(folder: Path, name: str, seed: int, um_per_px: float = 2.0) -> Section:
    """A slide of purple and pink squares of 100 µm, a spot on each, counts by colour."""
    random = np.random.default_rng(seed)
    purple = random.uniform(size=(SIDE, SIDE))
    colours = purple[..., None] * [90, 40, 140] + (1 - purple[..., None]) * [240, 180, 210]
    cell = round(100 / um_per_px)
    pixels = np.kron(colours, np.ones((cell, cell, 1)))
    pixels += random.normal(scale=4, size=pixels.shape)
    path = folder / f"{name}.png"
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
    row, col = (each.ravel() for each in np.mgrid[:SIDE, :SIDE])
    rates = np.stack([5 + 200 * purple, 5 + 200 * (1 - purple), np.full_like(purple, 60)], -1)
    spots = make_spots(
        barcodes=[f"{name}-{i}" for i in range(SIDE**2)],
        xy=np.column_stack([(col + 0.5) * cell, (row + 0.5) * cell]),
        array_row=row,
        array_col=col,
        metadata=SpotMetadata("table", str(path), pitch_um=100.0, spot_diameter_um=55.0),
        counts=random.poisson(rates.reshape(-1, 3)),
        genes=GENES,
    )
    return Section(name, name, path, spots, um_per_px)


def quick_settings(**changes: object) -> TrainSettings:
    """Settings that learn the painted sections within seconds."""
    values: dict[str, object] = {
        "genes": GENES,
        "pretrained": False,
        "freeze_encoder": True,
        "epochs": 6,
        "learning_rate": 3e-3,
        "patch_px": 32,
        "um_per_px": 2.0,
        "sequence_length": 25,
        "k": 5,
    }
    return TrainSettings(**{**values, **changes})  # type: ignore[arg-type]


def without_counts(spots: AnnData) -> AnnData:
    """The same spots with nothing measured."""
    return spots[:, :0].copy()
