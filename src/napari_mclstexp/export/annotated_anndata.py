"""A result with its domains, regions and scores as h5ad, where scanpy and squidpy look for them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..analysis.domain_map import DomainMap
from ..analysis.region import Region
from ..analysis.region_edits import flat
from ..analysis.region_statistics import spots_in
from ..analysis.signatures import Signature, score_signature
from ..anndata_file import sharing_matrices, write_h5ad, write_zarr
from ..errors import SettingsError
from ..files import atomic_file, atomic_folder
from ..spots.schema import positions

if TYPE_CHECKING:
    from anndata import AnnData

ZARR = "AnnData in zarr"


def annotated(
    prediction: AnnData,
    regions: tuple[Region, ...],
    domains: DomainMap | None,
    signatures: tuple[Signature, ...],
) -> AnnData:
    """Return the same with ``obs["domain"]``, ``obs["region"]`` and ``obs["signature_NAME"]``.

    The matrices are shared with `prediction`, whose own tables are left as they are. A spot in
    several regions belongs to the innermost. Domains also get their colours, in
    ``uns["domain_colors"]``, where scanpy looks for them. Signatures of which too few genes are
    known are left out.
    """
    data = sharing_matrices(prediction)
    if domains is not None:
        data.obs["domain"] = domains.spot_names
        data.obs["domain"] = data.obs["domain"].astype("category")
        by_name = {domains.names[key]: domains.colours[key] for key in domains.keys}
        data.uns["domain_colors"] = np.array(
            ["#{:02x}{:02x}{:02x}".format(*by_name[n]) for n in data.obs["domain"].cat.categories]
        )
    if regions:
        xy = positions(data)
        names = np.full(data.n_obs, "", dtype=object)
        for region in flat(regions):  # parents first, so that the innermost stays
            names[spots_in(region, xy)] = region.name
        data.obs["region"] = names.astype(str)
        data.obs["region"] = data.obs["region"].astype("category")
    genes = [str(name) for name in data.var_names]
    for signature in signatures:
        try:
            data.obs[f"signature_{signature.name}"] = score_signature(data.X, genes, signature)
        except SettingsError:
            continue
    return data


def write_annotated(data: AnnData, path: Path) -> None:
    """Write a compressed .h5ad file, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    with atomic_file(path) as temporary:
        write_h5ad(data, temporary)


def write_annotated_zarr(data: AnnData, folder: Path) -> None:
    """Write a .zarr folder, whole or not at all.

    Raises
    ------
    OutputError
        If it cannot be written there, or holds what this program did not write.
    """
    with atomic_folder(folder, ZARR) as temporary:
        write_zarr(data, temporary)
