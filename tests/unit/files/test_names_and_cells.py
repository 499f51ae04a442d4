"""Temporary names that are known again, and cells of tables that come back as they went."""

from __future__ import annotations

import errno
import os

import pytest

from napari_mclstexp.errors import OutputError
from napari_mclstexp.files.exchange import sync_folder
from napari_mclstexp.files.spreadsheet import as_cell, from_cell
from napari_mclstexp.files.temporary import held, is_temporary, remove_leftovers, temporary_beside


@pytest.mark.parametrize("name", ["map.h5ad", "a name (1).csv", "no_suffix", "x" * 300 + ".json"])
def test_what_a_dead_process_left_is_known_by_its_name_and_removed(tmp_path, name):
    target = tmp_path / name
    left, other = temporary_beside(target), temporary_beside(tmp_path / "another.h5ad")
    left.touch()
    other.touch()
    assert is_temporary(left)
    assert not is_temporary(target)
    assert left.name.endswith(target.suffix)
    with held(left):
        remove_leftovers(target)
        assert left.exists()
    remove_leftovers(target)
    assert not left.exists()
    assert other.exists()


def test_a_folder_that_a_dead_process_left_goes_too(tmp_path):
    left = temporary_beside(tmp_path / "model")
    (left / "inside").mkdir(parents=True)
    remove_leftovers(tmp_path / "model")
    assert not left.exists()


def test_nothing_is_named_in_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="nowhere does not exist"):
        temporary_beside(tmp_path / "nowhere" / "map.h5ad")


@pytest.mark.parametrize(
    "text", ["=1+1", "+a", "-a", "@x", "\ta", "\ra", "'tis", "''", "-1.5", "a", ""]
)
def test_a_cell_comes_back_as_it_went(text):
    assert from_cell(as_cell(text)) == text


def test_a_table_that_nobody_quoted_is_read_as_it_is():
    assert [from_cell(text) for text in ("=1+1", "-a", "'a", "'")] == ["=1+1", "-a", "'a", "'"]


def test_a_disk_that_cannot_be_told_to_keep_names_is_written_to_all_the_same(tmp_path, monkeypatch):
    def cannot(descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", cannot)
    sync_folder(tmp_path)
    sync_folder(tmp_path / "gone")
