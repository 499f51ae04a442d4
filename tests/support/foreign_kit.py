"""Files of kinds that no package here writes: TIFF of subsampled YCbCr, SpatialData."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from anndata import AnnData
from PIL import Image


def units(ycbcr: np.ndarray, across: int, down: int) -> bytes:
    h, w = ycbcr.shape[:2]
    padded = np.pad(ycbcr, ((0, -h % down), (0, -w % across), (0, 0)), mode="edge")
    h, w = padded.shape[0] // down, padded.shape[1] // across
    blocks = padded.reshape(h, down, w, across, 3).swapaxes(1, 2)
    luma, colour = blocks[..., 0].reshape(h, w, -1), blocks[..., 1:].mean((2, 3))
    return np.concatenate([luma, colour.astype(np.uint8)], -1).tobytes()


def write_subsampled(
    path: Path, picture: Image.Image, across: int, down: int, pack: Callable[[bytes], bytes]
) -> None:
    """YCbCr in units of across x down pixels, in strips of 16 rows."""
    ycbcr = np.asarray(picture.convert("YCbCr"))
    h, w = ycbcr.shape[:2]
    pieces = [pack(units(ycbcr[row : row + 16], across, down)) for row in range(0, h, 16)]
    counts = [len(each) for each in pieces]
    body = b"".join(pieces)
    body += bytes(len(body) % 2)
    offsets = [8 + sum(counts[:i]) for i in range(len(counts))]
    tags = [(256, [w]), (257, [h]), (258, [8] * 3), (259, [1 if pack is bytes else 5]), (262, [6])]
    tags += [(273, offsets), (277, [3]), (278, [16]), (279, counts), (530, [across, down])]
    at = 8 + len(body) + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for code, value in tags:
        packed = struct.pack(f"<{len(value)}H", *value)
        if len(packed) > 4:
            packed, values = struct.pack("<I", at + len(values)), values + packed
        entries += struct.pack("<HHI", code, 3, len(value)) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<I", 8 + len(body))
    path.write_bytes(head + body + struct.pack("<H", len(tags)) + entries + bytes(4) + values)


def write_zarr(folder: Path, data: AnnData, zarr_format: int) -> None:
    """AnnData in zarr of format 2 or 3."""
    import zarr
    from anndata.io import write_elem

    write_elem(zarr.open_group(folder, mode="w", zarr_format=zarr_format), "/", data)


def spatialdata_folder(folder: Path, table: AnnData, **changes: object) -> Path:
    """What the package spatialdata 0.7 writes of three spots, as far as it is read here."""
    table.obs["region"] = pd.Categorical(["spots"] * 3)
    table.obs["spot_id"] = [7, 5, 6]
    table.uns["spatialdata_attrs"] = {
        "region": "spots", "region_key": "region", "instance_key": "spot_id",
    }  # fmt: skip
    write_zarr(folder / "tables" / "table", table, 3)
    home = folder / "shapes" / "spots"
    home.mkdir(parents=True)
    circles = pd.DataFrame(
        {"geometry": shapely.to_wkb(shapely.points([[5, 50], [6, 60], [7, 70]])), "radius": 27.5},
        index=changes.get("index", [5, 6, 7]),
    )
    circles.to_parquet(home / "shapes.parquet")
    kind = {"type": changes.get("transformation", "identity")}
    said = {"attributes": {"coordinateTransformations": [kind]}, "zarr_format": 3}
    (home / "zarr.json").write_text(json.dumps({**said, "node_type": "group"}))
    root = {"attributes": {"spatialdata_attrs": {"version": "0.2"}}, "zarr_format": 3}
    (folder / "zarr.json").write_text(json.dumps({**root, "node_type": "group"}))
    return folder
