"""Where the spots of a SpatialData table are: the centres of the shapes that its rows belong to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata
import numpy as np
import pandas as pd

from ...errors import SpotsError
from ...reading import guarded, read_json
from ...reading.folder_checks import check_inside
from ..schema import POSITIONS
from .parquet_table import read_parquet

SHAPES = "shapes of SpatialData in parquet"
KEYS = ("region_key", "instance_key")


def place_by_shapes(data: anndata.AnnData, folder: Path) -> float | None:
    """Add the positions that a SpatialData folder keeps beside a table.

    Parameters
    ----------
    data
        The table.
    folder
        Of the SpatialData.

    Returns
    -------
    The median diameter in pixels where the shapes are circles, else None.

    Raises
    ------
    SpotsError
        If a row belongs to no shape, or the shapes are not in pixels of the slide.
    """
    said = data.uns.get("spatialdata_attrs")
    keys = [str(said.get(key)) for key in KEYS] if isinstance(said, dict) else []
    if not keys or not set(keys) <= set(data.obs):
        raise SpotsError(f"{folder} does not say which shapes its table belongs to; write it anew.")
    regions, instances = (data.obs[key].astype(str).to_numpy() for key in keys)
    xy, radii = np.full((data.n_obs, 2), np.nan), []
    for region in pd.unique(regions):
        centres = _centres(folder, region)
        rows = np.flatnonzero(regions == region)
        found = centres.reindex(instances[rows])
        lacking = found["x"].isna().to_numpy()
        if lacking.any():
            raise SpotsError(
                f"{folder}: the shapes {region} have none for the spot "
                f"{data.obs_names[rows[int(np.argmax(lacking))]]} ({int(lacking.sum()):,} spots in "
                "all); write both anew from the same spots."
            )
        xy[rows] = found[["x", "y"]].to_numpy()
        radii.append(found["radius"].to_numpy() if "radius" in found else np.array([np.nan]))
    data.obsm[POSITIONS] = xy
    radius = np.concatenate(radii) if radii else np.array([np.nan])
    return float(2 * np.median(radius)) if np.isfinite(radius).all() else None


def _centres(folder: Path, region: str) -> pd.DataFrame:
    """Return x, y and, of circles, radius of each shape, by the name of its instance."""
    from shapely import centroid, from_wkb, get_x, get_y

    home = folder / "shapes" / region
    path = home / "shapes.parquet"
    if not path.is_file():
        raise SpotsError(
            f"{folder} has no shapes {region[:80]}, which its table belongs to; only tables of "
            "circles and polygons can be read."
        )
    check_inside(folder, path, SpotsError)
    _check_in_pixels(home)
    table = read_parquet(path, SHAPES)
    with guarded(path, SHAPES, SpotsError):
        centres = centroid(from_wkb(table["geometry"].to_numpy()))
        found = {"x": get_x(centres), "y": get_y(centres)}
        if "radius" in table:
            found["radius"] = table["radius"].to_numpy(dtype=np.float64)
        named = pd.DataFrame(found, index=table.index.astype(str))
    if named.index.has_duplicates:
        raise SpotsError(f"{path} names a shape twice; write it anew.")
    return named


def _check_in_pixels(home: Path) -> None:
    """Make sure that shapes are in the pixels that one of their coordinate systems counts."""
    v3 = home / "zarr.json"
    said: Any = read_json(v3 if v3.is_file() else home / ".zattrs", SHAPES, SpotsError)
    said = said.get("attributes", said) if isinstance(said, dict) else {}
    systems = said.get("coordinateTransformations") if isinstance(said, dict) else None
    kinds = [each.get("type") for each in systems or () if isinstance(each, dict)]
    if kinds and "identity" not in kinds:
        raise SpotsError(
            f"{home} is not in pixels of the slide (its coordinates are transformed by "
            f"{str(kinds[0])[:40]}); apply spatialdata.transform to it first."
        )
