"""Every backend says the same, in order and stoppable; the choice is measured and remembered."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from napari_mclstexp.errors import Cancelled, SettingsError
from napari_mclstexp.inference.backends import compare as comparing
from napari_mclstexp.inference.backends import settle as settling
from napari_mclstexp.inference.backends.backend import unchanged
from napari_mclstexp.inference.backends.compare import Measured, agreement
from napari_mclstexp.inference.backends.lanes import Lanes
from napari_mclstexp.inference.backends.run_network import load
from napari_mclstexp.inference.backends.settle import settle
from napari_mclstexp.inference.backends.torch_gpu import TorchGpu
from napari_mclstexp.inference.device import pick_device
from napari_mclstexp.inference.feature_cache import FOLDER
from napari_mclstexp.inference.feature_map import compute_feature_map
from napari_mclstexp.model import EncoderConfig
from napari_mclstexp.model.image_encoder import ImageEncoder
from napari_mclstexp.model.inner_layers import InnerLayers
from napari_mclstexp.progress import CancelToken
from support.map_kit import CONFIG, CPU, saved, tiny_encoder, tissue_picture, values

OPENVINO = dataclasses.replace(CPU, backend="openvino")


@pytest.fixture
def openvino():
    return pytest.importorskip("openvino", reason="the extra openvino is not installed")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.setattr(settling, "_known", {})
    return tmp_path


def pictures(n: int = 5, side: int = 64):
    return np.stack([tissue_picture(side, side, seed) for seed in range(n)])


def plain(network, pixels):
    """What the network says in the plainest way."""
    with torch.inference_mode():
        found = network(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    return [each.numpy() for each in (found if isinstance(found, list) else [found])]


@pytest.mark.parametrize("name", ["densenet121", "densenet121-unrectified", "timm:test_resnet"])
@pytest.mark.parametrize("views", [1, 8])
def test_torch_says_what_the_plain_network_says(name, views):
    torch.manual_seed(1)
    encoder = ImageEncoder(EncoderConfig(name=name, views=views)).eval()
    for each in encoder.modules():  # statistics that are not 0 and 1
        if isinstance(each, torch.nn.BatchNorm2d):
            each.running_mean.uniform_(-0.1, 0.1)
            each.running_var.uniform_(0.5, 2)
    found = load(encoder, CPU)(pictures(3))[0]
    np.testing.assert_allclose(found, plain(encoder, pictures(3))[0], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("layers", [("block1", "last"), ("block3", "block2")])
def test_inner_layers_of_densenet_are_those_of_the_plain_network(layers):
    torch.manual_seed(1)
    inner = InnerLayers(ImageEncoder(EncoderConfig()).eval(), layers)
    for ours, exact in zip(load(inner, CPU)(pictures(2)), plain(inner, pictures(2)), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-3, atol=1e-4)


def test_openvino_says_what_torch_says_of_every_picture_and_layer(openvino, kept):
    encoder = tiny_encoder()
    for network in (encoder, InnerLayers(encoder, ("stage1", "stage3"))):
        for n in (5, 2):  # the second is run in the size of the first
            found = load(network, OPENVINO)(pictures(n))
            assert [len(each) for each in found] == [n] * len(found)
            assert agreement(found, plain(network, pictures(n))) > 0.99999
    assert len(list(kept.glob("*.openvino"))) == 4


def test_a_converted_encoder_is_kept_and_told_from_one_with_other_weights(openvino, kept):
    first, second = tiny_encoder(0), tiny_encoder(1)
    before = load(first, OPENVINO)(pictures())[0]
    np.testing.assert_array_equal(load(first, OPENVINO)(pictures())[0], before)
    assert len(list(kept.glob("*.openvino"))) == 1
    other = load(second, OPENVINO)(pictures())
    assert agreement(other, plain(second, pictures())) > 0.99999


def test_openvino_is_imported_without_its_telemetry():
    pytest.importorskip("openvino")
    code = (
        "import sys; from napari_mclstexp.inference.backends.openvino_cpu import openvino;"
        "openvino(); print([name for name in sys.modules if name.startswith('openvino_telemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("device", [CPU, OPENVINO])
def test_batches_come_back_in_order_and_are_read_only_as_far_ahead_as_needed(device, kept):
    if device is OPENVINO:
        pytest.importorskip("openvino")
    encoder, read = tiny_encoder(), []

    def batches():
        for number in range(30):
            read.append(number)
            yield number, pictures(1 + number % 3)

    for number, pixels, found in load(encoder, device).stream(batches()):
        assert len(read) <= number + 20
        assert len(found[0]) == len(pixels) == 1 + number % 3
    assert number == 29


@pytest.mark.parametrize("device", [CPU, OPENVINO])
def test_a_cancel_ends_a_long_pass_with_what_is_under_way(device, kept):
    if device is OPENVINO:
        pytest.importorskip("openvino")
    cancel = CancelToken()
    lanes = load(ImageEncoder(EncoderConfig()).eval(), device, cancel=cancel)
    big = np.zeros((1, 704, 704, 3), dtype=np.uint8)
    lanes(big)  # set up
    under_way = lanes.stream((number, big) for number in range(100))
    next(under_way)
    cancel.cancel()
    more = []
    with pytest.raises(Cancelled):
        more.extend(number for number, *_ in under_way)
    assert len(more) < 5


def test_agreement_is_that_of_the_worst_picture():
    exact = [np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]], np.float32)]
    assert agreement([exact[0].copy()], exact) == 1
    turned = exact[0].copy()
    turned[1] = [2.0, 0.0]
    assert agreement([turned], exact) == 0
    turned[1] = [np.nan, 0.0]
    assert agreement([turned], exact) == 0
    turned[1], turned[2] = exact[0][1], [0.1, 0.0]
    assert agreement([turned], exact) == 0


class Settled:
    """`settle` with invented measurements, and how often they were made."""

    def __init__(self, monkeypatch, *measured: Measured) -> None:
        self.measured, self.times = measured, 0
        monkeypatch.setattr(settling, "compare", self.compare)
        monkeypatch.setattr(settling.OpenVino, "why_not", lambda *_: "")

    def compare(self, network, probe, device, names, *rest):
        self.times += 1
        return tuple(each for each in self.measured if each.backend in names)

    def __call__(self, backend: str, px: int = 10**9, identity: str = "a"):
        device = dataclasses.replace(CPU, backend=backend)
        return settle(device, tiny_encoder(), identity, pictures, px)


SLOW = Measured("torch", "fp32", px_per_s=1e6, setup_s=0.1, agreement=1.0)
FAST = Measured("openvino", "fp32", px_per_s=2e6, setup_s=5.0, agreement=1.0)


def test_long_work_goes_to_the_faster_backend_and_short_work_to_the_one_that_is_ready(
    kept, monkeypatch
):
    settled = Settled(monkeypatch, SLOW, FAST)
    assert settled("auto", px=10**6).backend == "torch"
    assert settled.times == 0  # too short to be worth a measurement
    long = settled("auto")
    assert (long.backend, long.name) == ("openvino", "CPU, OpenVINO")
    assert "torch fp32 would take" in long.why
    assert settled("auto", px=10**6).backend == "torch"
    settling._known.clear()  # as in another process
    assert settled("auto").backend == "openvino"
    assert settled.times == 1
    settled("auto", identity="b")
    assert settled.times == 2


def test_a_backend_that_does_not_agree_is_not_used_and_an_error_where_asked_for(kept, monkeypatch):
    wrong = dataclasses.replace(FAST, agreement=0.9989)
    settled = Settled(monkeypatch, SLOW, wrong)
    chosen = settled("auto")
    assert chosen.backend == "torch"
    assert "OpenVINO fp32 differs from fp32 (cosine 0.9989" in chosen.why
    with pytest.raises(SettingsError, match=r"OpenVINO cannot .*cosine 0.9989.*--backend torch"):
        settled("openvino")


def test_what_cannot_run_an_encoder_is_told_and_not_used(monkeypatch):
    def broken(*_):
        raise RuntimeError("no such operation\nand more")

    monkeypatch.setattr(comparing, "load", broken)
    found = comparing._measure(tiny_encoder(), pictures(), OPENVINO, None, [], CancelToken())
    assert not found.agrees
    assert found.verdict == "does not run (no such operation)"


def test_a_backend_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"not installed; .*napari-mclstexp\[openvino\]"):
        settle(OPENVINO, tiny_encoder(), "a", pictures, 10**9)
    with pytest.raises(SettingsError, match="backend 'onnx' is unknown"):
        pick_device("cpu", "onnx")


def test_a_spoilt_memory_is_measured_anew(kept, monkeypatch):
    settled = Settled(monkeypatch, SLOW, FAST)
    for spoilt in ("[", "[]", '{"a": 3}'):
        (kept / settling.FILE).write_text(spoilt)
        settling._known.clear()
        assert settled("auto").backend == "openvino"
    assert settled.times == 3


def test_the_command_line_lets_threads_wait_asleep():
    code = (
        "import os, sys; from napari_mclstexp.cli import main; main(['--version']);"
        "print('torch' in sys.modules, os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    for given, expected in (({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE")):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, **given},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.splitlines()[-1] == f"False {expected}"


def test_a_feature_map_by_openvino_is_that_of_torch_and_is_kept_apart(openvino, kept, tmp_path):
    with saved(tissue_picture(), tmp_path / "slide.png") as slide:
        exact, ours = (
            compute_feature_map(slide, tiny_encoder(), CONFIG, device=device)
            for device in (CPU, OPENVINO)
        )
    assert exact.path != ours.path
    assert exact.groups == ours.groups
    for name, group in exact.groups.items():
        of_torch, of_openvino = (values(each)[:, group] for each in (exact, ours))
        np.testing.assert_allclose(of_openvino, of_torch, rtol=0.01, atol=0.01, err_msg=name)


def test_what_runs_on_a_gpu_says_the_same_where_it_is_run_without_one():
    encoder = tiny_encoder()
    backend = TorchGpu()
    lanes = Lanes(
        backend.lanes(CPU), backend.load(encoder, CPU, unchanged, CancelToken()), backend.piece
    )
    np.testing.assert_allclose(
        lanes(pictures())[0], plain(encoder, pictures())[0], rtol=1e-4, atol=1e-5
    )
