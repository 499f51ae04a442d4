"""Where training stands after an epoch, as plain tensors in one file that appears whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ..errors import SettingsError
from ..files import atomic_file
from .settings import TrainSettings

RANDOM_STATE = "random_state"


def save_checkpoint(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, epoch: int, run: str
) -> None:
    """Write weights, optimiser and random state after `epoch` epochs of the run `run`.

    Raises
    ------
    OutputError
        If it cannot be written there.
    """
    tensors = {f"module.{name}": _plain(value) for name, value in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for name, value in state.items():
            tensors[f"optimizer.{index}.{name}"] = _plain(torch.as_tensor(value))
    tensors[RANDOM_STATE] = torch.get_rng_state()
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(tensors, metadata={"epoch": str(epoch), "run": run}))


def load_checkpoint(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, run: str
) -> int:
    """Put everything back as `save_checkpoint` found it; return how many epochs were done.

    Raises
    ------
    SettingsError
        If the file is damaged or belongs to a run with other sections or settings.
    """
    try:
        with safe_open(path, framework="pt") as file:
            facts = file.metadata()
            tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise SettingsError(
            f"The checkpoint {path} is damaged ({error}); remove it to train from the start."
        ) from error
    if not facts or facts.get("run") != run:
        raise SettingsError(
            f"The checkpoint {path} belongs to a run with other sections or settings; remove it to "
            "train from the start, or repeat the command that made it."
        )
    module.load_state_dict(
        {k.removeprefix("module."): v for k, v in tensors.items() if k.startswith("module.")}
    )
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimizer."):
            _, index, name = key.split(".", 2)
            state.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    torch.set_rng_state(tensors[RANDOM_STATE])
    return int(facts["epoch"])


def _plain(value: Tensor) -> Tensor:
    """Return a copy in the plain order of memory, the only one that safetensors keeps."""
    return value.detach().cpu().contiguous().clone()


def run_name(settings: TrainSettings, sections: list[tuple[str, int]]) -> str:
    """Return a checksum of all that decides how a run goes: settings and sections."""
    values = {key: str(value) for key, value in asdict(settings).items()}
    text = json.dumps([values, sections], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
