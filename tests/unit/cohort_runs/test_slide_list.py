"""Which slides a table, a folder or a script names; what cannot be used is said with its line."""

from __future__ import annotations

import pytest

from napari_mclstexp.cohort_runs.slide_list import SlideEntry, list_slides, shard_of
from napari_mclstexp.errors import SettingsError


def test_a_table_gives_paths_beside_it_names_scales_and_groups(tmp_path):
    (tmp_path / "t.csv").write_text(
        "slide,spots,name,um_per_px,patient\na/b.ome.tiff,b.csv,,0.5,P1\n\nc.svs,,third,,P2\n"
    )
    one, two = list_slides(tmp_path / "t.csv")
    assert (one.name, one.slide, one.spots) == ("b", tmp_path / "a/b.ome.tiff", tmp_path / "b.csv")
    assert (one.um_per_px, one.groups) == (0.5, (("patient", "P1"),))
    assert (two.name, two.spots, two.um_per_px) == ("third", None, None)


def test_a_folder_gives_its_slides_in_order_and_nothing_else(tmp_path):
    for name in ("b.svs", "a.ome.tif", "notes.txt", ".c.svs", "d.h5ad"):
        (tmp_path / name).touch()
    assert [each.name for each in list_slides(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", "no column slide"),
        ("slide\n", "names no slides"),
        ("slide,slide\na,b\n", "more than once"),
        ("slide,spots\n,b\n", "line 2: the slide is missing"),
        ("spots,slide\nb\n", "line 2: the slide is missing"),
        ('slide,name\n"a\nb.tif",c/d\n', r"give 'a\\nb\.tif' another name"),
        ("slide,um_per_px\na,0.5\nb,-1\n", "line 3: um_per_px is '-1'"),
        ("slide,counts\na,b\n", "line 2: there are counts without spots"),
        ("slide\nx/a.svs\ny/A.svs\n", "two slides are called A"),
        ("slide,name\na,b/c\n", "cannot be the name of a file"),
        ("slide,name\na,report\n", "a file of the results"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path, table, words):
    (tmp_path / "t.csv").write_text(table)
    with pytest.raises(SettingsError, match=words):
        list_slides(tmp_path / "t.csv")


def test_slides_without_spots_need_a_grid(tmp_path):
    with pytest.raises(SettingsError, match="The slide a has no spots"):
        list_slides([SlideEntry("a", tmp_path / "a.svs")], grid=False)


def test_shards_are_all_slides_once():
    slides = list_slides([f"{n}.svs" for n in range(8)])
    parts = [shard_of(slides, f"{i}/3") for i in (1, 2, 3)]
    assert sorted(each.name for part in parts for each in part) == [str(n) for n in range(8)]
    for wrong in ("0/3", "4/3", "1", "a/b", "1/0"):
        with pytest.raises(SettingsError, match="must be i/n"):
            shard_of(slides, wrong)
