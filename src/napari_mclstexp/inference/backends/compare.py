"""How fast each backend runs an encoder on this machine, and whether it says the same as fp32."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...errors import Cancelled
from ...progress import CancelToken
from ..device import Device
from .backend import Finish, Network, Pixels, Values, unchanged
from .run_network import backend_of, load

AGREES = 0.999  # cosine with the outputs in fp32, of every picture and every output
MEASURE_S = 1.0


@dataclass(frozen=True)
class Measured:
    """What was measured of one backend in one arithmetic.

    Attributes
    ----------
    backend, arithmetic
        Its name; fp32, bf16 or fp16.
    px_per_s
        Pixels encoded in a second; 0 if it does not run.
    setup_s
        Seconds until it was ready.
    agreement
        Smallest cosine of its outputs with those in fp32.
    error
        Why it does not run, as its library says.
    """

    backend: str
    arithmetic: str
    px_per_s: float = 0.0
    setup_s: float = 0.0
    agreement: float = 0.0
    error: str = ""

    @property
    def agrees(self) -> bool:
        """Whether it may be used."""
        return not self.error and self.agreement >= AGREES

    def seconds(self, px: int) -> float:
        """Return how long so many pixels take, from nothing."""
        return self.setup_s + px / self.px_per_s if self.px_per_s else float("inf")

    @property
    def verdict(self) -> str:
        """Why it is not used, in a few words; empty if it may be."""
        if self.error:
            return f"does not run ({self.error})"
        if not self.agrees:
            return f"differs from fp32 (cosine {self.agreement:.4f}, {AGREES} is asked for)"
        return ""


def compare(
    network: Network,
    probe: Pixels,
    device: Device,
    backends: tuple[str, ...],
    finish: Finish = unchanged,
    cancel: CancelToken | None = None,
) -> tuple[Measured, ...]:
    """Measure backends on pictures, about a second each.

    Parameters
    ----------
    network
        The encoder, or inner layers of it.
    probe
        (b, H, W, 3) pictures of the kind that will come.
    device
        Where, and in which arithmetic first; one that does not agree is measured in fp32 too.
    backends
        Names of those that are there.
    finish
        Applied to the outputs.
    cancel
        Ends it.
    """
    cancel = cancel or CancelToken()
    exact = dataclasses.replace(device, dtype=torch.float32, backend="torch")
    reference = load(network, exact, finish, cancel)(probe)
    found: list[Measured] = []
    for name in backends:
        for where in _arithmetics(dataclasses.replace(device, backend=name)):
            found.append(_measure(network, probe, where, finish, reference, cancel))
            if found[-1].agrees:
                break
    return tuple(found)


def agreement(found: list[Values], reference: list[Values]) -> float:
    """Return the smallest cosine between outputs, over pictures and outputs."""
    least = 1.0
    for ours, exact in zip(found, reference, strict=True):
        a, b = (each.reshape(len(each), -1).astype(np.float64) for each in (ours, exact))
        lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        cosine = (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)
        cosine[(a == b).all(axis=1)] = 1  # also where all is 0
        least = min(least, float(np.nan_to_num(cosine, nan=0.0).min(initial=1.0)))
    return least


def _arithmetics(device: Device) -> Iterator[Device]:
    yield device
    if device.dtype != torch.float32:
        yield dataclasses.replace(device, dtype=torch.float32)


def _measure(
    network: Network,
    probe: Pixels,
    device: Device,
    finish: Finish,
    reference: list[Values],
    cancel: CancelToken,
) -> Measured:
    start = time.perf_counter()
    try:
        lanes = load(network, device, finish, cancel)
        cosine = agreement(lanes(probe), reference)
        setup = time.perf_counter() - start
        work = _enough(probe, device)
        lanes(work)  # every lane is ready
        done, start = 0, time.perf_counter()
        for _, pixels, _ in lanes.stream((0, work) for _ in _until(start + MEASURE_S)):
            done += pixels[..., 0].size
        rate = done / (time.perf_counter() - start)
    except (Cancelled, KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:  # a library that cannot run this network is no reason to fail
        why = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        return Measured(device.backend, device.arithmetic, error=why)
    return Measured(device.backend, device.arithmetic, rate, max(0.0, setup), cosine)


def _until(end: float) -> Iterator[None]:
    yield None
    while time.perf_counter() < end:
        yield None


def _enough(probe: Pixels, device: Device) -> Pixels:
    """Return the pictures, repeated so that every lane has some work."""
    backend = backend_of(device)
    piece = min(backend.piece(*probe.shape[1:3]), device.batch_size)
    wanted = max(len(probe), 2 * backend.lanes(device) * piece)
    return probe[np.arange(wanted) % len(probe)]
