"""A cohort table is read whole, or refused with the line that is wrong."""

from __future__ import annotations

import pytest

from napari_mclstexp.cohort.load import load_cohort
from napari_mclstexp.errors import SettingsError
from support.engine_kit import painted_section

HEAD = "section,patient,slide,spots,counts"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    painted_section(folder, "a", seed=1).spots.write_h5ad(folder / "a.h5ad")
    (folder / "bad.csv").write_text("x,y\n1,2\n3,oops\n")
    return folder


def cohort(folder, *rows, head=HEAD):
    path = folder / "cohort.csv"
    path.write_text("\n".join((head, *rows)) + "\n")
    return path


def test_paths_are_relative_to_the_table(folder, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (section,) = load_cohort(cohort(folder, "A,p1,a.png,a.h5ad,"))
    assert (section.name, section.patient) == ("A", "p1")
    assert section.spots.shape == (49, 3)
    with section.open() as slide:
        assert slide.um_per_px == pytest.approx(2.0)  # from the spots' pitch
        assert slide.um_per_px_source == "spots"


def test_a_scale_in_the_table_is_the_persons(folder):
    path = cohort(folder, "A,p1,a.png,a.h5ad,,2.5", head=HEAD + ",um_per_px")
    with load_cohort(path)[0].open() as slide:
        assert (slide.um_per_px, slide.um_per_px_source) == (2.5, "user")


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        ([], HEAD, "names no sections"),
        (["A,a.png,a.h5ad"], "section,slide,spots", "no column patient"),
        (["A,p,a.png,a.h5ad,", "A,p,a.png,a.h5ad,"], HEAD, "section A is named twice"),
        (["A,p,gone.png,a.h5ad,"], HEAD, r"line 2 \(section A\): there is no slide .*gone.png"),
        (["A,p,,a.h5ad,"], HEAD, "line 2 .* slide is empty"),
        (["A,p,a.png,bad.csv,"], HEAD, r"line 2 .*bad.csv, line 3: y is 'oops'"),
        (["A,p,a.png,a.h5ad,,wide"], HEAD + ",um_per_px", "um_per_px is 'wide'"),
    ],
    ids=[
        "no rows",
        "a missing column",
        "a section twice",
        "a missing file",
        "an empty cell",
        "a bad spot table",
        "a scale that is no number",
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder, rows, head, words):
    with pytest.raises(SettingsError, match=words):
        load_cohort(cohort(folder, *rows, head=head))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"no cohort table .*gone\.csv"):
        load_cohort(tmp_path / "gone.csv")


def test_a_slide_that_cannot_be_opened_is_named(folder):
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n torn")
    with pytest.raises(SettingsError, match=r"line 2 \(section A\): .*torn"):
        load_cohort(cohort(folder, "A,p1,torn.png,a.h5ad,"))
