"""Public data sets are found as they are downloaded, and what is missing is named."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from PIL import Image

from napari_mclstexp.cohort.load import load_cohort
from napari_mclstexp.cohort.public_datasets import Found, Row, find_sections, write_cohort
from napari_mclstexp.errors import OutputError, SettingsError
from napari_mclstexp.files import MARKER
from napari_mclstexp.slides import open_slide
from napari_mclstexp.spots.readers.choose import read_spots
from support.places import SHARED
from support.public_data_kit import LAYOUTS, her2st, write_section
from support.shell_kit import shell

HER2ST = SHARED / "data" / "her2st"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_her2st_in_every_layout(tmp_path, layout):
    folder = her2st(tmp_path / "d", layout)
    # What the repository has beside the data, called like sections.
    for path in ("res/ST-deconv/props/A1.tsv", "res/ST-pat/img/A1.jpg", "app/www/imgs/A1_HE.png"):
        (folder / path).parent.mkdir(parents=True)
        (folder / path).touch()
    found = find_sections("her2st", folder)
    assert all(path.stat().st_size for row in found.rows for path in (row.slide, row.counts))
    assert [(row.section, row.patient) for row in found.rows] == [("A1", "A"), ("B2", "B")]
    write_cohort(found, tmp_path / "cohort.csv")
    sections = load_cohort(tmp_path / "cohort.csv")
    assert [each.spots.shape for each in sections] == [(25, 4), (25, 4)]


@pytest.mark.parametrize("packed", [".gz", ""])
def test_cscc_as_geo_names_it(tmp_path, packed):
    data = tmp_path / "GSE144239_RAW"
    for seed, section in enumerate(("P2_ST_rep1", "P2_ST_rep2")):
        image = data / f"GSM428431{seed}_{section}.jpg"
        write_section(
            image,
            data / f"GSM428431{seed}_{section}_stdata.tsv{packed}",
            data / f"GSM428431{seed}_spot_data-selection-{section}.tsv{packed}",
            seed,
        )
        if packed:
            Path(f"{image}.gz").write_bytes(gzip.compress(image.read_bytes()))
            image.unlink()
    found = find_sections("cscc", data)
    assert [(row.section, row.patient) for row in found.rows] == [
        ("P2_ST_rep1", "P2"),
        ("P2_ST_rep2", "P2"),
    ]
    write_cohort(found, tmp_path / "cohort.csv")
    sections = load_cohort(tmp_path / "cohort.csv")
    assert [each.spots.n_obs for each in sections] == [25, 25]
    with open_slide(sections[1].slide_path) as slide:
        assert (slide.width, slide.height) == (600, 600)
    assert (tmp_path / "slides").is_dir() == bool(packed)


def test_a_damaged_image_is_named_and_left_nowhere(tmp_path):
    whole = gzip.compress(b"x" * 10_000)
    for content in (whole[:-9], b"no gzip at all"):
        slide = tmp_path / "P2_ST_rep1.jpg.gz"
        slide.write_bytes(content)
        found = Found((Row("P2_ST_rep1", "P2", slide, slide),), ())
        with pytest.raises(SettingsError, match=r"P2_ST_rep1\.jpg\.gz is damaged"):
            write_cohort(found, tmp_path / "cohort.csv")
        assert not (tmp_path / "cohort.csv").exists()
        assert list((tmp_path / "slides").iterdir()) == []


def test_an_unpacked_slide_replaces_no_picture_of_a_person(tmp_path):
    slide, mine = tmp_path / "P2_ST_rep1.jpg.gz", tmp_path / "slides" / "P2_ST_rep1.jpg"
    slide.write_bytes(gzip.compress(b"a slide"))
    mine.parent.mkdir()
    mine.write_bytes(b"redrawn by hand")
    os.utime(mine, (0, 0))  # older than the packed one
    row = Row("P2_ST_rep1", "P2", slide, tmp_path / "spots.tsv")
    with pytest.raises(OutputError, match=r"P2_ST_rep1\.jpg is there already"):
        write_cohort(Found((row,), ()), tmp_path / "cohort.csv")
    assert mine.read_bytes() == b"redrawn by hand"
    mine.unlink()
    for _ in range(2):
        write_cohort(Found((row,), ()), tmp_path / "cohort.csv")
        assert mine.read_bytes() == b"a slide"
        os.utime(mine, (0, 0))


def space_ranger(outs: Path, matrix: str = "filtered_feature_bc_matrix.h5") -> None:
    """Write the names of an outs folder, with nothing in the files."""
    (outs / "spatial").mkdir(parents=True)
    (outs / "spatial" / "tissue_positions.csv").touch()
    (outs / "spatial" / "tissue_hires_image.png").write_bytes(b"much larger than a slide" * 99)
    if matrix:
        (outs / matrix).touch()


def test_visium_folders_with_their_slides(tmp_path):
    for name, slide in (("one", "tissue.tif"), ("two", "two.btf"), ("bare", None)):
        space_ranger(tmp_path / name / "outs")
        if slide:
            (tmp_path / name / slide).touch()
    (tmp_path / "empty" / "spatial").mkdir(parents=True)  # somebody's folder of that name
    found = find_sections("visium", tmp_path)
    assert [(row.section, row.slide.name) for row in found.rows] == [
        ("one", "tissue.tif"),
        ("two", "two.btf"),
    ]
    (lacking,) = found.lacking
    assert "bare lacks the full-resolution slide" in lacking
    assert str(tmp_path / "bare" / "outs") in lacking


@pytest.mark.parametrize("given", ["sample", "sample/outs"])
def test_visium_given_as_the_one_section_itself(tmp_path, given):
    space_ranger(tmp_path / "sample" / "outs")
    (tmp_path / "sample" / "slide.tif").touch()
    (row,) = find_sections("visium", tmp_path / given).rows
    assert (row.section, row.slide.name) == ("sample", "slide.tif")


def test_visium_as_10x_offers_it_for_download(tmp_path):
    space_ranger(tmp_path / "FFPE", "V1_FFPE_filtered_feature_bc_matrix.h5")
    (tmp_path / "FFPE" / "V1_FFPE_tissue_image.tif").touch()
    (tmp_path / "FFPE" / "V1_FFPE_image.tif").write_bytes(b"of the CytAssist")
    space_ranger(tmp_path / "late", "")
    (tmp_path / "late" / "slide.tif").touch()
    (tmp_path / "later" / "spatial.tar.gz").parent.mkdir()
    (tmp_path / "later" / "spatial.tar.gz").touch()
    found = find_sections("visium", tmp_path)
    assert [(row.section, row.slide.name) for row in found.rows] == [
        ("FFPE", "V1_FFPE_tissue_image.tif")
    ]
    assert found.lacking[0].startswith("late lacks filtered_feature_bc_matrix.h5 in ")
    assert found.lacking[1].endswith("spatial.tar.gz is still packed; unpack it there.")


def test_visium_of_wu_et_al_has_its_matrix_in_a_folder_of_another_name(tmp_path):
    outs = tmp_path / "CID4290"
    space_ranger(outs, "")
    positions = "".join(f"BC{i},1,{i},{i},{100 * i},{100 * i}\n" for i in range(3))
    (outs / "spatial" / "tissue_positions.csv").unlink()
    (outs / "spatial" / "tissue_positions_list.csv").write_text(positions)
    Image.new("RGB", (300, 300)).save(outs / "image.tif")
    matrix = outs / "filtered_count_matrix"
    matrix.mkdir()
    parts = {
        "barcodes.tsv.gz": "BC0\nBC1\nBC2\n",
        "features.tsv.gz": "A\nB\n",
        "matrix.mtx.gz": "%%MatrixMarket matrix coordinate integer general\n2 3 2\n1 1 5\n2 3 7\n",
    }
    for name, text in parts.items():
        (matrix / name).write_bytes(gzip.compress(text.encode()))
    found = find_sections("visium", tmp_path)
    assert [(row.section, row.slide.name) for row in found.rows] == [("CID4290", "image.tif")]
    spots = read_spots(found.rows[0].spots)
    assert spots.X.toarray().tolist() == [[5, 0], [0, 0], [0, 7]]


def test_visium_hd_is_one_section_and_its_bins_are_none(tmp_path):
    space_ranger(tmp_path / "hd" / "outs")
    space_ranger(tmp_path / "hd" / "outs" / "binned_outputs" / "square_008um")
    (tmp_path / "hd" / "slide.btf").touch()
    found = find_sections("visium", tmp_path)
    assert ([row.section for row in found.rows], found.lacking) == (["hd"], ())


def test_what_is_missing_says_where_the_data_come_from(tmp_path):
    with pytest.raises(SettingsError, match="Zenodo record 3957257"):
        find_sections("her2st", tmp_path / "gone")
    folder = her2st(tmp_path / "d", "as packed")
    (folder / "counts" / "B2.tsv.gz").unlink()
    found = find_sections("her2st", folder)
    assert found.lacking == ("B2 lacks B2.tsv.gz (counts, ST-cnts or count-matrices).",)
    assert "almaan/her2st" in found.source
    (folder / "images" / "A1" / "HE.jpg").unlink()
    with pytest.raises(SettingsError, match="A1 lacks an image in a folder A1"):
        find_sections("her2st", folder)


def test_a_section_of_which_only_spots_are_lacking_is_named_too(tmp_path):
    folder = her2st(tmp_path / "d", "as in the repository")
    (folder / "data" / "ST-spotfiles" / "B2_selection.tsv").unlink()
    (lacking,) = find_sections("her2st", folder).lacking
    assert lacking.startswith("B2 lacks B2_selection.tsv (")


@pytest.mark.parametrize("name", ["her2st", "cscc", "visium"])
def test_a_download_that_is_still_packed_is_said(tmp_path, name):
    (tmp_path / "GSE144239_RAW.tar").touch()
    with pytest.raises(SettingsError, match=r"GSE144239_RAW\.tar is still packed; unpack it"):
        find_sections(name, tmp_path)


def test_the_shell_says_what_is_left_out_and_whence_it_comes(tmp_path):
    data = her2st(tmp_path / "d", "as on Zenodo")
    (data / "images" / "HE" / "B2.jpg").unlink()
    (tmp_path / "genes.txt").write_text("A\nC\n")
    arguments = ("--data", data, "--out", tmp_path / "o", "--genes", tmp_path / "genes.txt")
    done = shell("recipe", "her2st", *arguments, "--no-train")
    assert done.code == 0, done.err
    assert "B2 lacks an image in a folder B2" in done.out
    assert "Zenodo record 3957257" in done.out
    done = shell("recipe", "her2st", *arguments, "--no-train", "--json")
    assert json.loads(done.out)["sections"] == ["A1"]
    done = shell("recipe", "her2st", "--data", tmp_path / "gone", "--out", tmp_path / "p")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "almaan/her2st" in done.err
    assert not (tmp_path / "p").exists()


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
        MARKER,
    }


@pytest.mark.realdata
@pytest.mark.skipif(not HER2ST.is_dir(), reason=f"the sections of {HER2ST} are not there")
def test_the_real_sections_with_images_are_found_and_the_others_named():
    found = find_sections("her2st", HER2ST)
    assert [row.section for row in found.rows] == ["B4", "C2", "C3", "C4", "C5"]
    assert [each.split()[0] for each in found.lacking] == ["B1", "C1", "D1"]
