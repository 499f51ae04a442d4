"""The models used lately."""

from __future__ import annotations

import pytest

from napari_mclstexp.session.recent_files import RecentFolders, recent_models


@pytest.fixture
def folders(tmp_path):
    made = [tmp_path / name for name in "abcdefghij"]
    for folder in made:
        folder.mkdir()
    return made


def test_the_latest_model_is_first_and_none_stands_twice(tmp_path, folders):
    file = tmp_path / "config" / "recent.json"
    recent = RecentFolders(file)
    assert recent.paths() == ()
    for folder in (folders[0], folders[1], folders[0]):
        recent.add(folder)
    assert RecentFolders(file).paths() == (folders[0], folders[1])
    assert [path.name for path in file.parent.iterdir()] == ["recent.json"]


def test_the_list_stays_short_and_forgets_models_that_are_gone(tmp_path, folders):
    recent = RecentFolders(tmp_path / "recent.json")
    for folder in folders:
        recent.add(folder)
    folders[-1].rmdir()
    assert recent.paths() == tuple(reversed(folders[2:-1]))


@pytest.mark.parametrize("content", ["{", '{"a": 1}', "[1, null]", "\xff"])
def test_a_spoilt_list_is_an_empty_one_and_is_mended(tmp_path, folders, content):
    file = tmp_path / "recent.json"
    file.write_bytes(content.encode("latin-1"))
    recent = RecentFolders(file)
    assert recent.paths() == ()
    recent.add(folders[0])
    assert recent.paths() == (folders[0],)


def test_a_list_that_cannot_be_written_interrupts_nobody(tmp_path, folders):
    (tmp_path / "config").write_text("a file where the folder should be")
    recent = RecentFolders(tmp_path / "config" / "recent.json")
    recent.add(folders[0])
    assert recent.paths() == ()


def test_the_list_is_kept_in_the_users_configuration_folder(monkeypatch, tmp_path, folders):
    monkeypatch.setattr("platformdirs.user_config_path", lambda *_, **__: tmp_path / "config")
    recent_models().add(folders[0])
    assert (tmp_path / "config" / "recent_models.json").is_file()
