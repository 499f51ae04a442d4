"""Spots, counts and regions that others' writers make, and ours read by theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import anndata
import h5py
import numpy as np
import pandas as pd
import shapely
from scipy import io, sparse

from napari_mclstexp.analysis.region import Region
from napari_mclstexp.anndata_file import read_anndata, write_zarr
from napari_mclstexp.errors import SpotsError
from napari_mclstexp.export.geojson import read_geojson, write_geojson
from napari_mclstexp.export.spatialdata import write_spatialdata
from napari_mclstexp.spots.readers.choose import read_spots

from .packaged_tables import check_anndata, dense
from .results import Result, same

N, G = 60, 12
COLUMNS = ["barcode", "in_tissue", "array_row", "array_col", "pxl_row_in_fullres",
           "pxl_col_in_fullres"]  # fmt: skip


def section() -> anndata.AnnData:
    """Counts at places, the last ten outside the tissue."""
    rng = np.random.default_rng(5)
    obs = pd.DataFrame(index=[f"{i:04d}ACGT-1" for i in range(N)])
    obs["in_tissue"] = (np.arange(N) < N - 10).astype(int)
    obs["array_row"], obs["array_col"] = np.arange(N) // 8, 2 * (np.arange(N) % 8)
    var = pd.DataFrame(
        {"gene_ids": [f"ENSG{i}" for i in range(G)]}, index=[f"GENE{i}" for i in range(G)]
    )
    counts = sparse.csr_matrix(rng.poisson(2, (N, G)).astype(np.float32))
    xy = rng.uniform(0, 4000, (N, 2)).round(2)
    return anndata.AnnData(counts, obs=obs, var=var, obsm={"spatial": xy})


def _h5ad(change: Callable[[anndata.AnnData], None]) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        data = section()
        change(data)
        data.write_h5ad(path.with_suffix(".h5ad"), compression="gzip")
        return _equal(read_spots(path.with_suffix(".h5ad")))

    return check


def _equal(spots: anndata.AnnData, expected: anndata.AnnData | None = None) -> str:
    expected = section() if expected is None else expected
    assert spots.obs_names.tolist() == expected.obs_names.tolist()
    np.testing.assert_allclose(spots.obsm["spatial"], expected.obsm["spatial"])
    np.testing.assert_array_equal(dense(spots.X), dense(expected.X))
    assert spots.var_names.tolist() == expected.var_names.tolist()
    return f"{spots.n_obs} spots, {spots.n_vars} genes: places and counts equal"


def _in_obs(*columns: str) -> Callable[[anndata.AnnData], None]:
    def change(data: anndata.AnnData) -> None:
        data.obs[list(columns)] = data.obsm.pop("spatial")

    return change


def _normalised(data: anndata.AnnData) -> None:
    import scanpy

    data.layers["counts"] = data.X.copy()
    scanpy.pp.normalize_total(data)
    scanpy.pp.log1p(data)


def _raw(data: anndata.AnnData) -> None:
    data.raw = data.copy()
    data.X = np.asarray(data.X.toarray()) / 3


def _columns(data: anndata.AnnData) -> None:
    data.X = data.X.tocsc()


def _zarr(form: int) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        import zarr
        from anndata.io import write_elem

        folder = path.with_suffix(".zarr")
        write_elem(zarr.open_group(folder, mode="w", zarr_format=form), "/", section())
        check_anndata(folder)
        return _equal(read_spots(folder))

    return check


def _our_zarr(path: Path) -> str:
    write_zarr(section(), path.with_suffix(".zarr"))
    return _equal(anndata.read_zarr(path.with_suffix(".zarr")))


def _spatialdata(*, circles: bool = True, scale: float | None = None) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        import geopandas
        import spatialdata
        from spatialdata.models import ShapesModel, TableModel
        from spatialdata.transformations import Scale

        data = section()
        xy = data.obsm.pop("spatial")
        order = np.random.default_rng(1).permutation(N)
        data.obs["region"] = pd.Categorical(["spots"] * N)
        data.obs["spot_id"] = np.arange(N)
        index = pd.Index(order)
        said = {"global": Scale([scale, scale], axes=("x", "y"))} if scale else None
        if circles:
            shapes = ShapesModel.parse(
                xy[order], geometry=0, radius=30, index=index, transformations=said
            )
        else:
            cells = geopandas.GeoDataFrame(
                geometry=shapely.buffer(shapely.points(xy[order]), 20), index=index
            )
            shapes = ShapesModel.parse(cells, transformations=said)
        table = TableModel.parse(data, region="spots", region_key="region", instance_key="spot_id")
        folder = path.with_suffix(".zarr")
        spatialdata.SpatialData(shapes={"spots": shapes}, tables={"table": table}).write(folder)
        return _equal(read_spots(folder))

    return check


def _our_spatialdata(path: Path) -> str:
    import spatialdata

    folder = path.with_suffix(".zarr")
    write_spatialdata(section(), folder)
    back = spatialdata.read_zarr(folder)
    places = shapely.get_coordinates(back.shapes["spots"].geometry.to_numpy())
    np.testing.assert_allclose(places, section().obsm["spatial"])
    _equal(back.tables["expression"])
    _equal(read_anndata(folder, SpotsError))
    return _equal(read_spots(folder)) + ", by spatialdata and here"


def _matrix(path: Path, barcodes: pd.Index) -> None:
    """A matrix as Cell Ranger 3 and later write it."""
    data = section()[barcodes]
    turned = sparse.csc_matrix(data.X.T)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(turned, name)
        group["shape"] = turned.shape
        group["barcodes"] = np.array(list(data.obs_names), dtype="S")
        features = group.create_group("features")
        features["id"] = np.array(data.var["gene_ids"].tolist(), dtype="S")
        features["name"] = np.array(list(data.var_names), dtype="S")
        features["feature_type"] = np.array(["Gene Expression"] * G, dtype="S")
        features["genome"] = np.array(["GRCh38"] * G, dtype="S")


def _outs(
    positions: str, *, raw: bool = False, below: str = "", mtx: bool = False,
    change: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> Callable[[Path], str]:  # fmt: skip
    def check(path: Path) -> str:
        data, outs = section(), path / "outs" / below
        (outs / "spatial").mkdir(parents=True)
        table = data.obs[["in_tissue", "array_row", "array_col"]].copy()
        table[COLUMNS[4:]] = data.obsm["spatial"][:, ::-1]
        table = table.rename_axis("barcode").reset_index()
        table = table if change is None else change(table)
        target = outs / "spatial" / positions
        if positions.endswith(".parquet"):
            table.to_parquet(target)
        else:
            table.to_csv(target, index=False, header="list" not in positions)
        factors: dict[str, Any] = {"spot_diameter_fullres": 88.1, "tissue_hires_scalef": 0.1}
        factors |= {"bin_size_um": 8.0, "microns_per_pixel": 0.27} if below else {}
        (outs / "spatial" / "scalefactors_json.json").write_text(json.dumps(factors))
        kept = data.obs_names if raw else data.obs_names[data.obs["in_tissue"] == 1]
        kind = "raw" if raw else "filtered"
        if mtx:
            folder = outs / f"{kind}_feature_bc_matrix"
            folder.mkdir()
            io.mmwrite(folder / "matrix.mtx", sparse.coo_matrix(data[kept].X.T.astype(int)))
            (folder / "barcodes.tsv").write_text("\n".join(kept) + "\n")
            rows = zip(data.var["gene_ids"], data.var_names, strict=True)
            lines = [f"{each}\t{name}\tGene Expression" for each, name in rows]
            (folder / "features.tsv").write_text("\n".join(lines) + "\n")
        else:
            _matrix(outs / f"{kind}_feature_bc_matrix.h5", kept)
        spots = read_spots(path / "outs")
        note = spots.uns["mclstexp"].get("counts_note")
        assert raw == (note is not None)
        said = _equal(spots, data[data.obs["in_tissue"] == 1])
        return f"{said}; said: {note}" if note else said

    return check


SQUARE = shapely.box(100, 100, 300, 250)
HOLE = SQUARE.difference(shapely.box(150, 150, 200, 200))
FAR = shapely.box(500, 500, 600, 620)


def _geojson(document: Any, *shapes: Any) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        path.with_suffix(".geojson").write_text(json.dumps(document), encoding="utf-8")
        return _same_shapes(read_geojson(path.with_suffix(".geojson")), shapes)

    return check


def _same_shapes(regions: tuple[Region, ...], shapes: Any) -> str:
    assert len(regions) == len(shapes)
    for region, shape in zip(regions, shapes, strict=True):
        assert region.shape().symmetric_difference(shape).area < 1e-6 * shape.area
    return f"{len(regions)} regions of the same shape as shapely's"


def _geopandas(path: Path) -> str:
    import geopandas

    frame = geopandas.GeoDataFrame({"name": ["a", "b"]}, geometry=[HOLE, FAR], crs=None)
    frame.to_file(path.with_suffix(".geojson"), driver="GeoJSON")
    regions = read_geojson(path.with_suffix(".geojson"))
    assert [each.name for each in regions] == ["a", "b"]
    return _same_shapes(regions, [HOLE, FAR])


def _to_geopandas(path: Path) -> str:
    import geopandas

    regions = read_after_write(path)
    frame = geopandas.read_file(path.with_suffix(".geojson"))
    return _same_shapes(regions, list(frame.geometry)) + ", read by geopandas"


def read_after_write(path: Path) -> tuple[Region, ...]:
    """Write two regions as GeoJSON, and read them again."""
    from napari_mclstexp.analysis.region import region_of

    regions = tuple(region_of(each, str(i)) for i, each in enumerate((HOLE, FAR)))
    write_geojson(regions, path.with_suffix(".geojson"))
    return read_geojson(path.with_suffix(".geojson"))


def _feature(shape: Any, **more: Any) -> dict[str, Any]:
    said = {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}}
    return {"type": "Feature", "geometry": shapely.geometry.mapping(shape),
            "properties": said, **more}  # fmt: skip


def _csv(names: tuple[str, ...]) -> Callable[[Path], str]:
    def check(path: Path) -> str:
        data = section()
        table = pd.DataFrame(data.obsm["spatial"], columns=names, index=data.obs_names)
        table.rename_axis("barcode").to_csv(path.with_suffix(".csv"))
        spots = read_spots(path.with_suffix(".csv"))
        np.testing.assert_allclose(spots.obsm["spatial"], data.obsm["spatial"])
        return f"{spots.n_obs} spots at the same places"

    return check


def _nulls(column: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table[column] = table[column].astype(object)
        table.loc[4, column] = None
        return table

    return change


MAP = shapely.geometry.mapping
PARQUET, HD = "tissue_positions.parquet", "binned_outputs/square_008um"
CASES: list[tuple[str, str, str, Callable[[Path], str]]] = [
    ("h5ad", "anndata", "obsm spatial", _h5ad(lambda data: None)),
    ("h5ad", "anndata", "x_pixel and y_pixel in obs", _h5ad(_in_obs("x_pixel", "y_pixel"))),
    ("h5ad", "anndata", "pxl_*_in_fullres in obs", _h5ad(_in_obs(*COLUMNS[:3:-1]))),
    ("h5ad", "anndata", "no positions", _h5ad(_in_obs("left", "top"))),
    ("h5ad", "scanpy", "log1p, counts in a layer", _h5ad(_normalised)),
    ("h5ad", "anndata", "counts in raw", _h5ad(_raw)),
    ("h5ad", "anndata", "counts by columns", _h5ad(_columns)),
    ("AnnData in zarr", "anndata", "format 2", _zarr(2)),
    ("AnnData in zarr", "anndata", "format 3", _zarr(3)),
    ("AnnData in zarr", "napari-mclstexp", "ours, read by anndata", _our_zarr),
    ("SpatialData", "spatialdata", "circles", _spatialdata()),
    ("SpatialData", "spatialdata", "polygons", _spatialdata(circles=False)),
    ("SpatialData", "spatialdata", "in another scale", _spatialdata(scale=4.7)),
    ("SpatialData", "napari-mclstexp", "ours, read by spatialdata", _our_spatialdata),
    ("Space Ranger folder", "pandas, h5py", "1, h5", _outs("tissue_positions_list.csv")),
    (
        "Space Ranger folder",
        "pandas, scipy",
        "1, mtx",
        _outs("tissue_positions_list.csv", mtx=True),
    ),
    ("Space Ranger folder", "pandas, h5py", "2 and 3", _outs("tissue_positions.csv")),
    ("Space Ranger folder", "pandas, h5py", "raw alone", _outs("tissue_positions.csv", raw=True)),
    (
        "Space Ranger folder",
        "pandas, scipy",
        "raw mtx alone",
        _outs("tissue_positions.csv", raw=True, mtx=True),
    ),
    ("Space Ranger folder", "pandas, h5py", "HD of 3 and 4", _outs(PARQUET, below=HD)),
    (
        "Space Ranger folder",
        "pandas, h5py",
        "HD, a row without a barcode",
        _outs(PARQUET, below=HD, change=_nulls("barcode")),
    ),
    (
        "Space Ranger folder",
        "pandas, h5py",
        "HD, a row without a place",
        _outs(PARQUET, below=HD, change=_nulls("pxl_row_in_fullres")),
    ),
    (
        "Space Ranger folder",
        "pandas, h5py",
        "HD, text for numbers",
        _outs(PARQUET, below=HD, change=lambda table: table.astype({"array_col": str})),
    ),
    ("table of spots", "pandas", "x, y", _csv(("x", "y"))),
    ("table of spots", "pandas", "x_pixel, y_pixel", _csv(("x_pixel", "y_pixel"))),
    ("table of spots", "pandas", "left, top", _csv(("left", "top"))),
    ("GeoJSON", "shapely", "a Polygon alone", _geojson(MAP(HOLE), HOLE)),
    (
        "GeoJSON",
        "shapely",
        "a MultiPolygon alone",
        _geojson(MAP(shapely.MultiPolygon([HOLE, FAR])), shapely.MultiPolygon([HOLE, FAR])),
    ),
    (
        "GeoJSON",
        "shapely",
        "a GeometryCollection",
        _geojson(MAP(shapely.GeometryCollection([HOLE, FAR])), HOLE, FAR),
    ),
    ("GeoJSON", "shapely", "a list of geometries", _geojson([MAP(HOLE), MAP(FAR)], HOLE, FAR)),
    ("GeoJSON", "shapely", "a point", _geojson(MAP(shapely.Point(1, 1)))),
    ("GeoJSON", "geopandas", "to_file", _geopandas),
    ("GeoJSON", "napari-mclstexp", "ours, read by geopandas", _to_geopandas),
    (
        "GeoJSON",
        "in QuPath's words",
        "FeatureCollection",
        _geojson(
            {
                "type": "FeatureCollection",
                "features": [_feature(HOLE, id="a"), _feature(FAR, id="b")],
            },
            HOLE,
            FAR,
        ),
    ),
    (
        "GeoJSON",
        "in QuPath's words",
        "a list of features, all of one id",
        _geojson(
            [_feature(HOLE, id="PathAnnotationObject"), _feature(FAR, id="PathAnnotationObject")],
            HOLE,
            FAR,
        ),
    ),
    ("GeoJSON", "in QuPath's words", "a feature alone", _geojson(_feature(FAR), FAR)),
]


def written_tables(scratch: Path) -> Iterator[Result]:
    """Yield a result for each; of a package that is not installed, none."""
    for number, (kind, writer, name, check) in enumerate(CASES):
        folder = scratch / f"tables-{number}"
        folder.mkdir()

        def once(folder: Path = folder, check: Callable[[Path], str] = check) -> str:
            return check(folder / "file")

        try:
            if writer in ("spatialdata", "geopandas") or name.startswith("ours, read by"):
                __import__(writer if writer != "napari-mclstexp" else name.split()[-1])
        except ImportError:
            continue
        installed = writer.isidentifier()
        yield same(kind, f"{writer} {version(writer)}" if installed else writer, name, once)
