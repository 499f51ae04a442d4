"""Which backend shall run an encoder here: measured on first use, and remembered."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from ...errors import OutputError, SettingsError
from ...files import atomic_file
from ...progress import CancelToken
from ..device import Device
from ..feature_cache import cache_folder
from ..torch_pass import cores
from .backend import Finish, Network, Pixels, unchanged
from .compare import AGREES, Measured, compare
from .openvino_cpu import OpenVino

FORMAT = 1
FILE = "backends.json"  # in the cache folder
WORTH_PX = 500 * 224 * 224  # less work than this is done before anything was measured
MOST_KEPT = 200
SHOWN = {"torch": "torch", "openvino": "OpenVINO"}
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}

_known: dict[str, tuple[Measured, ...]] = {}  # of this process, where nothing may be kept


def settle(
    device: Device,
    network: Network,
    identity: str,
    probe: Callable[[], Pixels],
    px: int,
    *,
    finish: Finish = unchanged,
    cancel: CancelToken | None = None,
) -> Device:
    """Return the device with the backend and arithmetic that are to be used.

    Of those that agree with fp32 (cosine of at least ``AGREES`` in every picture that is looked
    at), the one that is done first with the work at hand, its setting up included. What was
    measured is kept for this processor, encoder and version of the libraries.

    Parameters
    ----------
    device
        With the backend wished for.
    network, identity
        What shall run, and a checksum of all that it is.
    probe
        Gives (b, H, W, 3) pictures of those that will come, if something must be measured.
    px
        Pixels of the work at hand; where it is short and nothing is remembered, torch does it.
    finish
        What is applied to the network's outputs.
    cancel
        Ends it.

    Raises
    ------
    SettingsError
        If the backend asked for is not there, does not run the encoder, or does not agree.
    """
    wish = device.backend
    if wish == "openvino" and (why := OpenVino().why_not(device)):
        raise SettingsError(why)
    names = _candidates(device)
    plain = dataclasses.replace(device, backend="torch")
    if names == ("torch",) and device.dtype == torch.float32:
        return plain
    key = _key(device, identity, names)
    measured = remembered(key)
    if measured is None:
        if px < WORTH_PX and wish != "openvino":
            return plain
        measured = compare(network, probe(), device, names, finish, cancel)
        remember(key, measured)
    usable = [each for each in measured if each.agrees]
    if not usable:
        name = SHOWN.get(wish, wish)
        raise SettingsError(
            f"{name} cannot be used for this encoder here: it {measured[-1].verdict}; "
            "use --backend torch."
        )
    best = min(usable, key=lambda each: each.seconds(px))
    return dataclasses.replace(
        device,
        backend=best.backend,
        dtype=_DTYPES[best.arithmetic],
        name=device.name if best.backend == "torch" else f"{device.name}, {SHOWN[best.backend]}",
        why=reason(best, measured, px),
    )


def reason(best: Measured, measured: Sequence[Measured], px: int) -> str:
    """Say in one sentence why a backend is used."""
    others = [each for each in measured if each is not best]
    told = [
        f"{SHOWN[each.backend]} {each.arithmetic} "
        + (each.verdict or f"would take {each.seconds(px):.3g} s")
        for each in others
    ]
    took = f"about {best.seconds(px):.3g} s for this"
    return f"{SHOWN[best.backend]} {best.arithmetic}: {took}" + "".join(f"; {t}" for t in told)


def _candidates(device: Device) -> tuple[str, ...]:
    if device.backend != "auto":
        return (device.backend,)
    return ("torch",) if OpenVino().why_not(device) else ("torch", "openvino")


def _key(device: Device, identity: str, names: tuple[str, ...]) -> str:
    facts = (FORMAT, processor(), cores(), device.torch.type, device.arithmetic, names, identity)
    libraries = tuple(installed(each) for each in ("torch", "openvino"))
    return hashlib.sha256(repr((*facts, *libraries, AGREES)).encode()).hexdigest()


def processor() -> str:
    """Return the processor's name."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def installed(package: str) -> str:
    """Return a package's version; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def remembered(key: str) -> tuple[Measured, ...] | None:
    """Return what was measured under a key, or None."""
    if key not in _known:
        entry = _kept().get(key)
        with suppress(TypeError, ValueError):
            if entry is not None:
                _known[key] = tuple(Measured(**each) for each in entry)
    return _known.get(key)


def remember(key: str, measured: tuple[Measured, ...]) -> None:
    """Keep what was measured, the newest of it."""
    _known[key] = measured
    folder = cache_folder()
    if folder is None:
        return
    kept = {**_kept(), key: [dataclasses.asdict(each) for each in measured]}
    newest = dict(list(kept.items())[-MOST_KEPT:])
    with suppress(OSError, OutputError):  # what cannot be kept is measured again
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(folder / FILE) as temporary:
            temporary.write_text(json.dumps(newest, indent=1), encoding="utf-8")


def _kept() -> dict[str, Any]:
    folder = cache_folder()
    with suppress(OSError, ValueError):
        if folder is not None:
            found = json.loads((folder / FILE).read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return found
    return {}
