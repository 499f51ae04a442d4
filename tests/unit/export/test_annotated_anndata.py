"""The h5ad that leaves: domains with their colours, innermost regions, and scores, read back."""

from __future__ import annotations

import anndata
import numpy as np
from shapely import box

from napari_mclstexp.analysis.domain_map import DomainMap
from napari_mclstexp.analysis.region import region_of
from napari_mclstexp.analysis.signatures import Signature
from napari_mclstexp.export.annotated_anndata import annotated, write_annotated
from support.session_kit import make_spots


def test_what_a_person_made_is_where_scanpy_looks_for_it(tmp_path):
    spots = make_spots()
    labels = np.where(spots.obsm["spatial"][:, 0] < 200, "1", "2")
    domains = DomainMap(labels, {"1": "tumour", "2": "fat"}, {"1": (255, 0, 0), "2": (0, 0, 255)})
    inner = region_of(box(0, 0, 100, 100), "inner")
    regions = (region_of(box(0, 0, 225, 500), "outer", children=(inner,)),)
    unknown = Signature("unknown", ("NOT_A_GENE", "NOR_THIS"), "a test")
    data = annotated(spots, regions, domains, (unknown,))
    write_annotated(data, tmp_path / "x.h5ad")
    back = anndata.read_h5ad(tmp_path / "x.h5ad")
    assert list(back.obs["domain"].cat.categories) == ["fat", "tumour"]
    assert list(back.uns["domain_colors"]) == ["#0000ff", "#ff0000"]
    x, y = back.obsm["spatial"].T
    assert set(back.obs["region"][(x <= 100) & (y <= 100)]) == {"inner"}
    assert set(back.obs["region"][x > 225]) == {""}
    assert not [each for each in back.obs if each.startswith("signature")]
    assert "domain" not in spots.obs  # the result itself is left as it was
