"""The command signature."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from ..errors import SettingsError
from ..options import Option
from .answers import Report
from .long_work import check_out_file
from .result_file import Source, read_result
from .shell_options import Json


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
    from ..analysis.expression import expression_of
    from ..export.annotated_anndata import write_annotated

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
    data = read_result(source)
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
    write_annotated(data, out)
    report = {"kind": "signatures", "path": str(out), "genes_known": document}
    Report((*lines, str(out)), report).show(as_json)
