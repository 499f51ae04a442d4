"""How much a processor takes at once, and what it is called."""

from __future__ import annotations

import pytest
import torch

from napari_mclstexp.inference.backends.openvino_cpu import OpenVino
from napari_mclstexp.inference.device import MOST_AT_ONCE, Device


@pytest.mark.parametrize(
    ("patch_px", "at_once"), [(224, 16), (112, 64), (160, 31), (512, 16), (8, MOST_AT_ONCE)]
)
def test_as_many_pixels_are_encoded_at_once_whatever_the_patch(patch_px, at_once):
    device = Device(torch.device("cpu"), torch.float32, True, "CPU", batch_size=16)
    assert device.batch_for(patch_px) == at_once


@pytest.mark.parametrize(
    ("dtype", "short"),
    [(torch.float32, "fp32"), (torch.bfloat16, "bf16"), (torch.float16, "fp16"),
     (torch.float64, "float64")],
)  # fmt: skip
def test_its_arithmetic_has_a_short_name(dtype, short):
    device = Device(torch.device("cpu"), dtype, True, "CPU", 16)
    assert device.arithmetic == short
    assert device.on(torch.device("meta")).torch.type == "meta"


@pytest.mark.parametrize("kind", ["cuda", "mps", "meta"])
def test_openvino_refuses_every_device_but_the_cpu_in_a_sentence(kind):
    other = Device(torch.device(kind), torch.float32, True, "that device", 16)
    assert OpenVino().why_not(other) == (
        "OpenVINO runs on the CPU, and not on that device; use --device cpu."
    )
