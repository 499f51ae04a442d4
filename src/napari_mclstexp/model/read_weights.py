"""Tensors out of files, whose headers, sizes and values are checked before anything is built."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ModelError
from ..reading import check_file, guarded
from ..reading.hdf5_checks import check_unpacked

if TYPE_CHECKING:
    from torch import Tensor

    from .config import ModelConfig

SAFETENSORS = "a safetensors file of weights"
_LARGEST_HEADER = 100 * 2**20  # as safetensors itself has it
_SIZE = 8  # bytes that say how long the header is

Shapes = dict[str, tuple[int, ...]]


def safetensors_shapes(path: Path) -> Shapes:
    """Return the shapes of the tensors in a .safetensors file, read from its header alone.

    Raises
    ------
    ModelError
        If it is missing, or its header is damaged.
    """
    size = check_file(path, SAFETENSORS, ModelError).st_size
    with guarded(path, SAFETENSORS, ModelError):
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_SIZE), "little")
            if not 2 <= length <= min(_LARGEST_HEADER, size - _SIZE):
                raise ValueError(f"its header has {length:,} bytes")
            header: Any = json.loads(file.read(length))
        return {
            str(name): tuple(int(side) for side in about["shape"])
            for name, about in header.items()
            if name != "__metadata__"
        }


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file.

    Raises
    ------
    ModelError
        If it is missing or damaged, or a value is not finite.
    """
    from safetensors.torch import load_file

    safetensors_shapes(path)
    with guarded(path, SAFETENSORS, ModelError):
        state: dict[str, Tensor] = dict(load_file(path))
    check_finite(state, path)
    return state


def load_pickled(path: Path) -> Any:
    """Return what a .pth or .pt file holds, without running any code that it may carry.

    Raises
    ------
    ModelError
        If it is missing or damaged, or holds more than plain values.
    """
    import pickle
    import zipfile

    import torch

    what = "a file of plain tensors (.safetensors, or a .pth of a state dict and nothing else)"
    size = check_file(path, what, ModelError).st_size
    with guarded(path, what, ModelError, quiet=True):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as file:
                check_unpacked(
                    path, what, ModelError, sum(i.file_size for i in file.filelist), size
                )
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            raise ValueError("it holds more than tensors, or is cut short") from error


def check_finite(state: dict[str, Tensor], path: Path) -> None:
    """Make sure that all values of tensors are numbers.

    Raises
    ------
    ModelError
        Naming the first tensor with one that is not.
    """
    import torch

    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(
                f"{path}: the tensor {name[:100]} holds values that are no numbers (NaN or "
                "infinite), so nothing can be computed with it; get the file anew."
            )


def check_size(shapes: Shapes, config: ModelConfig, path: Path) -> None:
    """Make sure, before a network is built, that weights are as many as its configuration says.

    Raises
    ------
    ModelError
        If a configuration asks for more layers, heads, genes or positions than were stored.
    """
    if config.head == "linear":
        return
    wanted = _spot_encoder(config)
    for name, shape in wanted.items():
        if shapes.get(name) != shape:
            found = shapes.get(name, "none")
            raise ModelError(
                f"{path} does not fit config.json: {name} must be of shape {shape} and is {found}; "
                "get the model folder anew."
            )
    layers = {name.split(".")[1] for name in shapes if name.startswith("spot_encoder.")}
    if len(layers) != config.layers:
        raise ModelError(
            f"{path} does not fit config.json: it holds {len(layers):,} layers of the spot encoder "
            f"and {config.layers:,} are announced; get the model folder anew."
        )
    stored = sum(math.prod(shape) for shape in shapes.values())
    check_unpacked(path, "a model's weights", ModelError, 4 * stored, path.stat().st_size)


def _spot_encoder(config: ModelConfig) -> Shapes:
    genes, inner = len(config.genes), config.heads * config.head_dim
    wanted: Shapes = {
        "x_embed.weight": (config.positions.n_cols, genes),
        "y_embed.weight": (config.positions.n_rows, genes),
        "spot_projection.projection.weight": (config.projection_dim, genes),
    }
    if config.layers:
        wanted["spot_encoder.0.attn.fn.to_qkv.weight"] = (3 * inner, genes)
    return wanted
