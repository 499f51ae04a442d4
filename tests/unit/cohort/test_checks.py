"""Bad cohorts: each kind gives its row in one table, whatever else is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy import sparse

from napari_mclstexp.anndata_file import write_h5ad
from napari_mclstexp.cohort.checks import check_cohort
from support.engine_kit import painted_section
from support.shell_kit import shell

HEAD = "section,patient,slide,spots,counts,um_per_px"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder with good sections a and b, and bad files of every kind."""
    folder = tmp_path_factory.mktemp("cohort")
    for name, seed in (("a", 1), ("b", 2)):
        write_h5ad(painted_section(folder, name, seed).spots, folder / f"{name}.h5ad")
    good = painted_section(folder, "c", 3).spots

    def shifted(spots: AnnData) -> None:
        spots.obs["array_row"] = spots.obs["array_row"] - 1

    def variant(name: str, change) -> None:
        spots = good.copy()
        changed = change(spots)
        write_h5ad(changed if isinstance(changed, AnnData) else spots, folder / f"{name}.h5ad")

    variant("c", lambda s: None)
    variant("none", lambda s: s[:0].copy())
    variant("one", lambda s: s[:1].copy())
    variant("zero", lambda s: setattr(s, "X", sparse.csr_matrix(s.shape, dtype=np.float32)))
    variant("logged", lambda s: setattr(s, "X", sparse.csr_matrix(np.log1p(s.X.toarray()))))
    variant("negative", lambda s: setattr(s, "X", sparse.csr_matrix(s.X.toarray() - 999)))
    variant("lost", lambda s: s.obsm["spatial"].__setitem__((3, 0), np.nan))
    variant("outside", lambda s: s.obsm["spatial"].__iadd__(5000))
    variant("bare", lambda s: s[:, :0].copy())
    variant("below", shifted)
    variant("strange", lambda s: setattr(s, "var_names", ["X1", "X2", "X3"]))
    variant(
        "ensembl",
        lambda s: setattr(s, "var_names", [f"ENSG0000000000{i}" for i in range(3)]),
    )
    variant("twice", lambda s: setattr(s, "obs_names", ["same"] * s.n_obs))
    variant("nowhere", lambda s: s.obsm.__delitem__("spatial"))
    shutil.copy(folder / "a.png", folder / "copy.png")
    shutil.copy(folder / "a.h5ad", folder / "copy.h5ad")
    (folder / "text.svs").write_text("no slide at all")
    torn = (folder / "c.png").read_bytes()
    (folder / "torn.png").write_bytes(torn[: len(torn) // 2])
    (folder / "broken.h5ad").write_bytes(b"\x89HDF torn")
    (folder / "odd.xyz").write_text("?")
    grid = [(x, y) for x in range(1, 6) for y in range(1, 6)]
    selection = pd.DataFrame(grid, columns=["x", "y"])
    selection["pixel_x"], selection["pixel_y"] = selection.x * 50, selection.y * 50
    selection.to_csv(folder / "st_selection.tsv", sep="\t", index=False)
    for name, ids in (("other", [f"{x + 50}x{y}" for x, y in grid]), ("few", [])):
        ids = ids or [f"{x}x{y}" for x, y in grid][:4]
        values = np.full((len(ids), 3), 20)
        table = pd.DataFrame(values, index=ids, columns=["PURPLE", "PINK", "FLAT"])
        table.to_csv(folder / f"{name}.tsv", sep="\t")
    return folder


GOOD = "a,P,a.png,a.h5ad,,2"
GOOD_TOO = "b,Q,b.png,b.h5ad,,2"


def check(folder, *rows, head=HEAD, **options):
    path = folder / "cohort.csv"
    path.write_text("\n".join((head, *rows)) + "\n")
    return check_cohort(path, **options)


BAD_ROWS = {
    "no name": (",P,c.png,c.h5ad,,2", "section", "section is empty"),
    "the name of another": ("a,P,c.png,c.h5ad,,2", "section", "named twice"),
    "no slide named": ("x,P,,c.h5ad,,2", "slide", "slide is empty"),
    "a slide that is not there": ("x,P,gone.svs,c.h5ad,,2", "slide", "no slide .*gone.svs"),
    "text called .svs": ("x,P,text.svs,c.h5ad,,2", "slide", "text.svs"),
    "a torn slide": ("x,P,torn.png,c.h5ad,,2", "slide", "torn.png"),
    "no spots named": ("x,P,c.png,,,2", "spots", "spots is empty"),
    "spots that are not there": ("x,P,c.png,gone.h5ad,,2", "spots", "no spots .*gone.h5ad"),
    "damaged spots": ("x,P,c.png,broken.h5ad,,2", "spots", "damaged"),
    "spots of an unknown kind": ("x,P,c.png,odd.xyz,,2", "spots", "kind that is not known"),
    "spots without coordinates": ("x,P,c.png,nowhere.h5ad,,2", "spots", "obsm"),
    "a coordinate that is NaN": ("x,P,c.png,lost.h5ad,,2", "spots", "no coordinates"),
    "one barcode for all": ("x,P,c.png,twice.h5ad,,2", "spots", "more than once"),
    "spots outside the slide": ("x,P,c.png,outside.h5ad,,2", "spots", "outside the slide"),
    "no spot at all": ("x,P,c.png,none.h5ad,,2", "spots", "no spots"),
    "one spot": ("x,P,c.png,one.h5ad,,2", "spots", "one spot only"),
    "a position below 0": ("x,P,c.png,below.h5ad,,2", "spots", "below 0"),
    "counts that are not there": ("x,P,c.png,st_selection.tsv,gone.tsv,2", "counts", "gone.tsv"),
    "counts of an h5ad apart": ("x,P,c.png,c.h5ad,other.tsv,2", "counts", "cannot be used"),
    "counts of another section": ("x,P,c.png,st_selection.tsv,other.tsv,2", "counts", "different"),
    "no counts": ("x,P,c.png,bare.h5ad,,2", "counts", "without raw counts"),
    "counts already logged": ("x,P,c.png,logged.h5ad,,2", "counts", "no whole numbers"),
    "negative counts": ("x,P,c.png,negative.h5ad,,2", "spots", "negative"),
    "all counts zero": ("x,P,c.png,zero.h5ad,,2", "counts", "all counts are zero"),
    "genes of another kind": ("x,P,c.png,ensembl.h5ad,,2", "counts", "shares no gene.*Ensembl"),
    "no shared genes": ("x,P,c.png,strange.h5ad,,2", "counts", "shares no gene"),
    "a section once more": ("x,R,copy.png,copy.h5ad,,2", "counts", "is the section a once more"),
    "a scale that is no number": ("x,P,c.png,c.h5ad,,wide", "um_per_px", "'wide'"),
    "a scale below 0": ("x,P,c.png,c.h5ad,,-1", "um_per_px", "'-1'"),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_each_kind_gives_its_row(folder, kind):
    row, column, words = BAD_ROWS[kind]
    checked = check(folder, GOOD, GOOD_TOO, row)
    (problem,) = checked.errors
    assert (problem.line, problem.column) == (4, column)
    assert problem.section == row.split(",")[0]
    assert pd.Series([problem.what]).str.contains(words).all(), problem.what
    assert {each.name for each in checked.sections} == {"a", "b"}
    assert checked.as_table().count("\n") == len(checked.problems)


def test_everything_is_told_at_once(folder):
    rows = [row for row, _, _ in BAD_ROWS.values() if row.split(",")[0] == "x"]
    rows = [f"s{i}{row[1:]}" for i, row in enumerate(rows)]
    checked = check(folder, GOOD, GOOD_TOO, *rows)
    assert {each.line for each in checked.errors} == set(range(4, 4 + len(rows)))
    both = check(folder, GOOD, "x,,gone.svs,broken.h5ad,,wide")
    assert [each.column for each in both.problems if each.line == 3] == [
        *("patient", "slide", "um_per_px", "spots")
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("section,patient,slide,spots\n", "names no sections"),
        ("section,patient,slid,spots\na,b,c,d\n", "no column slide.*did you mean slid"),
        ("patient,slide,spots\na,b,c\n", "no column section"),
        ("section,section,patient,slide,spots\na,b,c,d,e\n", "section more than once"),
    ],
    ids=["nothing", "only a header", "a misspelt column", "a missing column", "a double column"],
)
def test_a_table_that_cannot_be_read_says_why(tmp_path, text, words):
    (tmp_path / "c.csv").write_text(text)
    problems = check_cohort(tmp_path / "c.csv").problems
    assert pd.Series([each.what for each in problems]).str.contains(words).any()
    assert all(each.line is None for each in problems)
    assert "no cohort table" in check_cohort(tmp_path / "gone.csv").problems[0].what
    (tmp_path / "d.csv").write_bytes(b"\x00\xff\xfe\x89PNG")
    assert "is no text in UTF-8" in check_cohort(tmp_path / "d.csv").problems[0].what


def test_few_spots_with_counts_and_no_patient_are_warnings(folder):
    checked = check(folder, GOOD, "x,,c.png,st_selection.tsv,few.tsv,2")
    assert not checked.errors
    assert [(each.column, each.severity) for each in checked.problems] == [
        ("patient", "warning"),
        ("counts", "warning"),
    ]
    assert "only 4 of 25 spots" in checked.problems[1].what


def test_sides_and_listed_genes(folder):
    rows = (GOOD, GOOD_TOO, "c,P,c.png,c.h5ad,,2")
    both = check(folder, *rows, held_out=["c"])
    (warning,) = both.problems
    assert (warning.section, warning.column, warning.severity) == ("c", "patient", "warning")
    (unknown,) = check(folder, *rows, held_out=["zebra"]).errors
    assert "no section zebra" in unknown.what
    (nothing,) = check(folder, GOOD, held_out=["a"]).errors
    assert "nothing is left" in nothing.what
    missing = check(folder, *rows, genes=["PINK", "XIST"]).errors
    assert [each.section for each in missing] == ["a", "b", "c"]
    assert "XIST the first" in missing[0].what


def test_the_shell_shows_the_table(folder, tmp_path):
    path = folder / "shell.csv"
    path.write_text("\n".join((HEAD, GOOD, BAD_ROWS["one spot"][0], BAD_ROWS["no slide named"][0])))
    done = shell("check", path)
    assert done.code == 2
    assert "3 problems to correct" in done.err  # one section is named twice, too
    assert "one spot only" in done.out
    assert "slide is empty" in done.out
    path.write_text("\n".join((HEAD, GOOD, GOOD_TOO)))
    done = shell("check", path)
    assert (done.code, done.err) == (0, "")
    assert "2 sections, ready" in done.out
