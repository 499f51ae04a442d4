"""The map shows what is where, for any tiling, and is kept, gone on with or made anew."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest

from napari_mclstexp.errors import Cancelled, ModelError, OutputError, SettingsError, SlideError
from napari_mclstexp.inference import feature_map, feature_map_store
from napari_mclstexp.inference.backends import torch_cpu
from napari_mclstexp.inference.feature_map import COLOURS
from napari_mclstexp.inference.feature_map_store import SUFFIX, forget_the_oldest
from napari_mclstexp.progress import CancelToken
from napari_mclstexp.slides import open_slide
from support.map_kit import (
    CONFIG,
    PINK,
    make_map,
    saved,
    small_tiles,
    tiny_encoder,
    tissue_picture,
    values,
)


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    small_tiles(monkeypatch)
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def slide(tmp_path):
    with saved(tissue_picture(), tmp_path / "slide.png") as slide:
        yield slide


def kept(cache):
    return sorted(cache.glob(f"*{SUFFIX}"))


def tiles_made(slide, **options):
    """Return how many tiles a call encodes, and the map."""
    events = []
    found = make_map(slide, progress=events.append, **options)
    return len(events), found


@pytest.mark.parametrize("um_per_px", [0.5, 1.0])
def test_a_dark_dot_shows_in_the_cell_where_it_is_and_in_no_far_one(tmp_path, um_per_px):
    flat = np.full((256, 320, 3), PINK, dtype=np.uint8)
    flat[:40] = 245
    dotted = flat.copy()
    dotted[146:158, 226:238] = (60, 30, 90)  # around (232, 152)
    cell = CONFIG.cell_um / um_per_px
    with (
        saved(flat, tmp_path / "flat.png", um_per_px) as one,
        saved(dotted, tmp_path / "dotted.png", um_per_px) as two,
    ):
        before, found = make_map(one), make_map(two)
    apart = abs(values(found)[0] - values(before)[0])
    where = (int(152 // cell), int(232 // cell))
    assert found.grid.cell_px == pytest.approx(cell)
    for name in found.groups:
        difference = apart[found.groups[name]].sum(axis=0)
        assert np.unravel_index(difference.argmax(), difference.shape) == where, name
    red, std = (each[found.groups["colour"]][0] for each in values(found))
    assert red[where] < red[where[0] - 2, where[1]]
    assert np.unravel_index(std.argmax(), std.shape) == where
    far = apart[found.groups["stage1"]]
    far[:, where[0] - 2 : where[0] + 3, where[1] - 2 : where[1] + 3] = 0
    assert far.max() < 1e-3


def test_colour_is_the_mean_over_the_cells_pixels_and_share_is_of_tissue(slide):
    found = make_map(slide)
    picture = tissue_picture()
    mean, std = (each[found.groups["colour"]] for each in values(found))
    cell = picture[64:80, 96:112] / 255
    np.testing.assert_allclose(mean[:3, 4, 6], cell.mean((0, 1)), atol=1e-3)
    np.testing.assert_allclose(std[:3, 4, 6], cell.std((0, 1)), atol=1e-3)
    assert len(mean) == len(COLOURS)
    assert found.share[4, 6] == 1
    assert found.share[0, 0] == 0
    assert found.share.shape == (13, 15)  # the last row reaches beyond the slide
    assert 0 < found.share[-1, 6] <= 0.75
    assert mean.min() >= 0
    assert mean[-1].max() <= 1


def test_values_do_not_depend_on_the_tiling(slide, monkeypatch):
    one = values(make_map(slide))
    for tile_px in (48, 512):
        small_tiles(monkeypatch, tile_px)
        other = make_map(slide)
        assert other.grid.tiles != (4, 4)
        tissue = other.share > 0
        np.testing.assert_allclose(values(other)[..., tissue], one[..., tissue], atol=2e-2)


def test_progress_counts_tiles_and_the_map_can_be_read_while_it_fills(slide):
    events = []

    def look(event):
        events.append((event.done, event.total, event.unit))
        here = event.partial
        assert (here.weights() > 0).sum() > 0
        assert bool((here.weights() == here.share).all()) == (event.done == event.total)

    make_map(slide, progress=look)
    assert events == [(n, len(events), "tiles") for n in range(1, len(events) + 1)]
    assert len(events) > 4


def test_a_kept_map_is_taken_again_for_the_same_content_only(slide, tmp_path, cache):
    made, first = tiles_made(slide)
    assert made == len(np.argwhere(first.done[:]))
    again, second = tiles_made(slide)
    assert again == 0
    np.testing.assert_array_equal(values(first), values(second))
    wider = CONFIG.model_copy(update={"widths_um": (30.0,)})
    assert tiles_made(slide, config=wider)[0] == 0
    with saved(tissue_picture(), tmp_path / "same pixels.png") as same:
        assert tiles_made(same)[0] == 0
    for change in ({"um_per_px": 0.9}, {"layers": ("stage1",)}, {"colour": False}):
        assert tiles_made(slide, config=CONFIG.model_copy(update=change))[0] > 0
    assert tiles_made(slide, encoder=tiny_encoder(1))[0] > 0
    with saved(tissue_picture(seed=1), tmp_path / "other.png") as other:
        assert tiles_made(other)[0] > 0
    with open_slide(slide.path) as rescaled:
        rescaled.calibrate(1.1, "user")
        assert tiles_made(rescaled)[0] > 0
    assert len(kept(cache)) == 7


def test_an_interrupted_map_goes_on_where_it_was_stopped(slide, tmp_path, monkeypatch):
    token = CancelToken()

    def stop(event):
        if event.done == 3:
            token.cancel()

    with pytest.raises(Cancelled):
        make_map(slide, progress=stop, cancel=token)
    made, found = tiles_made(slide)
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", "")
    all_tiles, expected = tiles_made(slide)
    assert made == all_tiles - 3
    np.testing.assert_array_equal(values(found), values(expected))
    assert not expected.path.is_relative_to(tmp_path)
    path = expected.path
    del expected
    assert not path.exists()


def test_a_cancel_ends_the_pass_between_layers(slide, monkeypatch):
    token = CancelToken()
    to_tensor = torch_cpu.to_tensor

    def cancel_first(*arguments):
        token.cancel()
        return to_tensor(*arguments)

    came_through = []
    averaged = feature_map._to_cells
    monkeypatch.setattr(torch_cpu, "to_tensor", cancel_first)
    monkeypatch.setattr(feature_map, "_to_cells", lambda *_: came_through.append(1))
    with pytest.raises(Cancelled):
        make_map(slide, cancel=token)
    assert came_through == []
    monkeypatch.setattr(feature_map, "_to_cells", averaged)
    assert not [each for each in threading.enumerate() if each.name.startswith("tiles")]
    monkeypatch.setattr(torch_cpu, "to_tensor", to_tensor)
    made, found = tiles_made(slide)
    assert made == (np.asarray(found.done[:]) > 0).sum()  # no tile was taken for done


def test_what_was_cut_short_is_made_anew_and_what_was_altered_is_never_read(slide, cache):
    all_tiles, found = tiles_made(slide)
    expected = values(found)
    pieces = sorted(found.path.glob("mean/c/*/1/1"))
    pieces[0].write_bytes(pieces[0].read_bytes()[:-20])
    made, found = tiles_made(slide)
    assert made == 1
    np.testing.assert_array_equal(values(found), expected)

    altered = bytearray(pieces[0].read_bytes())
    altered[len(altered) // 2] ^= 255
    pieces[0].write_bytes(altered)
    made, found = tiles_made(slide)
    with pytest.raises(OutputError, match="damaged and was thrown away; run this again"):
        values(found)
    assert kept(cache) == []
    made, found = tiles_made(slide)
    assert made == all_tiles
    np.testing.assert_array_equal(values(found), expected)

    (found.path / "zarr.json").write_text("{")
    assert tiles_made(slide)[0] == all_tiles


def test_a_full_cache_forgets_what_was_used_longest_ago_but_nothing_in_hand(
    slide, cache, monkeypatch
):
    def other(um_per_px):
        return make_map(slide, config=CONFIG.model_copy(update={"um_per_px": um_per_px}))

    paths = [other(um_per_px).path for um_per_px in (0.7, 0.8, 0.9)]
    for age, path in enumerate((paths[1], paths[0], paths[2])):
        os.utime(path / "zarr.json", (1e9 - 1e6 * age,) * 2)
    (cache / "a person's.map").mkdir()
    size = sum(each.stat().st_size for each in paths[0].rglob("*") if each.is_file())
    monkeypatch.setattr(feature_map_store, "MOST_BYTES", int(2.2 * size))
    forget_the_oldest()
    assert {path.exists() for path in paths[:2]} == {True}
    assert not paths[2].exists()
    in_hand = other(0.7)
    os.utime(in_hand.path / "zarr.json", (1e6, 1e6))
    monkeypatch.setattr(feature_map_store, "MOST_BYTES", 0)
    forget_the_oldest()
    assert kept(cache) == sorted([in_hand.path, cache / "a person's.map"])


def test_what_cannot_be_seen_is_refused_in_a_sentence(slide, tmp_path):
    unscaled = r"plain\.png does not state its µm per pixel.*give the scale"
    with (
        saved(tissue_picture(), tmp_path / "plain.png", None) as plain,
        pytest.raises(SlideError, match=unscaled),
    ):
        make_map(plain)
    with pytest.raises(ModelError, match="has no layer 'block1'"):
        make_map(slide, config=CONFIG.model_copy(update={"layers": ("block1",)}))
    with pytest.raises(SettingsError, match=r"16 px cannot be filled by the layer last.*of 32"):
        make_map(slide, config=CONFIG.model_copy(update={"layers": ("last",)}))


def test_a_slide_without_tissue_has_an_empty_map(tmp_path):
    with saved(np.full((90, 90, 3), 245, np.uint8), tmp_path / "glass.png") as glass:
        made, found = tiles_made(glass)
    assert made == 0
    assert not found.weights().any()
