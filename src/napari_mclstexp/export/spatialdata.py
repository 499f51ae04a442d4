"""A result as a SpatialData folder: the spots as circles, and a table of their expression."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..anndata_file import sharing_matrices
from ..errors import SettingsError
from ..files import atomic_folder
from ..spots.schema import Provenance, SpotMetadata, facts_of, has_positions, positions

if TYPE_CHECKING:
    from anndata import AnnData

KIND = "a SpatialData folder"
SPOT_UM = 55.0  # of Visium, where the spots do not say their diameter


def write_spatialdata(data: AnnData, folder: Path) -> None:
    """Write spots and expression, in pixels of level 0 as the positions are.

    Raises
    ------
    SettingsError
        If spatialdata is not installed, or there are no positions.
    OutputError
        If the folder cannot be written, or holds what this program did not write.
    """
    try:
        import spatialdata
        from spatialdata.models import ShapesModel, TableModel
    except ImportError as error:
        raise SettingsError(
            "SpatialData needs a package of its own: pip install 'napari-mclstexp[spatialdata]'; "
            "h5ad needs none."
        ) from error
    if not has_positions(data):
        raise SettingsError('The result has no obsm["spatial"], so there are no shapes to write.')
    diameter_um = SpotMetadata.read(data).spot_diameter_um or SPOT_UM
    radius = diameter_um / (Provenance.read(data).um_per_px or 1.0) / 2
    table = sharing_matrices(data)
    table.uns = facts_of(data)
    table.obs["region"], table.obs["instance"] = "spots", range(table.n_obs)
    table.obs["region"] = table.obs["region"].astype("category")
    made = spatialdata.SpatialData(
        shapes={"spots": ShapesModel.parse(positions(data), geometry=0, radius=radius)},
        tables={
            "expression": TableModel.parse(
                table, region="spots", region_key="region", instance_key="instance"
            )
        },
    )
    with atomic_folder(folder, KIND) as temporary:
        temporary.rmdir()
        made.write(temporary)
