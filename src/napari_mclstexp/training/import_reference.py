"""A checkpoint of the authors' published code as a model folder of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor

from ..cohort.section import Section
from ..errors import ModelError, SettingsError
from ..inference.device import pick_device
from ..model import EncoderConfig, MclSTExp, Model, ModelConfig, PositionsConfig, RetrievalConfig
from ..model.backbones import DENSENET_UNRECTIFIED, read_tensors
from ..progress import CancelToken
from .build_bank import build_bank
from .data import prepare
from .initialise import array_size, median_scale, platform_of
from .presets import PRESETS

TABLES = ("x_embed.weight", "y_embed.weight")
VISIUM_NOTE = (
    "The authors' Visium script trains on pixel coordinates and pixel values of 0 to 255 where "
    "their legacy ST ones take array positions and 0 to 1, as here; a checkpoint of that script "
    "predicts wrongly."
)
Verdict = Literal["ok", "cut to the array", "missing", "wrong shape", "not used"]


@dataclass(frozen=True)
class KeyTable:
    """What became of every tensor.

    Attributes
    ----------
    rows
        Name, shape in the file, shape needed, and the verdict.
    """

    rows: tuple[tuple[str, str, str, Verdict], ...]

    @property
    def wrong(self) -> tuple[tuple[str, str, str, Verdict], ...]:
        """The rows for which the checkpoint cannot be used."""
        return tuple(row for row in self.rows if row[3] in ("missing", "wrong shape"))

    def as_table(self, *, all_rows: bool = False) -> str:
        """Return the rows that are not simply right as aligned text, or all of them."""
        shown = [row for row in self.rows if all_rows or row[3] != "ok"]
        lines = [("tensor", "in the file", "needed", ""), *shown]
        widths = [max(len(line[i]) for line in lines) for i in range(3)]
        return "\n".join(
            "  ".join([*(c.ljust(w) for c, w in zip(line, widths, strict=False)), line[3]])
            for line in lines
        )


class CheckpointError(ModelError):
    """A checkpoint that lacks tensors; `table` says which."""

    def __init__(self, file: Path, table: KeyTable) -> None:
        super().__init__(
            f"{file} is no checkpoint of mclSTExp with DenseNet-121: {len(table.wrong)} tensors "
            f"are missing or of another shape, {table.wrong[0][0]} the first."
        )
        self.table = table


def import_checkpoint(
    file: Path,
    sections: Sequence[Section],
    genes: Sequence[str],
    *,
    name: str = "",
    patch_px: int = 224,
    device: str = "auto",
    cancel: CancelToken | None = None,
) -> tuple[Model, KeyTable]:
    """Build a model from a state dict of the reference implementation, with a bank of sections.

    Nothing but tensors is read from the file: code that it may carry does not run.

    Parameters
    ----------
    file
        ``.pt``, ``.pth`` or ``.safetensors``; keys may have DataParallel's ``module.`` before them.
    sections
        With counts; their spots become the bank.
    genes
        In the order in which the checkpoint was trained.
    name
        Of the model; the file's by default.
    patch_px
        Side of the patches it was trained on, at each slide's own scale.
    device, cancel
        Where the bank is computed, and what ends it.

    Returns
    -------
    The model, not saved yet, and what became of every tensor.

    Raises
    ------
    ModelError
        If the file is no such checkpoint; a `CheckpointError` has the table of what is wrong.
    SettingsError
        If sections lack genes or counts, or a gene stands twice in the list.
    """
    repeated = sorted({gene for gene in genes if list(genes).count(gene) > 1})
    if repeated:
        raise SettingsError(
            f"The gene {repeated[0]} stands more than once in the gene list; give the list of the "
            "checkpoint's training, where every gene stands once."
        )
    # Spots were called wells in earlier versions of the authors' code.
    state = {
        key.removeprefix("module.").replace("well", "spot"): value
        for key, value in read_tensors(file).items()
    }
    _same_genes(file, state, genes)
    config = _config(file, state, sections, genes, name, patch_px)
    module = MclSTExp(config)
    table, fitting = _match(state, module.state_dict())
    if table.wrong:
        raise CheckpointError(file, table)
    module.load_state_dict(fitting)
    where = pick_device(device)
    module.to(where.torch).eval()
    training_sections = prepare(sections, config)
    bank = build_bank(module, training_sections, config, where, cancel or CancelToken())
    return Model(config, module.cpu(), bank), table


def _same_genes(file: Path, state: Mapping[str, Tensor], genes: Sequence[str]) -> None:
    for table in TABLES:
        if table not in state:
            raise ModelError(
                f"{file} has no tensor {table}, so it is no checkpoint of mclSTExp; give the state "
                "dict that its training script saves."
            )
    found = state[TABLES[0]].shape[-1]
    if found != len(genes):
        raise ModelError(
            f"{file} was trained on {found:,} genes and the list has {len(genes):,}; give the list "
            "of its training, in the same order."
        )


def _config(
    file: Path,
    state: Mapping[str, Tensor],
    sections: Sequence[Section],
    genes: Sequence[str],
    name: str,
    patch_px: int,
) -> ModelConfig:
    reference = PRESETS["reference"]
    layers = {int(m[1]) for m in (re.match(r"spot_encoder\.(\d+)\.", key) for key in state) if m}
    qkv = state.get("spot_encoder.0.attn.fn.to_qkv.weight")
    inner = 512 if qkv is None else qkv.shape[0] // 3
    fc = state.get("spot_projection.fc.weight")
    rows, cols = array_size(sections)
    platform = platform_of(sections)
    visium = f" {VISIUM_NOTE}" if "visium" in (platform or "") else ""
    return ModelConfig(
        name=name or file.stem,
        genes=tuple(genes),
        normalisation=reference["normalisation"],
        patch_px=patch_px,
        um_per_px=median_scale(sections),
        patch_scale=reference["patch_scale"],
        encoder=EncoderConfig(name=DENSENET_UNRECTIFIED, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        positions=PositionsConfig(
            n_rows=min(rows, state[TABLES[1]].shape[0]), n_cols=min(cols, state[TABLES[0]].shape[0])
        ),
        projection_dim=256 if fc is None else fc.shape[0],
        heads=max(1, inner // 64),
        layers=len(layers),
        retrieval=RetrievalConfig(k=200, distance=reference["distance"]),
        sequence_rule=reference["sequence_rule"],
        bank_sequence_length=reference["bank_sequence_length"],
        preset="reference",
        trained_on=(),
        platform=platform,
        description=f"Imported from {file.name}, a checkpoint of the authors' code; its bank is "
        f"{', '.join(each.name for each in sections)}, its position tables are cut to the array."
        f"{visium}",
    )


def _match(
    state: Mapping[str, Tensor], needed: Mapping[str, Tensor]
) -> tuple[KeyTable, dict[str, Tensor]]:
    rows: list[tuple[str, str, str, Verdict]] = []
    fitting: dict[str, Tensor] = {}
    for key, wanted in needed.items():
        value = state.get(key)
        verdict: Verdict = "ok"
        if value is None and key.endswith("num_batches_tracked"):
            fitting[key] = wanted
            continue
        if value is None:
            verdict = "missing"
        elif value.shape == wanted.shape:
            fitting[key] = value.to(wanted.dtype)
        elif key in TABLES and value.shape[1:] == wanted.shape[1:] and len(value) >= len(wanted):
            fitting[key] = value[: len(wanted)].clone()
            verdict = "cut to the array"
        else:
            verdict = "wrong shape"
        rows.append((key, _shape(value), _shape(wanted), verdict))
    rows += [(key, _shape(state[key]), "", "not used") for key in state if key not in needed]
    return KeyTable(tuple(rows)), fitting


def _shape(value: Tensor | None) -> str:
    return "" if value is None else "x".join(map(str, value.shape)) or "1"
