"""The command regions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from ..errors import SettingsError
from ..options import Option
from .answers import Report
from .result_file import Source, check_out_csv, read_result
from .shell_options import Json

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

    from ..analysis.expression import Expression


def regions_command(
    source: Source,
    geojson: Annotated[Path, Option("GeoJSON file of regions, from QuPath or from this program")],
    out: Annotated[Path, Option("CSV file with a row for each region")],
    genes: Annotated[
        str | None, Option("Genes to report; if not given, all", metavar="A,B,...")
    ] = None,
    compare: Annotated[
        str | None,
        Option("Compare two regions; OTHER may be: rest", metavar="ONE,OTHER"),
    ] = None,
    of: Annotated[
        Literal["predicted", "measured"],
        Option("What is compared; measured is there where the spots had counts"),
    ] = "predicted",
    as_json: Json = False,
) -> None:
    """Report spots, area and mean expression of each region, or compare two regions."""
    import numpy as np

    from ..analysis import region_statistics as r
    from ..analysis.expression import expression_of
    from ..export.geojson import read_geojson
    from ..export.spot_table import write_table
    from ..spots.schema import Provenance, has_positions, positions

    check_out_csv("--out", out, {"IN.h5ad": source, "--geojson": geojson})
    data, trees = read_result(source), read_geojson(geojson)
    if not has_positions(data):
        raise SettingsError(f'{source} has no obsm["spatial"], so no spot is in any region.')
    xy = positions(data)
    expression, names = expression_of(data), [str(gene) for gene in data.var_names]
    if of == "measured":
        expression, names = _measured(data, source)
    scale = Provenance.read(data).um_per_px
    if compare is None:
        if scale is None:
            raise SettingsError(f"{source} does not say µm per pixel, so areas are not known.")
        chosen = _chosen(genes, names)
        if chosen != names:
            place = {gene: at for at, gene in enumerate(names)}
            expression = expression[:, [place[gene] for gene in chosen]]
        table = r.region_report(trees, xy, scale, expression, chosen)
    else:
        every = {each.name: each for tree in trees for each in tree.walk()}
        one, _, other = compare.partition(",")
        for each in (one, other):
            if each not in every and (each != "rest" or each == one):
                raise SettingsError(
                    f"There is no region {each or '(nothing)'}; there are {', '.join(every)}."
                )
        first = r.spots_in(every[one], xy)
        second = np.ones(len(xy), bool) if other == "rest" else r.spots_in(every[other], xy)
        table = r.compare_regions(expression, tuple(names), first, second)
    write_table(table, out)
    if compare:
        said = (r.NOT_REPLICATES, *_up_and_down(table, compare.partition(",")[0]))
    else:
        said = (table.head(20).round(4).to_string(index=False, max_cols=8),)
    document = {"kind": "regions", "path": str(out), "rows": len(table)}
    Report((*said, str(out)), document).show(as_json)


def _measured(data: AnnData, source: Path) -> tuple[Expression, list[str]]:
    """Return what was measured at the spots of a prediction, and the genes that were."""
    import numpy as np

    if "measured" not in data.layers:
        raise SettingsError(f"{source} holds no measurement; leave out --of measured.")
    values = np.asarray(data.layers["measured"], dtype=np.float32)
    known = np.isfinite(values).all(axis=0)
    return values[:, known], [str(gene) for gene in data.var_names[known]]


def _up_and_down(table: pd.DataFrame, name: str) -> tuple[str, ...]:
    from ..analysis.region_comparison import up_and_down

    lines = []
    for side, where in zip(up_and_down(table), ("Higher", "Lower"), strict=True):
        shown = side.head(10).round(4).to_string(index=False) if len(side) else "none"
        lines += [f"{where} in {name}:", shown]
    return tuple(lines)


def _chosen(genes: str | None, known: list[str]) -> list[str]:
    if genes is None:
        return known
    from .predict_job import named_genes

    chosen = list(named_genes(genes))
    for each in chosen:
        if each not in known:
            raise SettingsError(f"There is no gene {each} in it; see napari-mclstexp info.")
    return chosen
