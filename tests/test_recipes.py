"""Public data sets are found as they are downloaded, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from napari_mclstexp.engine import load_cohort
from napari_mclstexp.engine.recipes import find_sections, write_cohort
from napari_mclstexp.errors import SettingsError
from shell_kit import shell

SHARED = Path(__file__).parents[2] / "shared" / "data" / "her2st"


def write_section(image: Path, counts: Path, spots: Path, seed: int) -> None:
    """Twenty-five legacy ST spots with four genes on a small picture."""
    for path in (image, counts, spots):
        path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    Image.fromarray(random.integers(0, 255, (600, 600, 3), dtype=np.uint8)).save(image)
    grid = [(x, y) for x in range(1, 6) for y in range(1, 6)]
    table = pd.DataFrame({"x": [x for x, _ in grid], "y": [y for _, y in grid]})
    table["pixel_x"], table["pixel_y"], table["selected"] = table.x * 100, table.y * 100, 1
    table.to_csv(spots, sep="\t", index=False)
    values = random.poisson(20, (25, 4))
    names = [f"{x}x{y}" for x, y in grid]
    pd.DataFrame(values, index=names, columns=["A", "B", "C", "D"]).to_csv(counts, sep="\t")


def her2st(folder: Path, layout: str) -> Path:
    images, counts, spots = (
        ("images/{s}", "counts", "spotfiles")
        if layout == "as packed"
        else ("data/ST-imgs/{p}/{s}", "data/ST-cnts", "data/ST-spotfiles")
    )
    for seed, section in enumerate(("A1", "B2")):
        at = folder / images.format(s=section, p=section[0])
        write_section(
            at / "HE.jpg",
            folder / counts / f"{section}.tsv.gz",
            folder / spots / f"{section}_selection.tsv",
            seed,
        )
    return folder


@pytest.mark.parametrize("layout", ["as packed", "as in the repository"])
def test_her2st_in_either_layout(tmp_path, layout):
    found = find_sections("her2st", her2st(tmp_path / "d", layout))
    assert [(row.section, row.patient) for row in found.rows] == [("A1", "A"), ("B2", "B")]
    write_cohort(found, tmp_path / "cohort.csv")
    sections = load_cohort(tmp_path / "cohort.csv")
    assert [each.spots.shape for each in sections] == [(25, 4), (25, 4)]


def test_cscc_as_geo_names_it(tmp_path):
    for seed, section in enumerate(("P2_ST_rep1", "P2_ST_rep2")):
        write_section(
            tmp_path / f"GSM428431{seed}_{section}.jpg",
            tmp_path / f"GSM428431{seed}_{section}_stdata.tsv.gz",
            tmp_path / f"GSM428431{seed}_spot_data-selection-{section}.tsv",
            seed,
        )
    found = find_sections("cscc", tmp_path)
    assert [(row.section, row.patient) for row in found.rows] == [
        ("P2_ST_rep1", "P2"),
        ("P2_ST_rep2", "P2"),
    ]
    write_cohort(found, tmp_path / "cohort.csv")
    assert [each.spots.n_obs for each in load_cohort(tmp_path / "cohort.csv")] == [25, 25]


def test_visium_folders_with_their_slides(tmp_path):
    for name, slide in (("one", "tissue.tif"), ("two", "two.btf"), ("bare", None)):
        (tmp_path / name / "outs" / "spatial").mkdir(parents=True)
        if slide:
            (tmp_path / name / slide).touch()
    found = find_sections("visium", tmp_path)
    assert [(row.section, row.slide.name) for row in found.rows] == [
        ("one", "tissue.tif"),
        ("two", "two.btf"),
    ]
    assert found.lacking == (f"bare has no slide beside {tmp_path / 'bare' / 'outs'}.",)


def test_what_is_missing_says_where_the_data_come_from(tmp_path):
    with pytest.raises(SettingsError, match="Zenodo record 3957257"):
        find_sections("her2st", tmp_path / "gone")
    folder = her2st(tmp_path / "d", "as packed")
    (folder / "counts" / "B2.tsv.gz").unlink()
    assert find_sections("her2st", folder).lacking == ("B2 lacks B2.tsv.gz (counts or ST-cnts).",)
    (folder / "images" / "A1" / "HE.jpg").unlink()
    with pytest.raises(SettingsError, match="A1 lacks an image in a folder A1"):
        find_sections("her2st", folder)


def test_the_shell_builds_table_genes_and_model(tmp_path):
    data = her2st(tmp_path / "d", "as packed")
    genes = tmp_path / "genes.txt"
    genes.write_text("A\nC\n")
    options = ("--from-scratch", "--freeze-encoder", "--patch-px", 32, "--epochs", 1)
    arguments = ("--data", data, "--out", tmp_path / "o", "--genes", genes)
    done = shell("recipe", "her2st", *arguments, *options)
    assert done.code == 0, done.err
    assert "2 sections" in done.out
    assert {path.name for path in (tmp_path / "o").iterdir()} == {
        "cohort.csv",
        "genes.txt",
        "model",
    }


@pytest.mark.realdata
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the sections of {SHARED} are not there")
def test_the_real_sections_with_images_are_found_and_the_others_named():
    found = find_sections("her2st", SHARED)
    assert [row.section for row in found.rows] == ["B4", "C2", "C3", "C4", "C5"]
    assert [each.split()[0] for each in found.lacking] == ["B1", "C1", "D1"]
