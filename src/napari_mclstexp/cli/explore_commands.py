"""The commands domains, signature, regions and export: what people ask of a result."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..analysis.domain_settings import DomainSettings
from ..errors import OutputError, SettingsError
from ..files import atomic_file, atomic_folder, check_folder, refuse_overwriting, write_h5ad
from ..options import Option
from .answers import Report
from .long_work import check_out_file
from .shell_options import Json

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

Source = Annotated[
    Path, typer.Argument(metavar="IN.h5ad", help="A prediction, or any h5ad with expression")
]
SPATIALDATA = "a SpatialData folder"
SHOWN = 5  # marker genes of each domain


def domains_command(
    source: Source,
    out: Annotated[Path, Option("The .h5ad file to write, with the domains in it")],
    settings: DomainSettings,
    truth: Annotated[
        str | None,
        Option("Column of obs with labels to compare the domains with", metavar="COLUMN"),
    ] = None,
    markers: Annotated[Path | None, Option("CSV file for the marker genes of each domain")] = None,
    as_json: Json = False,
) -> None:
    """Find domains: regions of similar expression, written to obs["domain"]."""
    from ..analysis import domains as d

    check_out_file(out, {"IN.h5ad": source})
    if markers is not None:
        _check_out_csv("--markers", markers)
        refuse_overwriting(markers, {"IN.h5ad": source})
        if markers.resolve() == out.resolve():
            raise OutputError(f"--markers {markers} would overwrite --out; choose another name.")
    data = _read(source)
    if truth is not None and truth not in data.obs:
        raise SettingsError(
            f"{source} has no column {truth}; obs has {', '.join(map(str, data.obs.columns))}."
        )
    expression = d.expression_of(data)
    found = d.find_domains(expression, _positions(data), settings)
    names = tuple(str(gene) for gene in data.var_names)
    table = d.marker_genes(expression, names, found.labels)
    document: dict[str, Any] = {"kind": "domains", "path": str(out), "k": found.k}
    lines = [f"{found.k} domains in {out}. {found.reason}"]
    sizes = {}
    for domain in sorted(set(found.labels.tolist()), key=int):
        sizes[domain] = int((found.labels == domain).sum())
        best = table[table["domain"] == domain].head(SHOWN)
        lines.append(f"{domain}: {sizes[domain]:,} spots; high in {', '.join(best['gene'])}")
    document |= {"sizes": sizes, "reason": found.reason, "ari": None, "nmi": None}
    if truth is not None:
        labels = data.obs[truth].astype(str).to_numpy(dtype=str)
        ari, nmi, n = d.agreement(found.labels, labels)
        lines.append(f"Agreement with {truth} at {n:,} spots: ARI {ari:.3f}, NMI {nmi:.3f}")
        document |= {"ari": ari, "nmi": nmi, "n_labelled": n}
    data.obs["domain"] = found.labels
    data.obs["domain"] = data.obs["domain"].astype("category")
    data.obsm["X_domains"] = found.components
    if markers is not None:
        _write_csv(table, markers)
    _write(data, out)
    Report(tuple(lines), document).show(as_json)


def signature_command(
    source: Source,
    out: Annotated[Path, Option("The .h5ad file to write, with the scores in obs")],
    gmt: Annotated[
        Path | None, Option("GMT file of signatures; if not given, the ones that come with this")
    ] = None,
    name: Annotated[
        list[str] | None, Option("Score only this signature; repeat it for more")
    ] = None,
    genes: Annotated[
        str | None, Option("Score these genes instead of signatures", metavar="A,B,...")
    ] = None,
    how: Annotated[
        Literal["control", "z"],
        Option(
            "control: mean minus that of control genes of similar expression (scanpy's "
            "score_genes); z: mean z-score"
        ),
    ] = "control",
    as_json: Json = False,
) -> None:
    """Score gene signatures at every spot, written to obs["signature_NAME"]."""
    from ..analysis import signatures as s
    from ..analysis.domains import expression_of

    check_out_file(out, {"IN.h5ad": source, "--gmt": gmt})
    if genes is not None:
        asked: tuple[s.Signature, ...] = (s.pasted(genes),)
    else:
        asked = s.read_gmt(gmt) if gmt is not None else s.published()
        known = {each.name: each for each in asked}
        for wanted in name or []:
            if wanted not in known:
                raise SettingsError(
                    f"There is no signature {wanted}; there are {', '.join(known)}."
                )
        asked = tuple(known[wanted] for wanted in name) if name else asked
    data = _read(source)
    expression = expression_of(data)
    columns = [str(gene) for gene in data.var_names]
    lines: list[str] = []
    document: dict[str, int | None] = {}
    for each in asked:
        try:
            score = s.score_signature(expression, columns, each, how=how)
        except SettingsError as error:
            if len(asked) == 1:
                raise
            lines.append(f"{each.name}: left out. {error}")
            document[each.name] = None
            continue
        found = len(s.known_genes(each, columns))
        data.obs[f"signature_{each.name}"] = score
        lines.append(f"{each.name}: {found} of {len(each.genes)} genes; {each.source}")
        document[each.name] = found
    if not any(document.values()):
        raise SettingsError(f"No signature has enough genes in {source}; nothing was written.")
    _write(data, out)
    report = {"kind": "signatures", "path": str(out), "genes_known": document}
    Report((*lines, str(out)), report).show(as_json)


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
    as_json: Json = False,
) -> None:
    """Report spots, area and mean expression of each region, or compare two regions."""
    import numpy as np

    from ..analysis import region_statistics as r
    from ..analysis.domains import expression_of
    from ..export.geojson import read_geojson
    from ..spots.schema import Provenance

    _check_out_csv("--out", out)
    refuse_overwriting(out, {"IN.h5ad": source, "--geojson": geojson})
    data, trees = _read(source), read_geojson(geojson)
    xy = _positions(data)
    if xy is None:
        raise SettingsError(f'{source} has no obsm["spatial"], so no spot is in any region.')
    expression, names = expression_of(data), [str(gene) for gene in data.var_names]
    scale = Provenance.read(data).um_per_px
    if compare is None:
        if scale is None:
            raise SettingsError(f"{source} does not say µm per pixel, so areas are not known.")
        chosen = _chosen(genes, names)
        at = [names.index(gene) for gene in chosen]
        table = r.region_report(trees, xy, scale, expression[:, at], chosen)
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
    _write_csv(table, out)
    shown = table.head(20).round(4).to_string(index=False, max_cols=8)
    said = (shown, r.NOT_REPLICATES) if compare else (shown,)
    document = {"kind": "regions", "path": str(out), "rows": len(table)}
    Report((*said, str(out)), document).show(as_json)


def export_command(
    source: Source,
    to: Annotated[Literal["geojson", "spatialdata", "csv", "figure"], Option("Format to write")],
    out: Annotated[Path, Option("The file to write (a folder for spatialdata)")],
    gene: Annotated[str | None, Option("The gene that a figure shows, or a CSV is limited to")] = (
        None
    ),
    column: Annotated[str, Option("Column of obs whose values become regions (geojson)")] = (
        "domain"
    ),
    as_json: Json = False,
) -> None:
    """Write a result for other programs: QuPath, spatialdata, a spreadsheet, a figure."""
    refuse_overwriting(out, {"IN.h5ad": source})
    if to == "spatialdata":
        check_folder(out, SPATIALDATA)
    elif out.is_dir():
        raise OutputError(f"--out {out} is a folder; give the name of a file.")
    data = _read(source)
    {"geojson": _to_geojson, "spatialdata": _to_spatialdata, "csv": _to_csv, "figure": _to_figure}[
        to
    ](data, source, out, gene, column)
    Report((str(out),), {"kind": to, "path": str(out)}).show(as_json)


def _to_geojson(data: AnnData, source: Path, out: Path, gene: str | None, column: str) -> None:
    from ..analysis.region import domain_regions
    from ..export.geojson import write_geojson

    if column not in data.obs:
        raise SettingsError(
            f"{source} has no column {column}; run domains first, or give --column."
        )
    xy = _positions(data)
    if xy is None:
        raise SettingsError(f'{source} has no obsm["spatial"], so there is nowhere to draw.')
    write_geojson(domain_regions(xy, data.obs[column].astype(str).to_numpy(dtype=str)), out)


def _to_csv(data: AnnData, source: Path, out: Path, gene: str | None, column: str) -> None:
    table = data.obs.copy()
    xy = _positions(data)
    if xy is not None:
        table["x_px"], table["y_px"] = xy.T
    genes = [gene] if gene else list(data.var_names)
    missing = [each for each in genes if each not in data.var_names]
    if missing:
        raise SettingsError(f"{source} has no gene {missing[0]}; see napari-mclstexp info.")
    _write_csv(table.join(data[:, genes].to_df()), out, index=True)


def _to_figure(data: AnnData, source: Path, out: Path, gene: str | None, column: str) -> None:
    from ..export.figure import save_overlay

    if gene is None:
        raise SettingsError("Say which gene the figure shall show (--gene).")
    if gene not in data.var_names:
        raise SettingsError(f"{source} has no gene {gene}; see napari-mclstexp info.")
    save_overlay(data, gene, out, style="points")


def _to_spatialdata(data: AnnData, source: Path, out: Path, gene: str | None, column: str) -> None:
    from ..spots.schema import Provenance, SpotMetadata

    try:
        import spatialdata
        from spatialdata.models import ShapesModel, TableModel
    except ImportError as error:
        raise SettingsError(
            "SpatialData needs a package of its own: pip install 'napari-mclstexp[spatialdata]'; "
            "h5ad needs none."
        ) from error
    xy = _positions(data)
    if xy is None:
        raise SettingsError(f'{source} has no obsm["spatial"], so there are no shapes to write.')
    # In pixels of the slide, as the positions are.
    diameter_um = SpotMetadata.read(data).spot_diameter_um or 55.0
    radius = diameter_um / (Provenance.read(data).um_per_px or 1.0) / 2
    table = data.copy()
    table.uns = {}
    table.obs["region"], table.obs["instance"] = "spots", range(table.n_obs)
    table.obs["region"] = table.obs["region"].astype("category")
    made = spatialdata.SpatialData(
        shapes={"spots": ShapesModel.parse(xy, geometry=0, radius=radius)},
        tables={
            "expression": TableModel.parse(
                table, region="spots", region_key="region", instance_key="instance"
            )
        },
    )
    with atomic_folder(out, SPATIALDATA) as temporary:
        temporary.rmdir()
        made.write(temporary)


def _read(path: Path) -> AnnData:
    import warnings

    import anndata

    if not path.is_file():
        raise SettingsError(f"There is no file {path}; check the path.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other versions of anndata warn about each other
            return anndata.read_h5ad(path)
    except Exception as error:  # h5py and anndata raise what the damage makes them raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SettingsError(f"{path} is damaged or no .h5ad file ({reason}).") from error


def _positions(data: AnnData) -> Any:
    from ..spots.schema import has_positions, positions

    return positions(data) if has_positions(data) else None


def _chosen(genes: str | None, known: list[str]) -> list[str]:
    if genes is None:
        return known
    from .predict_job import named_genes

    chosen = list(named_genes(genes))
    for each in chosen:
        if each not in known:
            raise SettingsError(f"There is no gene {each} in it; see napari-mclstexp info.")
    return chosen


def _check_out_csv(option: str, out: Path) -> None:
    if out.is_dir():
        raise OutputError(f"{option} {out} is a folder; give the name of a .csv file.")


def _write(data: AnnData, out: Path) -> None:
    with atomic_file(out) as temporary:
        write_h5ad(data, temporary)


def _write_csv(table: pd.DataFrame, out: Path, *, index: bool = False) -> None:
    with atomic_file(out) as temporary:
        table.to_csv(temporary, index=index)
