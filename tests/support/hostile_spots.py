"""Files of spots and expression that are wrong inside, each in its own way; most once crashed."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import zarr

from support import widget_kit as kit
from support.hostile_slides import zeros_in_gz

Make = Callable[[Path], Path]


def h5ad(change: Callable[[Any], None]) -> Make:
    """Spots whose file is changed by h5py."""

    def write(folder: Path) -> Path:
        kit.write_spots(folder / "bad.h5ad")
        with h5py.File(folder / "bad.h5ad", "r+") as file:
            change(file)
        return folder / "bad.h5ad"

    return write


def spots(change: Callable[[ad.AnnData], None]) -> Make:
    """Spots that are changed before they are written."""

    def write(folder: Path) -> Path:
        data = kit.spots()
        change(data)
        data.write_h5ad(folder / "bad.h5ad")
        return folder / "bad.h5ad"

    return write


def _heap(change: Callable[[bytearray, int], None]) -> Make:
    """Spots in whose file a heap of texts is changed; `change` gets where the heap begins."""

    def write(folder: Path) -> Path:
        path = kit.write_spots(folder / "bad.h5ad")
        content = bytearray(path.read_bytes())
        change(content, content.index(b"GCOL"))
        path.write_bytes(content)
        return path

    return write


def _endless(content: bytearray, start: int) -> None:
    content[start + 16 : start + 32] = bytes(16)  # the first text becomes a space of no size


def _too_long(content: bytearray, start: int) -> None:
    content[start + 24 : start + 32] = (2**40).to_bytes(8, "little")


def _long_name(file: Any) -> None:
    """The name of the first spot says that it has 4 GB."""
    start, name = file["obs/_index"].id.get_offset(), file.filename
    file.close()
    with Path(name).open("r+b") as raw:
        raw.seek(start)
        raw.write((2**32 - 1).to_bytes(4, "little"))


def _put(name: str, at: int, value: float) -> Make:
    def change(file: Any) -> None:
        file[name][at] = value

    return h5ad(change)


def _other(file: Any) -> Path:
    """Another file beside it, with something that nobody shall see."""
    path = Path(file.filename).with_name("secret.bin")
    path.write_bytes(np.full(252, 7, np.float32).tobytes())
    with h5py.File(path.with_suffix(".h5"), "w") as other:
        other["X"] = np.full((63, 4), 7, np.float32)
    return path


def _external_link(file: Any) -> None:
    del file["X"]
    file["X"] = h5py.ExternalLink(_other(file).with_suffix(".h5"), "X")


def _external_storage(file: Any) -> None:
    del file["X"]
    file.create_dataset("X", (63, 4), "f4", external=[(str(_other(file)), 0, 1008)])
    _as_array(file["X"])


def _virtual(file: Any) -> None:
    source = h5py.VirtualSource(_other(file).with_suffix(".h5"), "X", (63, 4), "f4")
    layout = h5py.VirtualLayout((63, 4), "f4")
    layout[:] = source
    del file["X"]
    file.create_virtual_dataset("X", layout)
    _as_array(file["X"])


def _in_pieces(file: Any) -> None:
    del file["X/indptr"]
    file["X"].create_dataset("indptr", (2**26,), "i4", chunks=(9,))


def _as_array(dataset: Any) -> None:
    dataset.attrs["encoding-type"], dataset.attrs["encoding-version"] = "array", "0.2.0"


def _unpacks_to(file: Any) -> None:
    del file["X"]
    file.create_dataset("X", (63, 200_000_000), "f4", chunks=(1, 1_000_000), compression="gzip")
    _as_array(file["X"])


def _circle(file: Any) -> None:
    file["uns/again"] = file["uns"]
    file["uns/soft"] = h5py.SoftLink("/uns/soft")


def _positions(values: Any) -> Make:
    def change(data: ad.AnnData) -> None:
        data.obsm["spatial"] = values(data.obsm["spatial"])

    return spots(change)


def _texts(file: Any) -> None:
    del file["obsm/spatial"]
    file["obsm/spatial"] = np.full((63, 2), "here", h5py.string_dtype())
    file["obsm/spatial"].attrs["encoding-type"] = "string-array"
    file["obsm/spatial"].attrs["encoding-version"] = "0.2.0"


def _fact(name: str, value: object) -> Make:
    def change(data: ad.AnnData) -> None:
        data.uns["mclstexp"] = {name: value}

    return spots(change)


def _in_tissue(data: ad.AnnData) -> None:
    data.obs["in_tissue"] = "perhaps"


def _set_xy(row: int, value: float) -> Make:
    def change(data: ad.AnnData) -> None:
        data.obsm["spatial"][row, 0] = value

    return spots(change)


# Files of expression: wrong for every command that reads one.
H5AD: dict[str, Make] = {
    "an index out of bounds": _put("X/indices", 5, 4_000),
    "an index far out of bounds": _put("X/indices", 5, 2_000_000_000),
    "an index below 0": _put("X/indices", 5, -1),
    "rows that end before they begin": _put("X/indptr", 5, 0),
    "rows that go on behind the end": _put("X/indptr", 63, 1_000_000),
    "rows that begin late": _put("X/indptr", 0, 3),
    "a matrix without values": h5ad(lambda file: file["X"].__delitem__("data")),
    "a link to another file": h5ad(_external_link),
    "values in another file": h5ad(_external_storage),
    "a virtual data set": h5ad(_virtual),
    "millions of pieces, all absent": h5ad(_in_pieces),
    "50 GB out of a few kB": h5ad(_unpacks_to),
    "a heap of texts without end": _heap(_endless),
    "a heap of texts behind the end": _heap(_too_long),
    "a name of 4 GB": h5ad(_long_name),
    "no table of spots": h5ad(lambda file: file.__delitem__("obs")),
    "names of spots that are gone": h5ad(lambda file: file["obs"].__delitem__("_index")),
    "nothing of AnnData": h5ad(lambda file: [file.__delitem__(key) for key in list(file)]),
}
# Wrong for those who ask where spots are.
PLACED: dict[str, Make] = {
    "positions that are texts": h5ad(_texts),
    "a position that is NaN": _set_xy(3, np.nan),
    "a position that is infinite": _set_xy(3, np.inf),
    "a position at 1e300": _set_xy(3, 1e300),
    "positions in one column": _positions(lambda xy: xy[:, :1]),
}
SPOTS: dict[str, Make] = {
    "in_tissue in words": spots(_in_tissue),
    "a pitch that is text": _fact("pitch_um", "wide"),
    "a pitch below 0": _fact("pitch_um", -100.0),
    "a pitch that is infinite": _fact("pitch_um", np.inf),
    "a count of half a molecule below 0": spots(lambda data: data.X.data.__setitem__(0, -2)),
}


def _sections(change: Callable[[Path], None]) -> Make:
    def write(folder: Path) -> Path:
        kit.write_outs(folder / "bad_outs")
        change(folder / "bad_outs")
        return folder / "bad_outs"

    return write


def _matrix(name: str, at: Any, value: Any) -> Make:
    def change(outs: Path) -> None:
        with h5py.File(outs / "filtered_feature_bc_matrix.h5", "r+") as file:
            file[f"matrix/{name}"][at] = value

    return _sections(change)


def _shorter(name: str) -> Make:
    def change(outs: Path) -> None:
        with h5py.File(outs / "filtered_feature_bc_matrix.h5", "r+") as file:
            kept = file[f"matrix/{name}"][:-1]
            del file[f"matrix/{name}"]
            file[f"matrix/{name}"] = kept

    return _sections(change)


def _said(name: str, content: str | bytes) -> Make:
    def change(outs: Path) -> None:
        data = content.encode() if isinstance(content, str) else content
        (outs / name).write_bytes(data)

    return _sections(change)


def _mtx(name: str, content: bytes) -> Make:
    """The three files of counts, one of them changed."""

    def change(outs: Path) -> None:
        (outs / "filtered_feature_bc_matrix.h5").unlink()
        folder = outs / "filtered_feature_bc_matrix"
        folder.mkdir()
        names = "\n".join(f"spot{i}" for i in range(63)).encode()
        matrix = b"%%MatrixMarket matrix coordinate integer general\n%\n2 63 2\n1 1 5\n2 3 1\n"
        genes = b"E1\tFASN\tGene Expression\nE2\tGNAS\tGene Expression"
        whole = {"barcodes.tsv.gz": names, "features.tsv.gz": genes, "matrix.mtx.gz": matrix}
        for each, data in whole.items():
            (folder / each).write_bytes(gzip.compress(data))
        (folder / name).write_bytes(content)

    return _sections(change)


_HEAD = b"%%MatrixMarket matrix coordinate integer general\n"
_FACTORS = "spatial/scalefactors_json.json"
_TABLE = "spatial/tissue_positions.csv"
_COLUMNS = "barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres\n"
OUTS: dict[str, Make] = {
    "an index out of bounds": _matrix("indices", 3, 4_000),
    "an index below 0": _matrix("indices", 3, -9),
    "a shape below 0": _matrix("shape", 0, -4),
    "a shape of another matrix": _matrix("shape", 1, 1_000_000),
    "too few barcodes": _shorter("barcodes"),
    "too few genes": _shorter("features/id"),
    "too few values": _shorter("data"),
    "factors that are text": _said(_FACTORS, '{"spot_diameter_fullres": "wide"}'),
    "factors that are infinite": _said(_FACTORS, '{"spot_diameter_fullres": Infinity}'),
    "factors that are a list": _said(_FACTORS, "[1, 2]"),
    "factors of 400 digits": _said(_FACTORS, '{"bin_size_um": 1' + "0" * 400 + "}"),
    "factors 100,000 deep": _said(_FACTORS, "[" * 100_000),
    "factors 90 deep": _said(_FACTORS, "[" * 90 + "]" * 90),
    "factors that are no JSON": _said(_FACTORS, b"\x00\x01"),
    "in_tissue in words": _said(_TABLE, _COLUMNS + "spot1,perhaps,1,1,400,400\n"),
    "a position that is NaN": _said(_TABLE, _COLUMNS + "spot1,1,1,1,nan,400\n"),
    "a position at 1e300": _said(_TABLE, _COLUMNS + "spot1,1,1,1,1e300,400\n"),
    "a position that is text": _said(_TABLE, _COLUMNS + "spot1,1,1,1,here,400\n"),
    "no column of rows": _said(_TABLE, _COLUMNS.replace("array_row", "row") + "a,1,1,1,4,4\n"),
    "parquet that is none": _said("spatial/tissue_positions.parquet", b"PAR1 no PAR1"),
    "an mtx of 10^18 counts": _mtx("matrix.mtx.gz", gzip.compress(_HEAD + b"2 63 1" + b"0" * 18)),
    "an mtx of 10^9 rows": _mtx("matrix.mtx.gz", gzip.compress(_HEAD + b"1000000000 63 1\n1 1 1")),
    "an mtx with an index outside": _mtx("matrix.mtx.gz", gzip.compress(_HEAD + b"2 63 1\n9 1 1")),
    "an mtx with an index below 1": _mtx("matrix.mtx.gz", gzip.compress(_HEAD + b"2 63 1\n0 1 1")),
    "an mtx without a header": _mtx("matrix.mtx.gz", gzip.compress(b"2 63 1\n1 1 1")),
    "an mtx cut short": _mtx("matrix.mtx.gz", gzip.compress(_HEAD + b"2 63 9\n1 1 1")),
    "a damaged gz": _mtx("matrix.mtx.gz", b"\x1f\x8b\x08\x00 damaged"),
    "barcodes of 70 MB in 300 kB": lambda at: _mtx("barcodes.tsv.gz", zeros_in_gz())(at),
    "barcodes of another sample": _mtx("barcodes.tsv.gz", gzip.compress(b"a\nb")),
}


def anndata_zarr(change: Callable[[Path], None]) -> Make:
    """Spots in a zarr folder, which is changed."""

    def write(folder: Path) -> Path:
        path = folder / "bad.zarr"
        data = kit.spots()
        data.X = data.X.toarray()
        ad.io.write_elem(zarr.open_group(path, mode="w", zarr_format=2), "/", data)
        change(path)
        return path

    return write


def _edited(name: str, **said: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        metadata = json.loads((path / name).read_text())
        (path / name).write_text(json.dumps(metadata | said))

    return change


def _linked(path: Path) -> None:
    shutil.rmtree(path / "X")
    (path / "X").symlink_to("/etc")


ZARR: dict[str, Make] = {
    "a link out of it": anndata_zarr(_linked),
    "a pipe in it": anndata_zarr(lambda path: os.mkfifo(path / "X" / "9.9")),
    "a codec that runs code": anndata_zarr(
        _edited("X/.zarray", dtype="|O", filters=[{"id": "pickle", "protocol": 5}])
    ),
    "50 GB out of a few kB": anndata_zarr(
        _edited("X/.zarray", shape=[63, 200_000_000], chunks=[63, 4])
    ),
    "a shape that is text": anndata_zarr(_edited("X/.zarray", shape=["many"])),
    "metadata that are no JSON": anndata_zarr(lambda p: (p / "X" / ".zarray").write_text("{")),
    "metadata that are a list": anndata_zarr(lambda p: (p / "X" / ".zarray").write_text("[]")),
}
