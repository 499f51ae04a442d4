"""What training works on: the sections' expression, positions, and patches or features."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ..cohort.section import Section
from ..errors import SettingsError
from ..inference.device import Device
from ..inference.image_features import image_features
from ..inference.patches import field_scale, reading_order, stream_patches
from ..model import Bank, MclSTExp, ModelConfig
from ..model.normalisation import measured_expression
from ..progress import CancelToken, Progress, ProgressCallback
from ..slides import Slide
from ..spots.schema import positions
from .sequences import neighbour_sequences, random_sequences
from .spot_positions import spot_positions

IN_MEMORY = 6 * 2**30  # bytes of patches kept; more asks for a frozen encoder or smaller patches
THUMBNAIL_PX = 48


@dataclass(eq=False)
class TrainingSection:
    """One section, ready to be trained on.

    Attributes
    ----------
    section
        Where it is from.
    expression
        (n, G) in the model's unit.
    rows, cols
        (n,) positions, of the kind that the model learns.
    patches
        (n, H, W, 3) uint8; only when the encoder learns.
    features
        (n, F) of patches, when the encoder is frozen; or codes of a feature map.
    map_features
        (n, F) of a feature map, before they are projected to codes.
    looks, tissue_looks
        (n, C) and (m, C) what the map shows around the spots, and all over the tissue; see
        `inference.section_looks`.
    """

    section: Section
    expression: Tensor
    rows: Tensor
    cols: Tensor
    patches: NDArray[np.uint8] | None = None
    features: Tensor | None = None
    map_features: NDArray[np.float32] | None = None
    looks: NDArray[np.float32] | None = None
    tissue_looks: NDArray[np.float32] | None = None


def looks_of(training_sections: Sequence[TrainingSection]) -> NDArray[np.float32] | None:
    """Return (N, C) what the tissue around the spots of all sections looks like, if it is known."""
    looks = [each.looks for each in training_sections if each.looks is not None]
    return np.concatenate(looks) if len(looks) == len(training_sections) else None


class SpotPool:
    """The spots of all sections as one numbered set; rows of it are what sequences are made of.

    Parameters
    ----------
    training_sections
        The sections, in the order of their rows.
    """

    def __init__(self, training_sections: Sequence[TrainingSection]) -> None:
        self.training_sections = tuple(training_sections)
        self.expression = torch.cat([each.expression for each in training_sections])
        self.rows = torch.cat([each.rows for each in training_sections])
        self.cols = torch.cat([each.cols for each in training_sections])
        self.starts = np.cumsum([0, *(len(each.expression) for each in training_sections)])
        ends = zip(self.starts[:-1], self.starts[1:], strict=True)
        self.groups = [np.arange(start, stop) for start, stop in ends]
        self.xy = np.concatenate([positions(each.section.spots) for each in training_sections])
        frozen = all(each.features is not None for each in training_sections)
        self.features = (
            torch.cat([each.features for each in training_sections if each.features is not None])
            if frozen
            else None
        )
        self._cuts: dict[int, list[NDArray[np.int64]]] = {}  # by length; every epoch asks for them

    @classmethod
    def of_bank(cls, bank: Bank) -> SpotPool:
        """Return a bank's spots, of which only the expression side is known."""
        pool = cls.__new__(cls)
        pool.training_sections = ()
        pool.expression = torch.from_numpy(bank.expression)
        pool.rows, pool.cols = torch.from_numpy(bank.array_row), torch.from_numpy(bank.array_col)
        pool.features = None
        pool.groups = [np.flatnonzero(bank.section == name) for name in bank.sections]
        pool.xy = bank.xy
        pool._cuts = {}
        return pool

    def __len__(self) -> int:
        return len(self.expression)

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the (b, H, W, 3) patches of some rows."""
        section = np.searchsorted(self.starts, rows, side="right") - 1
        out = []
        for row, at in zip(rows, section, strict=True):
            patches = self.training_sections[at].patches
            assert patches is not None
            out.append(patches[row - self.starts[at]])
        return np.stack(out)

    def sequences(
        self, config: ModelConfig, random: np.random.Generator, *, bank: bool = False
    ) -> list[NDArray[np.int64]]:
        """Cut all rows into sequences by the model's rule.

        Parameters
        ----------
        config
            Says the rule and the lengths.
        random
            Read by the rule ``"random"`` only.
        bank
            Whether the bank is built, where sequences may be of another length.
        """
        length = (config.bank_sequence_length if bank else None) or config.sequence_length
        if config.sequence_rule == "random":
            return random_sequences(len(self), length, random)
        if length not in self._cuts:
            self._cuts[length] = [
                rows[part]
                for rows in self.groups
                for part in neighbour_sequences(self.xy[rows], length)
            ]
        return self._cuts[length]


def prepare(
    sections: Sequence[Section], config: ModelConfig, *, to_score: bool = False
) -> list[TrainingSection]:
    """Normalise the counts of the listed genes.

    Parameters
    ----------
    sections, config
        With counts; the model's genes and normalisation.
    to_score
        The sections are only compared with: genes that they lack are NaN instead of an error.

    Raises
    ------
    SettingsError
        If a section has no counts, or lacks genes of the list.
    """
    prepared = []
    for section in sections:
        if not section.spots.n_vars:
            raise SettingsError(
                f"The section {section.name} has no counts, so nothing can be learned from it; "
                "give its counts or leave it out."
            )
        missing = [gene for gene in config.genes if gene not in section.spots.var_names]
        if missing and not to_score:
            raise SettingsError(
                f"The section {section.name} has no counts of {len(missing):,} of the "
                f"{len(config.genes):,} listed genes, {missing[0]} the first; "
                "take them off the list or leave the section out."
            )
        expression = measured_expression(section.spots, config.genes, config.normalisation)
        rows, cols = spot_positions(section, config.positions)
        prepared.append(
            TrainingSection(
                section,
                torch.from_numpy(expression),
                torch.from_numpy(rows),
                torch.from_numpy(cols),
            )
        )
    return prepared


def add_features(
    training_sections: Sequence[TrainingSection],
    module: MclSTExp,
    config: ModelConfig,
    device: Device,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    """Compute the frozen encoder's features of every spot, once."""
    total = sum(each.section.spots.n_obs for each in training_sections)
    before = 0
    for each in training_sections:
        with each.section.open() as slide:
            features = image_features(
                slide,
                positions(each.section.spots),
                module.image_encoder,
                patch_px=config.patch_px,
                um_per_px=field_scale(slide, config),
                device=device,
                progress=_shifted(progress, before, total, f"Features of {each.section.name}"),
                cancel=cancel,
            )
        each.features = torch.from_numpy(features)
        before += each.section.spots.n_obs


def add_patches(
    training_sections: Sequence[TrainingSection],
    config: ModelConfig,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> None:
    """Read the patches of every spot into memory, for an encoder that learns.

    Raises
    ------
    SettingsError
        If they are too many to keep.
    """
    total = sum(each.section.spots.n_obs for each in training_sections)
    if total * config.patch_px**2 * 3 > IN_MEMORY:
        raise SettingsError(
            f"The {total:,} patches of {config.patch_px} px need "
            f"{total * config.patch_px**2 * 3 / 2**30:.1f} GiB of memory and "
            f"{IN_MEMORY / 2**30:.0f} GiB are allowed; freeze the encoder (--freeze-encoder), "
            "use smaller patches (--patch-px) or fewer sections."
        )
    before = 0
    for each in training_sections:
        report = _shifted(progress, before, total, f"Patches of {each.section.name}")
        with each.section.open() as slide:
            scale = field_scale(slide, config)
            each.patches = _read_all(slide, each.section, config.patch_px, scale, report, cancel)
        before += each.section.spots.n_obs


def thumbnails(
    prepared: TrainingSection, config: ModelConfig, cancel: CancelToken
) -> tuple[bytes, ...]:
    """Return a small JPEG of each spot's patch, for the bank."""
    patches = prepared.patches
    if patches is None:
        with prepared.section.open() as slide:
            um_per_px = config.patch_px * field_scale(slide, config) / THUMBNAIL_PX
            patches = _read_all(slide, prepared.section, THUMBNAIL_PX, um_per_px, None, cancel)
    pictures = []
    for pixels in patches:
        picture = Image.fromarray(pixels)
        picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=80)
        pictures.append(buffer.getvalue())
    return tuple(pictures)


def _read_all(
    slide: Slide,
    section: Section,
    patch_px: int,
    um_per_px: float,
    progress: ProgressCallback | None,
    cancel: CancelToken,
) -> NDArray[np.uint8]:
    xy = positions(section.spots)
    order = reading_order(xy)
    patches = np.empty((len(xy), patch_px, patch_px, 3), dtype=np.uint8)
    for rows, pixels in stream_patches(
        slide,
        xy[order],
        patch_px=patch_px,
        um_per_px=um_per_px,
        batch_size=64,
        cancel=cancel,
    ):
        patches[order[rows]] = pixels
        if progress is not None:
            progress(Progress(rows.stop, len(xy), "Reading patches"))
    return patches


def _shifted(
    progress: ProgressCallback | None, before: int, total: int, what: str
) -> ProgressCallback | None:
    """Report a part's progress as part of the whole."""
    if progress is None:
        return None
    return lambda event: progress(Progress(before + event.done, total, what))
