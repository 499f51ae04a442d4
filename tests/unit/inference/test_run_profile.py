"""What a profile says of a run adds up."""

from __future__ import annotations

import time

import pytest

from napari_mclstexp.inference.run_profile import profiling
from napari_mclstexp.model import load_model
from napari_mclstexp.running.stages import stage


def test_the_time_is_from_the_start_of_the_process_and_patches_are_counted_by_their_area(
    tiny_model,
):
    model = load_model(tiny_model)
    with profiling(model, "cpu") as profile:
        time.sleep(0.05)
        with stage("encode", 10 * model.config.patch_px**2):
            time.sleep(0.1)
    start, rows = profile.stages[0], {each.name: each for each in profile.stages}
    encode = rows["encode"]
    assert profile.seconds > start.seconds + 0.149
    assert encode.seconds > 0.099
    assert profile.images_per_s * encode.seconds == pytest.approx(10)
    assert sum(each.share for each in profile.stages) < 1
    assert encode.of_limit == pytest.approx(profile.images_per_s / profile.limit_images_per_s)
