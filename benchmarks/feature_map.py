"""What the feature map is worth: against patches, for any tiling, in time and in memory.

Four questions, each asked by name or all by default:

``patches``   correlation of features with those of patches read around each spot (real section);
``tiling``    largest difference between tilings, for each width of the halo and layer;
``time``      seconds for a section: encoding, pooling, a grid of 25 µm;
``memory``    peak memory, and size on disk, on a slide of 60,000 x 60,000 px.

The first three need a real slide and the ImageNet weights of DenseNet-121.
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from predict_memory import UM_PER_PX, write_pyramid
from torch.nn import functional

from napari_mclstexp.inference import feature_map
from napari_mclstexp.inference.device import Device, pick_device
from napari_mclstexp.inference.feature_map import compute_feature_map
from napari_mclstexp.inference.feature_map_store import FeatureMap
from napari_mclstexp.inference.pooled_features import (
    feature_slices,
    pooled_features,
    project_spots_on,
)
from napari_mclstexp.inference.torch_pass import to_tensor
from napari_mclstexp.model import EncoderConfig, FeatureMapConfig, InnerLayers
from napari_mclstexp.model.backbones import load_backbone_weights
from napari_mclstexp.model.image_encoder import ImageEncoder
from napari_mclstexp.slides import Slide, open_slide

LAYERS = ("block1", "block2", "block3", "last")
HALOS = (64, 128, 256)
HALO, TILE = feature_map.HALO_PX, feature_map.TILE_PX
PATCH_HALOS, MARGINS = (HALO, 256), (512, 256, 0)
LIMIT_GB = 2.0
CELLS = 7  # side of the square that is compared with patches: 224 px


def encoder_of(weights: Path | None) -> ImageEncoder:
    """DenseNet-121 with the weights of a file, or random ones."""
    torch.manual_seed(0)
    encoder = ImageEncoder(EncoderConfig())
    if weights is not None:
        load_backbone_weights(encoder.model, weights)
    return encoder.eval()


def whole(found: FeatureMap) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    everything = slice(0, None)
    mean, std = found.read(everything, everything, everything)
    return mean.astype(np.float32), std.astype(np.float32)


def patches(slide: Slide, encoder: ImageEncoder, device: Device) -> None:
    """Compare squares of cells with patches of the same tissue that were encoded alone.

    With margins of their own, which take the place of the halo, and by several halos of the map.
    """
    config = FeatureMapConfig(layers=LAYERS, colour=False)
    maps_of = {}
    for halo in PATCH_HALOS:
        feature_map.HALO_PX = halo
        found = compute_feature_map(slide, encoder, config, device=device)
        mean, std = whole(found)
        maps_of[halo] = mean, mean**2 + std**2
    feature_map.HALO_PX = HALO
    inner = functional.avg_pool2d(torch.from_numpy(found.share)[None], 2 * CELLS + 1, 1, CELLS)[0]
    places = np.argwhere(inner.numpy() > 0.999)
    rng = np.random.default_rng(0)
    places = rng.permutation(places)[:100]
    layers = InnerLayers(encoder, LAYERS).for_inference(
        device.torch, device.dtype, torch.channels_last
    )
    half = CELLS // 2

    def squares(mean: NDArray[np.float32], square: NDArray[np.float32]) -> NDArray[np.float32]:
        expected = []
        for row, col in places:
            rows, cols = (slice(each - half, each + half + 1) for each in (row, col))
            m, q = (each[:, rows, cols].mean((1, 2)) for each in (mean, square))
            expected.append(np.concatenate([m, np.sqrt(np.maximum(q - m**2, 0))]))
        return np.array(expected)

    names = np.repeat(LAYERS, layers.channels)
    seen_by: dict[str, NDArray[np.float32]] = {
        f"map, halo {halo}": squares(*each) for halo, each in maps_of.items()
    }
    for margin in MARGINS:
        seen = []
        for row, col in places:
            side = CELLS * config.cell_px + 2 * margin
            x, y = ((each - half) * found.grid.cell_px for each in (col, row))
            edge = margin * config.um_per_px / (slide.um_per_px or 1)
            pixels = slide.read(x - edge, y - edge, side, side, config.um_per_px)[None]
            with torch.inference_mode():
                maps = layers(
                    to_tensor(pixels, device.torch).contiguous(memory_format=torch.channels_last)
                )
            halves = []
            for each, stride in zip(maps, layers.strides, strict=True):
                cut = margin // stride
                inside = each[0, :, cut : each.shape[2] - cut, cut : each.shape[3] - cut].float()
                halves.append((inside.mean((1, 2)), inside.std((1, 2), correction=0)))
            seen.append(
                np.concatenate([torch.cat(half_).numpy() for half_ in zip(*halves, strict=True)])
            )
        seen_by[f"patches, margin {margin}"] = np.array(seen)
    for one, other in itertools.combinations(seen_by, 2):
        a, b = seen_by[one], seen_by[other]
        alive = (a.std(0) > 1e-4) & (b.std(0) > 1e-4)
        a, b = a - a.mean(0), b - b.mean(0)
        r = (a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0) + 1e-30)
        for layer in LAYERS:
            for kind, these in (("mean", 0), ("std", 1)):
                mine = r[these * len(names) : (these + 1) * len(names)]
                mine = mine[(names == layer) & alive[these * len(names) : (these + 1) * len(names)]]
                print(
                    f"{one} and {other}, {layer} {kind}: correlation median {np.median(mine):.4f}, "
                    f"1 % {np.quantile(mine, 0.01):.4f}, lowest {mine.min():.4f} "
                    f"({(mine > 0.98).mean():.1%} of {len(mine)} above 0.98)",
                    flush=True,
                )


def report(what: str, apart: NDArray[np.float32]) -> None:
    """Print how far two tilings are apart, in standard deviations of a channel or feature."""
    print(
        f"tiling {what}: largest {apart.max():.3f}, 99.9 % {np.quantile(apart, 0.999):.4f}, "
        f"root mean square {np.sqrt((apart**2).mean()):.5f} standard deviations",
        flush=True,
    )


def tiling(slide: Slide, encoder: ImageEncoder, device: Device, folder: Path) -> None:
    """Compare tilings of one piece of tissue, for each halo."""
    config = FeatureMapConfig(layers=LAYERS, colour=False)
    shift, side, edge = 5, 2048, 10  # cells, px, cells
    x, y = (0.5 * each - side / 2 for each in (slide.width, slide.height))
    shots = {}
    for name, cut in (("plain", 0), ("shifted", shift * config.cell_px)):
        path = folder / f"{name}.png"
        pixels = slide.read(x - cut, y - cut, side + cut, side + cut)
        Image.fromarray(pixels).save(path)
        shots[name] = path

    def seen(name: str, tile: int, halo: int) -> FeatureMap:
        feature_map.TILE_PX, feature_map.HALO_PX = tile, halo
        with open_slide(shots[name]) as piece:
            piece.calibrate(1.0, "user")
            return compute_feature_map(piece, encoder, config, device=device)

    def inner(values: NDArray[np.float32], cut: int) -> NDArray[np.float32]:
        start, stop = edge + cut, side // config.cell_px - edge + cut
        return values[..., start:stop, start:stop]

    names = np.repeat(LAYERS, InnerLayers(encoder, LAYERS).channels)
    for halo in HALOS:
        one, many, moved = (
            seen("plain", TILE, halo),
            seen("plain", 512, halo),
            seen("shifted", TILE, halo),
        )
        tissue = (inner(one.share, 0) > 0) & (inner(moved.share, shift) > 0)
        first = inner(np.array(whole(one)), 0)[..., tissue]
        for what, other, cut in (("512", many, 0), (f"{TILE} shifted", moved, shift)):
            second = inner(np.array(whole(other)), cut)[..., tissue]
            for layer in LAYERS:
                a, b = first[:, names == layer], second[:, names == layer]
                spread = a.std(axis=-1, keepdims=True)
                report(
                    f"halo {halo}, {TILE} against {what}, {layer}",
                    (abs(a - b) / np.maximum(spread, 1e-9))[spread[..., 0] > 1e-3],
                )
        row, col = np.nonzero(inner(one.share, 0) > 0.5)
        spots = (np.column_stack([col, row]) + edge + 0.5) * config.cell_px
        pooled = [pooled_features(each, spots, config.widths_um) for each in (one, many)]
        for (width, layer), part in feature_slices(one, config.widths_um).items():
            unit = np.sqrt((part.stop - part.start) * len(LAYERS) * len(config.widths_um))
            apart = abs(pooled[0][:, part] - pooled[1][:, part]) * unit
            report(f"halo {halo}, {TILE} against 512, {layer} pooled over {width:.0f} µm", apart)
    feature_map.TILE_PX, feature_map.HALO_PX = TILE, HALO


def timing(slide: Slide, encoder: ImageEncoder, device: Device) -> None:
    """Time a section, for sizes of tiles, and what is read from its map."""
    config = FeatureMapConfig(layers=LAYERS)
    for tile in (512, 1024, 1536, 2048):
        feature_map.TILE_PX = tile
        start = time.perf_counter()
        found = compute_feature_map(slide, encoder, config, device=device)
        took = time.perf_counter() - start
        equal = float(found.share.sum()) / CELLS**2
        print(
            f"time tiles of {tile}: {took:.1f} s for {found.share.sum():.0f} cells of tissue, "
            f"as {equal / took:.1f} patches of 224 px a second",
            flush=True,
        )
    feature_map.TILE_PX = TILE
    spots = np.random.default_rng(0).uniform(0, (slide.width, slide.height), (300, 2))
    start = time.perf_counter()
    features = pooled_features(found, spots, config.widths_um)
    pooled = time.perf_counter() - start
    step = 25 / (slide.um_per_px or 1)
    across = np.meshgrid(np.arange(0, slide.width, step), np.arange(0, slide.height, step))
    grid = np.stack(across, axis=-1).reshape(-1, 2)
    components = np.zeros((features.shape[1], 6), dtype=np.float32)
    start = time.perf_counter()
    project_spots_on(found, grid, config.widths_um, components)
    projected = time.perf_counter() - start
    print(f"time pooling 300 spots: {pooled:.1f} s; projecting {len(grid)}: {projected:.1f} s")


def memory(folder: Path) -> float:
    """Make and pool the map of a large slide in a process of its own; return its peak in GB."""
    slide = folder / "large.tif"
    write_pyramid(slide, glass=1 / 8)
    process = subprocess.Popen([sys.executable, __file__, "--alone", str(slide)])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(process.returncode)
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def alone(path: Path) -> None:
    """What `memory` measures."""
    encoder, device = encoder_of(None), pick_device("cpu")
    config = FeatureMapConfig(layers=LAYERS)
    with open_slide(path) as slide:
        slide.calibrate(UM_PER_PX, "user")
        start = time.perf_counter()
        found = compute_feature_map(slide, encoder, config, device=device)
        took = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = sum(each.stat().st_size for each in found.path.rglob("*") if each.is_file())
        xy = np.random.default_rng(0).uniform(0, slide.width, (300, 2))
        features = pooled_features(found, xy, config.widths_um)
        components = np.zeros((features.shape[1], 6), dtype=np.float32)
        start = time.perf_counter()
        project_spots_on(found, xy, config.widths_um, components)
    print(
        f"memory {path.name}: {took:.0f} s, {peak / 1e6:.2f} GB when seen; {size / 1e9:.2f} GB on "
        f"disk for {found.share.size} cells; projected in {time.perf_counter() - start:.0f} s",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["patches", "tiling", "time", "memory"])
    parser.add_argument("--slide", type=Path, help="a real section, for instance of her2st")
    parser.add_argument("--um-per-px", type=float, default=0.7326)
    parser.add_argument("--weights", type=Path, help="ImageNet weights of DenseNet-121")
    parser.add_argument("--alone", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.alone:
        alone(asked.alone)
        return 0
    with tempfile.TemporaryDirectory() as name:
        os.environ["NAPARI_MCLSTEXP_CACHE"] = str(Path(name, "cache"))
        if set(asked.what) - {"memory"}:
            if asked.slide is None or asked.weights is None:
                parser.error("a real section (--slide) and weights (--weights) are needed")
            encoder, device = encoder_of(asked.weights), pick_device("cpu")
            with open_slide(asked.slide) as slide:
                slide.calibrate(asked.um_per_px, "user")
                if "patches" in asked.what:
                    patches(slide, encoder, device)
                if "tiling" in asked.what:
                    tiling(slide, encoder, device, Path(name))
                if "time" in asked.what:
                    timing(slide, encoder, device)
        if "memory" in asked.what:
            peak = memory(Path(name))
            print(f"memory peak {peak:.2f} GB")
            if peak >= LIMIT_GB:
                print(f"More than {LIMIT_GB} GB were needed.", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
