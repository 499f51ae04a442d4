"""The spots of a slide in batches, each with what the model's head reads there."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..model import Model
from ..model.linear_head import beyond_axes
from ..progress import CancelToken, ProgressCallback
from ..running.stages import stage
from ..slides import Slide
from .device import Device
from .feature_map import COLOUR, see_slide
from .feature_map_store import FeatureMap
from .heads import MapHead, Reading, RetrievalHead
from .image_features import FrozenEncoder, settled
from .out_of_distribution import mean_colours
from .patches import field_scale, reading_order, stream_patches
from .pooled_features import project_spots_on
from .section_looks import looks_of_tissue

AT_ONCE = 2048  # spots read from a feature map

Batches = Iterator[tuple[NDArray[np.int64], Reading]]


@dataclass(frozen=True, eq=False)
class Read:
    """What is read of a slide.

    Attributes
    ----------
    device
        As it is used.
    batches
        Rows of the spots, with what the head says there.
    level
        (G,) of the slide, from which a linear head's values differ.
    """

    device: Device
    batches: Batches
    level: NDArray[np.float64] | None = None


def from_patches(
    slide: Slide,
    xy: NDArray[np.float64],
    model: Model,
    columns: NDArray[np.int64],
    device: Device,
    batch_size: int | None,
    cancel: CancelToken,
) -> Read:
    """Read the patches around (n, 2) spots.

    Without a batch size, as many patches as suit device and patch.
    """
    patch_px, um_per_px = model.config.patch_px, field_scale(slide, model.config)
    encoder = model.module.image_encoder
    device = settled(
        device, encoder, slide, xy, patch_px=patch_px, um_per_px=um_per_px, cancel=cancel
    )

    def read() -> Batches:
        frozen = FrozenEncoder(encoder, device, cancel)
        head = RetrievalHead(model, columns, device)
        order = reading_order(xy)
        patches = stream_patches(
            slide,
            xy[order],
            patch_px=patch_px,
            um_per_px=um_per_px,
            batch_size=batch_size or device.batch_for(patch_px),
            cancel=cancel,
        )
        with closing(frozen.stream(patches)) as encoded:
            for rows, pixels, features in encoded:
                with stage("retrieve"):
                    reading = head(features)
                yield order[rows], dataclasses.replace(reading, colours=mean_colours(pixels))

    return Read(device, read())


def from_map(
    slide: Slide,
    xy: NDArray[np.float64],
    model: Model,
    columns: NDArray[np.int64],
    device: Device,
    interval: float,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> Read:
    """See the slide once, and read (n, 2) spots of it."""
    config = model.config.feature_map
    assert config is not None
    assert model.linear is not None
    device, seen = see_slide(
        slide,
        model.module.image_encoder,
        config,
        device=device,
        progress=progress,
        cancel=cancel,
    )
    with stage("retrieve"):
        codes, squares = project_spots_on(
            seen, xy, config.widths_um, model.linear.head.components, cancel=cancel
        )
        head = MapHead(model, columns, device, interval, looks_of_tissue(seen))
    beyond = beyond_axes(squares, codes)
    colours = _colours(seen, xy)

    def read() -> Batches:
        for start in range(0, len(xy), AT_ONCE):
            rows = np.arange(start, min(start + AT_ONCE, len(xy)))
            with stage("retrieve"):
                reading = head(codes[rows], beyond[rows])
            if colours is not None:
                reading = dataclasses.replace(reading, colours=colours[rows])
            yield rows, reading

    return Read(device, read(), head.level)


def _colours(seen: FeatureMap, xy: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return (n, 3) mean red, green and blue of the cells that spots lie in, where it is kept."""
    if COLOUR not in seen.groups:
        return None
    first = seen.groups[COLOUR].start
    mean, _ = seen.read(slice(first, first + 3), slice(None), slice(None))
    cells = np.rint(seen.grid.in_cells(xy)).astype(np.int64)
    row, col = (np.clip(cells[:, i], 0, mean.shape[1 + i] - 1) for i in (0, 1))
    return np.asarray(mean[:, row, col].T, dtype=np.float64)
