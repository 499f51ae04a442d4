"""A network, a device with its backend, and what comes of both: lanes that run."""

from __future__ import annotations

from ...progress import CancelToken
from ..device import Device
from .backend import Backend, Finish, Network, unchanged
from .lanes import Lanes
from .openvino_cpu import OpenVino
from .torch_cpu import TorchCpu
from .torch_gpu import TorchGpu


def backend_of(device: Device) -> Backend:
    """Return the backend that a device names; torch where none was chosen."""
    if device.backend == "openvino":
        return OpenVino()
    return TorchCpu() if device.torch.type == "cpu" else TorchGpu()


def load(
    network: Network,
    device: Device,
    finish: Finish = unchanged,
    cancel: CancelToken | None = None,
) -> Lanes:
    """Make a network ready to run.

    Parameters
    ----------
    network
        `ImageEncoder`, or `InnerLayers` of one; it is left as it is.
    device
        Where, in which arithmetic, and by which backend.
    finish
        What is made of its outputs, in 32 bits, before they leave the device.
    cancel
        Ends every run within a second.
    """
    backend = backend_of(device)
    make = backend.load(network, device, finish, cancel or CancelToken())
    return Lanes(backend.lanes(device), make, backend.piece)
