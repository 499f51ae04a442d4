"""A cohort of three painted sections as files, for the shell, and options that train it quickly."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_mclstexp.anndata_file import write_h5ad
from support.engine_kit import GENES, painted_section

QUICK = (  # of the paper's method, which has epochs
    *(
        "--preset",
        "paper",
        "--from-scratch",
        "--freeze-encoder",
        "--patch-px",
        32,
        "--sequence-length",
        10,
    ),
    *("--device", "cpu", "--learning-rate", 0.003, "--k", 5),
)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    """Return the table of three painted sections, in a folder of their own."""
    folder = tmp_path_factory.mktemp("cohort")
    rows = ["section,patient,slide,spots,counts,um_per_px"]
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        section = painted_section(folder, name, seed)
        write_h5ad(section.spots, folder / f"{name}.h5ad")
        rows.append(f"{name},P{name},{name}.png,{name}.h5ad,,2.0")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n")
    (folder / "genes.txt").write_text("\n".join(GENES) + "\n")
    return folder / "cohort.csv"
