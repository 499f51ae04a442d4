"""The command domains."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from ..analysis.domain_settings import DomainSettings
from ..errors import OutputError, SettingsError
from ..options import Option
from .answers import Report
from .long_work import check_out_file
from .result_file import Source, check_out_csv, read_result
from .shell_options import Json

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
    from ..analysis.expression import expression_of
    from ..analysis.markers import marker_genes
    from ..export.annotated_anndata import write_annotated
    from ..export.spot_table import write_table
    from ..spots.schema import has_positions, positions, read_programs

    check_out_file(out, {"IN.h5ad": source})
    if markers is not None:
        check_out_csv("--markers", markers, {"IN.h5ad": source})
        if markers.resolve() == out.resolve():
            raise OutputError(f"--markers {markers} would overwrite --out; choose another name.")
    data = read_result(source)
    if truth is not None and truth not in data.obs:
        raise SettingsError(
            f"{source} has no column {truth}; obs has {', '.join(map(str, data.obs.columns))}."
        )
    expression = expression_of(data)
    xy, programs = positions(data) if has_positions(data) else None, read_programs(data)
    scores = None if programs is None else programs[0]
    found = d.find_domains(expression, xy, settings, programs=scores)
    names = tuple(str(gene) for gene in data.var_names)
    table = marker_genes(expression, names, found.labels)
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
        write_table(table, markers)
    write_annotated(data, out)
    Report(tuple(lines), document).show(as_json)
