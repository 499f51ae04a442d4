"""What is read from one batch of spots: by retrieval, by the linear head, or by both."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..model import Model
from ..model.intervals import ExpectedErrors, samples
from ..model.retrieval import Nearest, Retriever
from ..model.section_level import on_own_level
from ..model.smoother import Smoother
from .device import Device

Values = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Reading:
    """What a head says of n spots and G genes.

    Attributes
    ----------
    expression, spread
        (n, G) values, and how far they may be off: the standard deviation among the retrieved
        reference spots, or of the errors on sections left out.
    similarity, distance
        (n,) mean cosine similarity to the nearest reference spots, and distance to the nearest.
    projected
        (n, D) where the spots lie among the reference spots.
    codes, programs
        (n, q) codes and (n, R) scores of the programs, where slides are read by a feature map.
    leverage
        (n,) how far outside the reference spots their features lie.
    lower, upper
        (n, G) ends of each value's interval, where there is one.
    colours
        (n, 3) mean red, green and blue around each spot, 0 to 1.
    """

    expression: Values
    spread: Values
    similarity: Values
    distance: Values
    projected: Values
    codes: Values | None = None
    programs: Values | None = None
    leverage: NDArray[np.float64] | None = None
    lower: Values | None = None
    upper: Values | None = None
    colours: NDArray[np.float64] | None = None


class Gathered:
    """The readings of batches, put together in the order of the spots."""

    def __init__(self, n_spots: int) -> None:
        self._n, self._parts = n_spots, dict[str, NDArray[Any]]()

    def add(self, rows: NDArray[np.int64], reading: Reading) -> None:
        """Add what was read of some rows."""
        for field in fields(Reading):
            values = getattr(reading, field.name)
            if values is None:
                continue
            if field.name not in self._parts:
                shape = (self._n, *values.shape[1:])
                self._parts[field.name] = np.empty(shape, dtype=values.dtype)
            self._parts[field.name][rows] = values

    def reading(self) -> Reading:
        """Return all of it."""
        return Reading(**self._parts)


class RetrievalHead:
    """Expression of the nearest reference spots (paper section 2.5).

    Parameters
    ----------
    model, columns, device
        The model, which genes of it, and where to compute.
    """

    def __init__(self, model: Model, columns: NDArray[np.int64], device: Device) -> None:
        self._where = device.torch
        self._projection = copy.deepcopy(model.module.image_projection).to(device.torch).eval()
        values = model.bank.expression
        if not np.array_equal(columns, np.arange(values.shape[1])):  # a large bank is not copied
            values = values[:, columns]
        self._read = Retriever(
            torch.from_numpy(model.bank.embedding).to(device.torch),
            np.ascontiguousarray(values),
            k=model.config.retrieval.k,
            distance=model.config.retrieval.distance,
        )

    def __call__(self, features: torch.Tensor) -> Reading:
        """Read (n, F) features of patches, or codes."""
        with torch.inference_mode():
            query = self._projection(features.to(self._where))
            found = self._read(query)
        return Reading(
            found.expression,
            found.spread,
            found.similarity,
            found.distance,
            query.cpu().numpy(),
        )


class MapHead:
    """Expression from codes: the linear head's, or blended with what is retrieved.

    Parameters
    ----------
    model, columns, device
        The model, which reads slides by a feature map; which genes of it; where to compute.
    interval
        Share of measured values that the intervals shall hold.
    looks
        (m, C) what the slide's tissue looks like, where it is known: tells the slide's level.
    """

    def __init__(
        self,
        model: Model,
        columns: NDArray[np.int64],
        device: Device,
        interval: float,
        looks: Values | None = None,
    ) -> None:
        assert model.linear is not None
        bank, fitted = model.bank, model.linear.head
        self._head, relative = on_own_level(fitted, looks, bank.looks, bank.expression)
        self._model = model
        self._columns, self._interval, self._device = columns, interval, device
        self._smoother = Smoother(fitted, bank.linear_codes)
        self._errors = ExpectedErrors(model.linear.held_out, columns, relative[columns])
        self._near: Nearest | RetrievalHead
        if model.config.head == "linear":
            known = torch.from_numpy(model.bank.embedding).to(device.torch)
            self._near = Nearest(known, model.config.retrieval.k)
        else:
            self._near = RetrievalHead(model, columns, device)

    @property
    def level(self) -> NDArray[np.float64]:
        """The (G,) level of the slide's genes, from which values differ."""
        return self._head.mean[self._columns]

    def __call__(self, codes: Values, beyond: NDArray[np.float64]) -> Reading:
        """Read (n, q) codes, and (n,) squared lengths of what the axes leave out."""
        head = self._head
        expression = head.predict(codes, self._columns).astype(np.float32)
        leverage = self._smoother.leverage(codes, beyond)
        spread = self._errors.spread(leverage)
        programs = head.program_scores(codes).astype(np.float32)
        query = torch.from_numpy(codes).to(self._device.torch)
        if isinstance(self._near, Nearest):
            reading = Reading(expression, spread, *self._near(query), codes)
        else:
            reading = self._near(query)
            if self._model.config.head == "blend":
                expression = np.float32(0.5) * (expression + reading.expression)
                reading = replace(reading, expression=expression, spread=spread)
        reading = replace(reading, codes=codes, programs=programs, leverage=leverage)
        if self._model.config.head == "contrastive":  # whose errors are not known
            return reading
        lower, upper = self._errors.interval(expression, leverage, self._interval)
        return replace(reading, lower=lower, upper=upper)


def draw_samples(
    model: Model, reading: Reading, columns: NDArray[np.int64], n: int, seed: int
) -> Iterator[Values]:
    """Yield (n_spots, G) plausible maps around what a linear head read."""
    assert model.linear is not None
    assert reading.leverage is not None
    assert reading.programs is not None
    head, bank = model.linear.head, model.bank
    return samples(
        reading.expression,
        model.linear.held_out,
        reading.leverage,
        scores=reading.programs,
        bank_scores=head.program_scores(bank.linear_codes),
        bank_sections=bank.section,
        n=n,
        seed=seed,
        columns=columns,
    )
