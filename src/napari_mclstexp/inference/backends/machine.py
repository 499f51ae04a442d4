"""What this machine has to compute with, and how fast each backend is on it."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
import psutil
import torch

from ...model.image_encoder import ImageEncoder
from ...progress import CancelToken
from ..device import Device, cpu_has_bf16, pick_device
from ..torch_pass import cores
from .backend import Pixels
from .compare import Measured, compare
from .limit import flops_per_picture, flops_per_second
from .openvino_cpu import OpenVino, openvino
from .settle import installed, processor

PACKAGES = ("torch", "torchvision", "timm", "openvino", "napari", "numpy", "zarr", "tifffile")


@dataclass(frozen=True)
class Machine:
    """What is there.

    Attributes
    ----------
    processor, cores, bf16
        The processor's name, how many of its cores are used, and whether it computes in 16 bits.
    memory, free
        Bytes in all, and of these not in use.
    cuda, mps
        Name of the GPU; empty without one.
    openslide
        Version of the library; empty if it cannot be loaded.
    openvino_devices
        What OpenVINO could compute on, by its own names.
    versions
        Of packages that decide speed and formats; empty for those that are not installed.
    """

    processor: str
    cores: int
    bf16: bool
    memory: int
    free: int
    cuda: str
    mps: str
    openslide: str
    openvino_devices: tuple[str, ...]
    versions: dict[str, str]


def look_around() -> Machine:
    """Look at what this machine has to compute with."""
    memory = psutil.virtual_memory()
    return Machine(
        processor=processor(),
        cores=cores(),
        bf16=cpu_has_bf16(),
        memory=memory.total,
        free=memory.available,
        cuda=torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        mps="Apple GPU" if torch.backends.mps.is_available() else "",
        openslide=_openslide(),
        openvino_devices=_openvino_devices(),
        versions={name: installed(name) for name in PACKAGES},
    )


@dataclass(frozen=True)
class Speeds:
    """How fast an encoder runs here.

    Attributes
    ----------
    device
        The processor that "auto" takes.
    measured
        Of each backend.
    side
        Side of the pictures in pixels.
    limit
        Pictures a second if all were one large matrix product.
    missing
        Of each backend that is not there: the sentence that says why.
    """

    device: Device
    measured: tuple[Measured, ...]
    side: int
    limit: float
    missing: dict[str, str]

    def per_second(self, each: Measured) -> float:
        """Return a backend's pictures a second."""
        return each.px_per_s / self.side**2


def measure_speeds(
    encoder: ImageEncoder, probe: Pixels, device: str = "auto", cancel: CancelToken | None = None
) -> Speeds:
    """Measure every backend that is there on (b, H, W, 3) pictures, about a second each.

    Raises
    ------
    SettingsError
        If the device is not there.
    """
    where = pick_device(device)
    why = OpenVino().why_not(where)
    names = ("torch",) if why else ("torch", "openvino")
    measured = compare(encoder, probe, where, names, cancel=cancel)
    side = int(np.sqrt(probe.shape[1] * probe.shape[2]))
    limit = flops_per_second(where) / flops_per_picture(encoder, side, side)
    return Speeds(where, measured, side, limit, {"openvino": why} if why else {})


def _openslide() -> str:
    try:
        import openslide
    except (ImportError, OSError):
        return ""
    return str(openslide.__library_version__)


def _openvino_devices() -> tuple[str, ...]:
    if importlib.util.find_spec("openvino") is None:
        return ()
    try:
        return tuple(openvino().Core().available_devices)
    except (ImportError, RuntimeError, OSError):
        return ()
