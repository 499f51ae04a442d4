"""Which processor runs the networks, and in which arithmetic."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from functools import cache

import torch
from torch import device as TorchDevice  # noqa: N812
from torch import dtype as Dtype  # noqa: N812 - the fields below hide the names

from ..errors import SettingsError

CHOICES = ("auto", "cuda", "mps", "cpu")
TRIED, TRIALS = 512, 6  # side of a small product, and how often it is timed
PAYS = 1.2  # times as fast as in 32 bits, for fewer digits
BACKENDS = ("auto", "torch", "openvino")  # what runs an encoder
MOST_AT_ONCE = 64  # small patches: more would save little, and fill a map in leaps


@dataclass(frozen=True)
class Device:
    """A processor and how it is best used.

    The image encoder runs in `dtype`; everything after it in 32 bits. Against 32-bit arithmetic on
    the CPU, predictions in 16 bits correlate above 0.99 in every gene that varies, and differ by
    less than 0.05 units on average (the tests hold this); in the same arithmetic they do not
    depend on the batch size beyond 1e-3 in 32 bits and 0.05 units in 16.

    Attributes
    ----------
    torch
        The device as torch names it.
    dtype
        Arithmetic of the image encoder.
    channels_last
        Whether its convolutions are faster with channels last.
    name
        As a person would say it.
    batch_size
        Patches that are encoded at once by default.
    backend
        What runs the encoder, of ``BACKENDS``; ``"auto"`` until `settle` has measured.
    why
        Why this backend, in one sentence; empty where there was nothing to choose.
    """

    torch: torch.device
    dtype: Dtype
    channels_last: bool
    name: str
    batch_size: int
    backend: str = "torch"
    why: str = ""

    @property
    def arithmetic(self) -> str:
        """The encoder's arithmetic in a few letters: fp32, bf16 or fp16."""
        short = {torch.float32: "fp32", torch.bfloat16: "bf16", torch.float16: "fp16"}
        return short.get(self.dtype, str(self.dtype).removeprefix("torch."))

    def batch_for(self, patch_px: int) -> int:
        """Return how many patches of a side are encoded at once by default: more of small ones."""
        return max(self.batch_size, min(MOST_AT_ONCE, self.batch_size * 224**2 // patch_px**2))

    def on(self, device: TorchDevice) -> Device:
        """Return the same on another of the machine's devices."""
        return dataclasses.replace(self, torch=device)


def pick_device(wanted: str = "auto", backend: str = "torch") -> Device:
    """Choose the processor: CUDA, then MPS, then the CPU, unless one is asked for.

    Parameters
    ----------
    wanted
        Of ``CHOICES``.
    backend
        What shall run encoders there, of ``BACKENDS``.

    Raises
    ------
    SettingsError
        If the one asked for is not there, or a name is unknown.
    """
    check_backend(backend)
    return dataclasses.replace(_processor(wanted), backend=backend)


def check_backend(name: str) -> None:
    """Refuse a backend that nobody knows.

    Raises
    ------
    SettingsError
        If it is not one of ``BACKENDS``.
    """
    if name not in BACKENDS:
        raise SettingsError(f"The backend {name!r} is unknown; use {', '.join(BACKENDS)}.")


def _processor(wanted: str) -> Device:
    if wanted not in CHOICES:
        raise SettingsError(f"The device {wanted!r} is unknown; use {', '.join(CHOICES)}.")
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        wanted = next(name for name, available in there.items() if available)
    if not there[wanted]:
        raise SettingsError(
            f"The device {wanted} is not on this machine, or torch was built without it; "
            "use --device auto."
        )
    if wanted == "cuda":
        bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        dtype = torch.bfloat16 if bf16 else torch.float16
        return Device(torch.device("cuda"), dtype, True, torch.cuda.get_device_name(), 256)
    if wanted == "mps":
        return Device(torch.device("mps"), torch.float32, False, "Apple GPU", 32)
    if cpu_has_bf16():
        return Device(torch.device("cpu"), torch.bfloat16, True, "CPU, 16-bit", 32)
    return Device(torch.device("cpu"), torch.float32, True, "CPU", 16)


def cpu_has_bf16() -> bool:
    """Whether the CPU is faster in bf16 than in fp32.

    Processors with AMX are. Those with AVX-512 alone differ: some multiply twice as fast, others,
    and virtual machines without AMX on processors that have it, at half the pace; so a small
    product is timed.
    """
    # Older versions of torch cannot tell; 32 bits are right everywhere.
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities.get("amx_bf16"):
        return True
    return bool(capabilities.get("avx512_bf16")) and _product_pays(torch.bfloat16)


@cache
def _product_pays(dtype: Dtype) -> bool:
    seconds: dict[Dtype, float] = {}
    pairs = [
        tuple(torch.ones(TRIED, TRIED, dtype=each) for _ in range(2))
        for each in (dtype, torch.float32)
    ]
    for _ in range(TRIALS):  # in turn, and the best of each: another program may interfere
        for a, b in pairs:
            start = time.perf_counter()
            a @ b
            took = time.perf_counter() - start
            seconds[a.dtype] = min(took, seconds.get(a.dtype, took))
    return seconds[dtype] * PAYS < seconds[torch.float32]
