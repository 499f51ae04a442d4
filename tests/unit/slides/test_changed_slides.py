"""A slide that is changed while it is read gives no result of two pictures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.errors import SlideError
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.inference.feature_cache import cached_features
from napari_mclstexp.inference.predict import predict
from napari_mclstexp.model import load_model
from napari_mclstexp.progress import Progress
from napari_mclstexp.slides import open_slide
from support import widget_kit as kit

pytestmark = pytest.mark.slow


def replaced(path: Path) -> None:
    kit.write_slide(path.with_name("other"), seed=1).replace(path)


def written_over(path: Path) -> None:
    other = kit.write_slide(path.with_name("other"), seed=1).read_bytes()
    with path.open("r+b") as file:
        file.write(other)
        file.truncate()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1000)


@pytest.fixture
def slide_path(tmp_path) -> Path:
    return kit.write_slide(tmp_path / "slide.ome.tif")


def predicted(path: Path, tiny_model: Path, change: Callable[[Path], None]) -> None:
    """Predict, and change the file after the first of several batches."""
    seen: list[Progress] = []

    def changing(progress: Progress) -> None:
        if not seen:
            change(path)
        seen.append(progress)

    with open_slide(path) as slide:
        predict(slide, kit.spots(), load_model(tiny_model), batch_size=16, progress=changing)
    assert len(seen) > 1


@pytest.mark.parametrize("change", [replaced, written_over, cut])
def test_no_result_comes_of_a_slide_that_is_changed_meanwhile(slide_path, tiny_model, change):
    with pytest.raises(SlideError, match=r"slide\.ome\.tif"):
        predicted(slide_path, tiny_model, change)


def test_one_that_is_taken_away_may_be_read_to_its_end(slide_path, tiny_model):
    predicted(slide_path, tiny_model, Path.unlink)


def test_a_section_is_learned_from_one_file_though_it_is_opened_several_times(slide_path):
    section = Section("S", "P", slide_path, kit.spots())
    for _ in range(2):
        with section.open() as slide:
            slide.thumbnail()
    replaced(slide_path)
    with pytest.raises(SlideError, match="changed or replaced"):
        section.open()


def test_no_features_are_kept_of_a_slide_that_is_changed_meanwhile(
    slide_path, tiny_model, tmp_path, monkeypatch
):
    monkeypatch.setenv("NAPARI_MCLSTEXP_CACHE", str(tmp_path / "cache"))
    model = load_model(tiny_model)

    def compute():
        written_over(slide_path)
        return np.ones((1, model.module.image_encoder.n_features), np.float32)

    with pytest.raises(SlideError, match="changed or replaced"), open_slide(slide_path) as slide:
        cached_features(
            *(slide, np.zeros((1, 2)), model.module.image_encoder),
            **{"patch_px": 32, "um_per_px": 1.0, "device": pick_device("cpu"), "compute": compute},
        )
    assert not (tmp_path / "cache").exists()


def test_one_that_changes_after_it_was_closed_is_nobodys_concern(slide_path):
    with open_slide(slide_path) as slide:
        slide.thumbnail()
        slide.close()
        replaced(slide_path)
