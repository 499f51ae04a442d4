"""What is fuzzed: every reader of files, with whole files of its own to begin with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from fuzz import whole_files as w
from napari_mclstexp.errors import SettingsError
from support import hostile_kit, widget_kit

_SMALL_PX = 64


@dataclass(frozen=True)
class Parser:
    """A reader.

    Attributes
    ----------
    ending
        What its files' names end with.
    read
        Reads a file, and looks at what came of it as the program would.
    seeds
        Whole files, as their content.
    weight
        How often it is chosen.
    words
        Whether its files are text, of which words are exchanged rather than bits.
    """

    ending: str
    read: Callable[[Path], object]
    seeds: Callable[[Path], list[bytes]]
    weight: int = 1
    words: bool = False


@cache
def parsers() -> dict[str, Parser]:
    """Return all readers by name."""
    return {
        "tiff": Parser(".tif", _slide, w.tiffs, 6),
        "ome-tiff": Parser(".ome.tif", _slide, w.ome_tiffs, 3),
        "aperio": Parser(".svs", _slide, w.aperio, 3),
        "foreign tiff": Parser(".tif", _slide, w.foreign_tiffs, 4),
        "jpeg2000": Parser(".jp2", _slide, w.pictures("jpeg2000"), 3),
        "jpeg": Parser(".jpg", _slide, w.pictures("jpeg"), 4),
        "png": Parser(".png", _slide, w.pictures("png"), 4),
        "h5ad": Parser(".h5ad", _spots, w.h5ads, 1),
        "result": Parser(".h5ad", _result, w.h5ads, 1),
        "prediction": Parser(".h5ad", _prediction, w.h5ads, 1),
        "xy": Parser(".csv", _spots, w.texts(hostile_kit.XY), 6, True),
        "packed xy": Parser(".csv.gz", _spots, w.packed_tables, 2),
        "legacy": Parser(".tsv", _spots, w.legacy_tables(0), 4, True),
        "counts": Parser(".tsv", _counts, w.legacy_tables(1), 4, True),
        "positions": Parser(".csv", _in_outs("spatial/tissue_positions.csv"),
                            w.of_outs("spatial/tissue_positions.csv"), 3, True),
        "factors": Parser(".json", _in_outs("spatial/scalefactors_json.json"),
                          w.of_outs("spatial/scalefactors_json.json"), 3, True),
        "matrix": Parser(".h5", _in_outs("filtered_feature_bc_matrix.h5"),
                         w.of_outs("filtered_feature_bc_matrix.h5"), 1),
        "parquet": Parser(".parquet", _in_outs("spatial/tissue_positions.parquet"), w.parquets, 3),
        "mtx": Parser(".mtx", _mtx, w.texts(_MTX), 5, True),
        "config": Parser(".json", _config, w.of_model("config.json"), 4, True),
        "weights": Parser(".safetensors", _tensors, w.small_weights, 6),
        "torch": Parser(".pth", _tensors, w.small_torch, 4),
        "bank": Parser(".h5ad", _bank, w.of_model("bank.h5ad"), 1),
        "geojson": Parser(".geojson", _geojson, w.texts(hostile_kit.REGIONS), 8, True),
        "gmt": Parser(".gmt", _gmt, w.texts("lipid\tpaper\tFASN\tGNAS\n"), 4, True),
        "landmarks": Parser(".csv", _landmarks, w.texts(_LANDMARKS), 4, True),
        "genes": Parser(".txt", _genes, w.texts("FASN\nGNAS\n# note\n"), 3, True),
        "cohort": Parser(".csv", _cohort, w.texts(_COHORT), 5, True),
        "slides": Parser(".csv", _slides, w.texts(_SLIDES), 5, True),
        "session": Parser(".json", _session, w.sessions, 5, True),
        "features": Parser(".npy", _features, w.feature_files, 4),
        "shapes": Parser(".parquet", _in_spatialdata("shapes/spots/shapes.parquet"),
                         w.of_spatialdata("shapes/spots/shapes.parquet"), 2),
        "transformations": Parser(".json", _in_spatialdata("shapes/spots/zarr.json"),
                                  w.of_spatialdata("shapes/spots/zarr.json"), 2, True),
        "zarray": Parser(".json", _in_zarr("X/.zarray"), w.of_zarr("X/.zarray"), 2, True),
        "zattrs": Parser(".json", _in_zarr("obs/.zattrs"), w.of_zarr("obs/.zattrs"), 2, True),
    }  # fmt: skip


_MTX = "%%MatrixMarket matrix coordinate integer general\n%\n2 3 2\n1 1 5\n2 3 1\n"
_LANDMARKS = "x,y,onto_x,onto_y\n0,0,5,5\n900,0,905,5\n0,900,5,905\n400,400,410,400\n"
_COHORT = "section,patient,slide,spots,um_per_px\nS,P,a.tif,a.csv,0.5\nT,P,b.tif,b.csv,\n"
_SLIDES = "slide,spots,name,um_per_px,group\na.tif,a.csv,one,0.5,g\nb.tif,,two,,h\n"


def _slide(path: Path) -> object:
    from napari_mclstexp.slides import open_slide

    with open_slide(path) as slide:
        return slide.thumbnail(_SMALL_PX), slide.read_level(0, 0, 0, 40, 40)


def _spots(path: Path) -> object:
    from napari_mclstexp.spots.readers.choose import read_spots
    from napari_mclstexp.spots.schema import SpotMetadata, positions

    found = read_spots(path)
    return positions(found), SpotMetadata.read(found), found.X.sum()


def _result(path: Path) -> object:
    from napari_mclstexp.cli.result_file import opened_result, read_result
    from napari_mclstexp.spots.schema import Provenance, has_positions, positions, read_programs

    with opened_result(path) as (data, x):
        part = None if x is None else x[0:10]
        total = None if part is None else part.sum()
    data = read_result(path)
    xy = positions(data) if has_positions(data) else None
    return total, xy, Provenance.read(data), read_programs(data)


def _prediction(path: Path) -> object:
    from napari_mclstexp.inference.prediction_io import read_prediction
    from napari_mclstexp.spots.schema import holds_prediction

    return holds_prediction(path), read_prediction(path)


def _counts(path: Path) -> object:
    from napari_mclstexp.spots.readers.legacy_st import read_counts

    return read_counts(path)[0].sum()


def _tensors(path: Path) -> object:
    from napari_mclstexp.model.backbones import read_tensors

    return read_tensors(path)


def _bank(path: Path) -> object:
    from napari_mclstexp.model.folder import read_bank

    return read_bank(path)


def _config(path: Path) -> object:
    from napari_mclstexp.model.folder import read_config

    return read_config(path).meant_for


def _geojson(path: Path) -> object:
    from napari_mclstexp.analysis.region_statistics import spots_in
    from napari_mclstexp.export.geojson import read_geojson, to_geojson

    trees = read_geojson(path)
    xy = np.array([[400.0, 300.0], [5.0, 5.0]])
    areas = [(each.shape().area, spots_in(each, xy)) for tree in trees for each in tree.walk()]
    return areas, to_geojson(trees)


def _gmt(path: Path) -> object:
    from napari_mclstexp.analysis.signatures import read_gmt

    return read_gmt(path)


def _landmarks(path: Path) -> object:
    from napari_mclstexp.analysis.registration import read_landmarks, register

    return register(read_landmarks(path), 0.5, 0.5).residuals_um


def _genes(path: Path) -> object:
    from napari_mclstexp.cohort.gene_selection import read_gene_list

    return read_gene_list(path)


def _cohort(path: Path) -> object:
    from napari_mclstexp.cohort.checks import check_cohort
    from napari_mclstexp.cohort.table import read_rows

    checked = check_cohort(path)
    try:
        return checked.as_table(), read_rows(path)
    except SettingsError:
        return checked


def _slides(path: Path) -> object:
    from napari_mclstexp.cohort_runs.slide_list import list_slides

    return list_slides(path)


def _session(path: Path) -> object:
    from napari_mclstexp.session.read_session import read_session, slides_in

    folder = path.parent / "session"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "session.json")
    return read_session(folder), slides_in(folder)


def _features(path: Path) -> object:
    from napari_mclstexp.inference.feature_cache import kept_features

    return kept_features(path, (3, 4))


def _mtx(path: Path) -> object:
    from napari_mclstexp.spots.readers.count_matrix import read_mtx

    folder = path.parent / "mtx"
    folder.mkdir(exist_ok=True)
    (folder / "barcodes.tsv").write_text("a\nb\nc\n")
    (folder / "features.tsv").write_text("E1\tFASN\nE2\tGNAS\n")
    shutil.copy(path, folder / "matrix.mtx")
    return read_mtx(folder).counts.sum()


def _in_outs(name: str) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        outs = path.parent / "outs"
        if not outs.is_dir():
            widget_kit.write_outs(outs)
        kept = (outs / name).read_bytes() if (outs / name).is_file() else None
        shutil.copy(path, outs / name)
        try:
            return _spots(outs)
        finally:
            (outs / name).unlink()
            if kept is not None:
                (outs / name).write_bytes(kept)

    return read


def _in_zarr(name: str) -> Callable[[Path], object]:
    return _in_folder("whole.zarr", name, w.write_zarr, _result)


def _in_spatialdata(name: str) -> Callable[[Path], object]:
    return _in_folder("spatialdata.zarr", name, w.write_spatialdata, _spots)


def _in_folder(
    of: str, name: str, write: Callable[[Path], None], look: Callable[[Path], object]
) -> Callable[[Path], object]:
    def read(path: Path) -> object:
        folder = path.parent / of
        if not folder.is_dir():
            write(folder)
        kept = (folder / name).read_bytes()
        shutil.copy(path, folder / name)
        try:
            return look(folder)
        finally:
            (folder / name).write_bytes(kept)

    return read
