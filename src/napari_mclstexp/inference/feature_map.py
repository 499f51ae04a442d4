"""One pass of a frozen encoder over the tissue of a slide, kept as means over small cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..errors import SettingsError
from ..model import FeatureMapConfig, InnerLayers
from ..model.image_encoder import ImageEncoder
from ..progress import CancelToken, Progress, ProgressCallback
from ..running.ahead import worked_ahead
from ..running.free_memory import give_back
from ..running.stages import stage
from ..slides import Slide
from ..spots.tissue import find_tissue
from .backends.run_network import load
from .backends.settle import settle
from .cell_grid import CellGrid, Tile, lay_cells, tissue_share, tissue_tiles
from .device import Device
from .feature_cache import encoder_digest
from .feature_map_store import FeatureMap, forget_the_oldest, group_slices, map_key, open_map
from .patches import refuse_coarse

TILE_PX = 1024  # the core of a tile; the values do not depend on it beyond HALO_PX's effect
HALO_PX = 128  # around it: most of the receptive field
COLOUR = "colour"
COLOURS = ("red", "green", "blue", "haematoxylin", "eosin", "dab", "white")
WHITE = 0.82  # a pixel whose darkest channel is above this is glass, fat or a lumen
PROBE_PX = 512  # side of the piece of a tile that backends are measured on
_POOLED_AT_ONCE = 64  # channels of a layer
_COLOURED_AT_ONCE = 4  # rows of cells
_GIVEN_BACK_EVERY = 4  # tiles
_AHEAD = 2  # batches read while one is encoded


def compute_feature_map(
    slide: Slide,
    encoder: ImageEncoder,
    config: FeatureMapConfig,
    *,
    device: Device,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> FeatureMap:
    """See all tissue of a slide once, in overlapping tiles on a grid from the slide's origin.

    Inner layers and colour are averaged to cells, and kept by content: a second call reads what
    the first has made, and one that was interrupted goes on.

    Parameters
    ----------
    slide
        With its scale known.
    encoder
        Its backbone is run; it is left as it is.
    config
        Scale, layers, cells.
    device
        Where and in which arithmetic.
    progress
        Called after every batch of tiles, with the map as far as it is filled.
    cancel
        Ends the pass within a second; tiles that are done stay.

    Raises
    ------
    SlideError
        If the slide's scale is not known, or far coarser than that of the map.
    ModelError
        If the encoder has no such layer.
    SettingsError
        If a cell is no multiple of a layer's stride.
    OutputError
        If the disk is full.
    Cancelled
        If `cancel` was set.
    """
    return see_slide(slide, encoder, config, device=device, progress=progress, cancel=cancel)[1]


def see_slide(
    slide: Slide,
    encoder: ImageEncoder,
    config: FeatureMapConfig,
    *,
    device: Device,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Device, FeatureMap]:
    """Return the device as it was used besides the map; see `compute_feature_map`."""
    cancel = cancel or CancelToken()
    refuse_coarse(slide, config.um_per_px)
    side = max(1, TILE_PX // config.cell_px)
    grid = lay_cells(slide, config.cell_um, side)
    layers = InnerLayers(encoder, config.layers)
    _check_strides(layers, config)
    share = tissue_share(grid, find_tissue(slide))
    names = (*((COLOUR,) if config.colour else ()), *config.layers)
    sizes = (*((len(COLOURS),) if config.colour else ()), *layers.channels)
    groups = group_slices(names, sizes)
    tiles = tissue_tiles(grid, share)

    def read(tile: Tile) -> NDArray[np.uint8]:
        cancel.raise_if_cancelled()
        h, w = (cells * config.cell_px + 2 * HALO_PX for cells in tile.shape)
        margin = HALO_PX / config.cell_px * grid.cell_px
        x, y = (each.start * grid.cell_px - margin for each in (tile.cols, tile.rows))
        return slide.read(x, y, w, h, config.um_per_px)

    device = settled(device, layers, config, tiles, read, cancel)
    found = open_map(map_key(slide, encoder, config, device, TILE_PX, HALO_PX), grid, groups, share)
    done = np.asarray(found.done[:]) > 0
    waiting = [tile for tile in tiles if not done[tile.row, tile.col]]
    if waiting:
        strides = layers.strides

        def to_cells(maps: list[Tensor]) -> list[Tensor]:
            return [
                half
                for each, stride in zip(maps, strides, strict=True)
                for half in _to_cells(each, HALO_PX // stride, config.cell_px // stride)
            ]

        lanes = load(layers, device, to_cells, cancel)
        finished = len(tiles) - len(waiting)
        with closing(lanes.stream(_read_ahead(read, waiting, grid, device))) as seen:
            for batch, pixels, values in seen:
                for index, tile in enumerate(batch):
                    cancel.raise_if_cancelled()
                    cells = _channels(pixels[index], [v[index] for v in values], config)
                    slide.check_unchanged()
                    with stage("write"):
                        found.write(tile, *cells)
                finished += len(batch)
                if finished % _GIVEN_BACK_EVERY == 0:
                    give_back()  # tiles are of many sizes, and what is freed of one fits no other
                if progress is not None:
                    progress(Progress(finished, len(tiles), "Seeing the tissue", found, "tiles"))
        del lanes
        give_back()
        forget_the_oldest()
    return device, found


def settled(
    device: Device,
    layers: InnerLayers,
    config: FeatureMapConfig,
    tiles: Sequence[Tile],
    read: Callable[[Tile], NDArray[np.uint8]],
    cancel: CancelToken,
) -> Device:
    """Return the device with the backend that shall see the tiles.

    Tiles are cut to their tissue and so of many sizes, each of which OpenVINO would prepare for
    seconds, in memory of its own: it sees them only where it is asked for.
    """
    if not layers.layers:
        return dataclasses.replace(device, backend="torch")
    if device.backend == "auto":
        device = dataclasses.replace(device, backend="torch")
    sides = [[side * config.cell_px + 2 * HALO_PX for side in tile.shape] for tile in tiles]

    def probe() -> NDArray[np.uint8]:
        middle = read(tiles[len(tiles) // 2])
        down, right = (max(0, side - PROBE_PX) // 2 for side in middle.shape[:2])
        return middle[None, down : down + PROBE_PX, right : right + PROBE_PX]

    identity = f"{encoder_digest(layers.encoder)} {layers.layers}"
    return settle(device, layers, identity, probe, sum(h * w for h, w in sides), cancel=cancel)


def _to_cells(values: Tensor, halo: int, cell: int) -> tuple[Tensor, Tensor]:
    """Return mean and std over the cells of (B, C, h, w) values, without their halo."""
    inner = values[:, :, halo : values.shape[2] - halo, halo : values.shape[3] - halo]
    if cell == 1:
        return inner.float(), torch.zeros_like(inner, dtype=torch.float32)
    means, deviations = [], []
    for some in torch.split(inner, _POOLED_AT_ONCE, dim=1):
        some = some.float()
        mean = functional.avg_pool2d(some, cell)
        square = functional.avg_pool2d(some.square(), cell)
        means.append(mean)
        deviations.append((square - mean.square()).clamp_(min=0).sqrt_())
    return torch.cat(means, dim=1), torch.cat(deviations, dim=1)


def _colour_cells(
    picture: NDArray[np.uint8], cell: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    from skimage.color import rgb2hed

    h, w = picture.shape[:2]
    inner = picture[HALO_PX : h - HALO_PX, HALO_PX : w - HALO_PX]
    means, deviations = [], []
    for start in range(0, len(inner), _COLOURED_AT_ONCE * cell):
        rgb = inner[start : start + _COLOURED_AT_ONCE * cell].astype(np.float32) / 255
        white = (rgb.min(axis=-1, keepdims=True) > WHITE).astype(np.float32)
        channels = np.concatenate([rgb, rgb2hed(rgb), white], axis=-1, dtype=np.float32)
        mean, std = _to_cells(torch.from_numpy(channels).permute(2, 0, 1)[None], 0, cell)
        means.append(mean[0].numpy())
        deviations.append(std[0].numpy())
    return np.concatenate(means, axis=1), np.concatenate(deviations, axis=1)


def _channels(
    picture: NDArray[np.uint8], values: Sequence[NDArray[np.float32]], config: FeatureMapConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return (channels, rows, cols) mean and std of a tile, from those of each layer in turn."""
    parts = [values[at : at + 2] for at in range(0, len(values), 2)]
    if config.colour:
        parts.insert(0, _colour_cells(picture, config.cell_px))
    mean, std = (np.concatenate([part[half] for part in parts]) for half in (0, 1))
    return mean, std


def _read_ahead(
    read: Callable[[Tile], NDArray[np.uint8]], tiles: Sequence[Tile], grid: CellGrid, device: Device
) -> Iterator[tuple[list[Tile], NDArray[np.uint8]]]:
    """Return batches of tiles of one size with their pixels, read while others are encoded."""

    def pixels_of(batch: list[Tile]) -> NDArray[np.uint8]:
        return np.stack([read(tile) for tile in batch])

    return worked_ahead(
        pixels_of, _batches(tiles, grid, device), threads=1, ahead=_AHEAD, name="tiles"
    )


def _batches(tiles: Sequence[Tile], grid: CellGrid, device: Device) -> Iterator[list[Tile]]:
    """Yield runs of tiles of one size that together are about as large as a batch of patches."""
    for shape, run in groupby(tiles, key=lambda tile: tile.shape):
        most = 1
        if device.torch.type != "cpu":  # a CPU is busy with one tile, and its memory is smaller
            most = max(1, 4 * grid.tile_cells**2 // (shape[0] * shape[1]))
        same = list(run)
        for start in range(0, len(same), most):
            yield same[start : start + most]


def _check_strides(layers: InnerLayers, config: FeatureMapConfig) -> None:
    for layer, stride in zip(layers.layers, layers.strides, strict=True):
        if config.cell_px % stride or HALO_PX % stride:
            raise SettingsError(
                f"A cell of {config.cell_px} px cannot be filled by the layer {layer}, which has "
                f"a value for every {stride} px; use a multiple of {stride}."
            )
