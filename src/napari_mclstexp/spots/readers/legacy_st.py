"""Legacy spatial transcriptomics: a selection table of spots and a table of counts, ``XxY``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from scipy import sparse

from ...errors import SpotsError
from ...reading import guarded
from ...reading.numbers import EXACT, as_numbers
from ..build import make_spots
from ..schema import SpotMetadata
from .text_table import check_columns, numbers, open_unpacked, read_table, separator

PLATFORM = "legacy-st"
DIAMETER_UM, PITCH_UM = 100.0, 200.0
POSITION = ("x", "y", "pixel_x", "pixel_y")
COUNTS = "a table of counts"
MOST_GENES = 70_000  # columns; a human genome has fewer
COUNTS_ENDINGS = (".tsv.gz", ".tsv", ".stdata.tsv.gz", ".txt.gz", ".txt")


def is_selection(columns: list[str]) -> bool:
    """Whether a table's columns are those of a spot selection file."""
    return set(POSITION) <= set(columns)


def read_legacy(path: Path, counts: Path | None = None) -> anndata.AnnData:
    """Read a selection file and, given or found beside it, its counts.

    Parameters
    ----------
    path
        Table with x, y, pixel_x, pixel_y and possibly `selected`.
    counts
        Table with a row ``XxY`` a spot and a column a gene. Without it, ``counts/NAME.tsv.gz``
        beside the folder of a ``NAME_selection.tsv`` is looked for.

    Raises
    ------
    SpotsError
        Naming file and line of what is wrong.
    """
    table = read_table(path, sep="\t")
    if "selected" in table:
        table = table[table["selected"].str.strip() != "0"].reset_index(drop=True)
    x, y, pixel_x, pixel_y = (numbers(path, table, column) for column in POSITION)
    col, row = np.rint(x).astype(np.int64), np.rint(y).astype(np.int64)
    names = [f"{i}x{j}" for i, j in zip(col, row, strict=True)]
    xy = np.column_stack([pixel_x, pixel_y])
    metadata = SpotMetadata(PLATFORM, str(path), PITCH_UM, DIAMETER_UM)
    found = counts or find_counts(path)
    if found is None:
        return make_spots(
            barcodes=names, xy=xy, array_row=row, array_col=col,
            metadata=metadata,
        )  # fmt: skip
    matrix, spots, genes = read_counts(found)
    place = {name: i for i, name in enumerate(spots)}
    kept = [i for i, name in enumerate(names) if name in place]
    if not kept:
        raise SpotsError(
            f"No spot of {path} has a row in {found} (for instance {names[0] if names else '-'}); "
            "the two files belong to different sections."
        )
    return make_spots(
        barcodes=[names[i] for i in kept],
        xy=xy[kept],
        array_row=row[kept],
        array_col=col[kept],
        counts=matrix[[place[names[i]] for i in kept]],
        genes=genes,
        metadata=replace(
            metadata,
            counts_source=str(found),
            n_spots_without_counts=len(names) - len(kept),
            n_counts_without_spot=len(spots) - len(set(names) & set(spots)),
        ),
    )


def find_counts(selection: Path) -> Path | None:
    """Return the counts file that belongs to a selection file by its name, if it is there."""
    section = selection.name.split(".")[0].removesuffix("_selection")
    if section == selection.name.split(".")[0]:
        return None
    for folder in (
        selection.parent,
        selection.parent / "counts",
        selection.parent.parent / "counts",
    ):
        for ending in COUNTS_ENDINGS:
            if (folder / f"{section}{ending}").is_file():
                return folder / f"{section}{ending}"
    return None


def read_counts(path: Path) -> tuple[sparse.csr_matrix, list[str], list[str]]:
    """Read a counts table: the (n, G) counts, the n spots as ``XxY``, the G genes."""
    if not path.exists():
        raise SpotsError(f"There is no counts file {path}; check the path.")
    check_columns(path, separator(path), MOST_GENES)
    with guarded(path, COUNTS, SpotsError), open_unpacked(path, COUNTS) as file:
        table = pd.read_csv(file, sep=separator(path), index_col=0, float_precision=EXACT)
    with guarded(path, COUNTS, SpotsError):
        return _checked(path, table)


def _checked(path: Path, table: pd.DataFrame) -> tuple[sparse.csr_matrix, list[str], list[str]]:
    if table.empty:
        raise SpotsError(f"{path} holds no counts; it needs a row a spot and a column a gene.")
    spots = [str(name).strip() for name in table.index]
    repeated = pd.Index(spots)[pd.Index(spots).duplicated()]
    if len(repeated):
        raise SpotsError(
            f"{path} has more than one row for the spot {repeated[0]} "
            f"({len(repeated):,} duplicates in all); every spot must have one."
        )
    for column, kind in table.dtypes.items():
        # Of text pandas makes objects or, since 3, strings; of True and False flags.
        if not is_numeric_dtype(kind) or is_bool_dtype(kind):
            at = int(np.argmax(np.isnan(as_numbers(table[column]))))
            raise SpotsError(
                f"{path}, line {at + 2}: the count of {column} is {str(table[column].iloc[at])!r}, "
                "which is no number; repair the table."
            )
    counts = sparse.csr_matrix(table.to_numpy(dtype=np.float32))
    return counts, spots, [str(gene) for gene in table.columns]
