"""Features of a frozen encoder, computed once for the same tissue, encoder and field: a folder."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import OutputError
from ..files import atomic_file
from ..model.image_encoder import ImageEncoder
from ..slides import Slide
from .device import Device

FOLDER = "NAPARI_MCLSTEXP_CACHE"  # environment variable that names another folder; "" turns it off
MOST_BYTES = 4 * 2**30
KEY = re.compile(r"[0-9a-f]{64}")  # the folder may hold other arrays, of the person who named it
CHECKSUM = 32  # bytes of SHA-256 behind the array, which numpy does not look at
PROBES, PROBE_BYTES = 64, 2**16


def cached_features(
    slide: Slide,
    xy: NDArray[np.float64],
    encoder: ImageEncoder,
    *,
    patch_px: int,
    um_per_px: float,
    device: Device,
    compute: Callable[[], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return the features kept for exactly this content, or compute and keep them.

    Parameters
    ----------
    slide, xy, encoder, patch_px, um_per_px, device
        All that decides what the features are; see `image_features`.
    compute
        Called if they are not there.

    Raises
    ------
    SlideError
        If the slide was changed or replaced meanwhile.
    """
    folder = cache_folder()
    if folder is None:
        return compute()
    path = folder / f"{_key(slide, xy, encoder, patch_px, um_per_px, device)}.npy"
    kept = kept_features(path, (len(xy), encoder.n_features))
    if kept is not None:
        with suppress(OSError):
            path.touch()  # used lately
        return kept
    features = compute()
    slide.check_unchanged()
    # A cache that cannot be written only costs time.
    with suppress(OSError, OutputError):
        folder.mkdir(parents=True, exist_ok=True)
        keep_features(path, features)
        _forget_the_oldest(folder)
    return features


def keep_features(path: Path, features: NDArray[Any]) -> None:
    """Write features and their checksum into a file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    content = io.BytesIO()
    np.save(content, features, allow_pickle=False)
    array = content.getbuffer()
    with atomic_file(path) as temporary, temporary.open("wb") as file:
        file.write(array)
        file.write(hashlib.sha256(array).digest())


def kept_features(path: Path, shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Return the features in a file, None if it is not whole, or of another type or shape."""
    with suppress(OSError, ValueError, EOFError, MemoryError):
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        content = memoryview(path.read_bytes())
        array, checksum = content[:-CHECKSUM], content[-CHECKSUM:]
        if hashlib.sha256(array).digest() != checksum:
            return None
        kept = np.load(io.BytesIO(array), allow_pickle=False)
        if kept.shape == shape and kept.dtype == np.float32:
            return np.asarray(kept, dtype=np.float32)
    return None


def encoder_digest(encoder: ImageEncoder) -> str:
    """Return a checksum of all that an encoder is: backbone, statistics, views, weights."""
    digest = hashlib.sha256(encoder.config.model_dump_json().encode())
    for name, value in encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _key(
    slide: Slide,
    xy: NDArray[np.float64],
    encoder: ImageEncoder,
    patch_px: int,
    um_per_px: float,
    device: Device,
) -> str:
    facts = (
        *(1, slide.fingerprint(), file_probe(slide.path), slide.um_per_px, patch_px, um_per_px),
        *(encoder_digest(encoder), *arithmetic_of(device)),
    )
    digest = hashlib.sha256(repr(facts).encode())
    digest.update(np.ascontiguousarray(xy, dtype=np.float64).tobytes())
    return digest.hexdigest()


def arithmetic_of(device: Device) -> tuple[object, ...]:
    """Return what decides the last digits of features: the backend is part of it.

    Backends agree within a tolerance that no result depends on. They are kept apart nevertheless:
    what a command writes shall not depend on what was computed before it.
    """
    backend = () if device.backend in ("torch", "auto") else (device.backend,)
    return (device.torch.type, device.dtype, *backend)


def file_probe(path: Path) -> str:
    """Return a checksum of a file's size and of pieces all over it: gigabytes are not read."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        for start in np.linspace(0, max(0, size - PROBE_BYTES), PROBES).astype(int):
            file.seek(int(start))
            digest.update(file.read(PROBE_BYTES))
    return digest.hexdigest()


def cache_folder() -> Path | None:
    """Return the folder that features are kept in, or None where a person turned that off."""
    named = os.environ.get(FOLDER)
    if named is not None:
        return Path(named) if named else None
    from platformdirs import user_cache_path

    return user_cache_path("napari-mclstexp", appauthor=False) / "features"


def _forget_the_oldest(folder: Path) -> None:
    own = (each for each in folder.glob("*.npy") if KEY.fullmatch(each.stem))
    files = sorted(own, key=lambda each: each.stat().st_mtime, reverse=True)
    kept = 0
    for each in files:
        kept += each.stat().st_size
        if kept > MOST_BYTES:
            each.unlink(missing_ok=True)
