"""Rows of the ablation that read expression linearly; solved by the program's own functions.

Only products of spots' features are needed of each group, so a choice of groups costs a sum.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from ablation_data import NAMES, WIDER, WIDTHS, Floats, Group, Material, Reader, Source
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import rankdata

from napari_mclstexp.model.linear_head import LEAST_STD
from napari_mclstexp.training.choose_rank import choose_rank
from napari_mclstexp.training.fit_linear_head import AXES
from napari_mclstexp.training.inner_folds import InnerFold, InnerFolds
from napari_mclstexp.training.section_sums import RidgeSolver, SectionSums, section_sums

Doubles = NDArray[np.float64]
Kind = str
FULL = 10_000  # as many programs as there can be
NEIGHBOURS = 6


@dataclass(frozen=True)
class Features:
    """Which groups of features a row reads, and how each section's are made relative.

    Attributes
    ----------
    use
        Whether a group is read.
    kind
        ``"relative"`` to the section (the program), ``"absolute"`` (relative to all learned
        sections together), ``"ranks"`` of each feature in its section, ``"means"`` without
        standard deviations, or ``"neighbours"``: the largest of the nearest spots beside the rest.
    weight
        Of a group among the others.
    sources
        Which of the material's sources are joined.
    """

    use: Callable[[Group], bool] = lambda group: group[0] != WIDER
    kind: Kind = "relative"
    weight: Callable[[Group], float] = lambda group: 1.0
    sources: tuple[str, ...] = ("densenet",)


@dataclass(frozen=True)
class Fit:
    """How a row's targets are made and read.

    Attributes
    ----------
    ranks, penalties
        Fixed, or None to choose as the program does.
    target
        ``"standard"`` (the program), ``"centred"`` only, or ``"residuals"``.
    power
        Of a gene's pooled deviation, by which it weighs more before the rank is cut.
    reliable
        Power of a gene's reliability, likewise.
    depth
        Power of a spot's counts, by which it weighs more.
    full_share
        Of a ridge of full rank in the prediction.
    growth
        Factor of the penalty from one program to the next.
    axes
        The most principal axes.
    """

    ranks: tuple[int, ...] | None = None
    penalties: tuple[float, ...] | None = None
    target: str = "standard"
    power: float = 0.0
    reliable: float = 0.0
    depth: float = 0.0
    full_share: float = 0.0
    growth: float = 1.0
    axes: int = AXES


@dataclass(frozen=True, eq=False)
class Weighted(RidgeSolver):
    """A ridge whose genes weigh differently when the rank is cut, and whose programs shrink."""

    weights: Doubles = field(default_factory=lambda: np.ones(1))
    growth: float = 1.0

    def programs(self, penalty: float, rank: int) -> tuple[Doubles, Doubles, Doubles]:
        coefficients, loadings, share = super().programs(penalty, rank)
        if self.growth != 1:
            each = penalty * self.growth ** np.arange(len(loadings))
            solved = (self.turned @ loadings.T) / (self.values[:, None] + each)
            coefficients = self.vectors @ solved
        return coefficients, loadings / self.weights, share


class LinearRows:
    """Reads rows of the linear head from a material."""

    def __init__(self, material: Material, sources: Mapping[str, Source]) -> None:
        self.material, self.sources = material, sources
        self._kernels: dict[tuple[str, Kind, Group, tuple[str, ...]], Doubles] = {}
        sizes = [len(material.expression[name]) for name in NAMES]
        stops = np.cumsum(sizes)
        self.rows = {
            name: np.arange(stop - size, stop)
            for name, size, stop in zip(NAMES, sizes, stops, strict=True)
        }

    def reader(self, features: Features, fit: Fit) -> Reader:
        """Return a method of a row."""

        def read(learned: Sequence[str], tested: Sequence[str]) -> list[Floats]:
            codes, asked = self.codes(features, learned, tested, fit.axes)
            return [self.predict(codes, each, learned, fit) for each in asked]

        return read

    def codes(
        self,
        features: Features,
        learned: Sequence[str],
        tested: Sequence[str],
        axes: int = AXES,
    ) -> tuple[Floats, list[Floats]]:
        """Return codes of the learned spots and of each tested section, on the former's axes."""
        kernel = self._kernel(features, learned)
        rows = np.concatenate([self.rows[name] for name in learned])
        values, vectors = np.linalg.eigh(kernel[np.ix_(rows, rows)])
        kept = np.argsort(-values)[:axes]
        kept = kept[values[kept] > 1e-10 * values.max()]
        turned = vectors[:, kept] / np.sqrt(values[kept])
        codes = (vectors[:, kept] * np.sqrt(values[kept])).astype(np.float32)
        across = [kernel[np.ix_(self.rows[name], rows)] for name in tested]
        return codes, [(each @ turned).astype(np.float32) for each in across]

    def predict(self, codes: Floats, asked: Floats, learned: Sequence[str], fit: Fit) -> Floats:
        """Fit as the program does, with what a row changes, and read the asked spots."""
        sums = self._sums(codes, learned, fit)
        patients = {name: name[0] for name in learned}
        by = "patients" if len(set(patients.values())) > 1 else "sections"
        if len(learned) == 1:
            return self._one_section(codes, asked, learned[0], fit)
        groups = {name: patients[name] if by == "patients" else name for name in learned}
        folds = []
        for one in dict.fromkeys(groups.values()):
            out = tuple(sums[name] for name in learned if groups[name] == one)
            kept = [name for name in learned if groups[name] != one]
            folds.append(InnerFold(out, self._ridge(sums, kept, fit)))
        choice = choose_rank(InnerFolds(by, tuple(folds)), fit.ranks, fit.penalties)
        return self._read(self._ridge(sums, learned, fit), asked, choice.rank, choice.penalty, fit)

    def _one_section(self, codes: Floats, asked: Floats, name: str, fit: Fit) -> Floats:
        sums = self._sums(codes, [name], fit)
        rank, penalty = (fit.ranks or (3,))[0], (fit.penalties or (2.0,))[0]
        return self._read(self._ridge(sums, [name], fit), asked, rank, penalty, fit)

    def _read(self, ridge: Weighted, asked: Floats, rank: int, penalty: float, fit: Fit) -> Floats:
        rank = min(rank, *ridge.turned.shape)
        coefficients, loadings, _ = ridge.programs(penalty, rank)
        predicted = asked @ coefficients @ loadings
        if fit.full_share:
            every = ridge.vectors @ (ridge.turned / (ridge.values + penalty)[:, None])
            whole = asked @ every / ridge.weights
            predicted = (1 - fit.full_share) * predicted + fit.full_share * whole
        return predicted.astype(np.float32)

    def _sums(self, codes: Floats, learned: Sequence[str], fit: Fit) -> dict[str, SectionSums]:
        names = np.concatenate([np.full(len(self.rows[name]), name) for name in learned])
        expression = np.concatenate([self.material.expression[name] for name in learned])
        sums = section_sums(codes, expression, names)
        for name, each in sums.items():
            target, weight = each.centred, np.ones(len(each.rows))
            if fit.target == "residuals":
                target = self.material.residuals[name].astype(np.float64)
            if fit.depth:
                weight = self.material.counts[name].sum(axis=1).astype(np.float64) ** fit.depth
                weight /= weight.mean()
            target = target - np.average(target, axis=0, weights=weight)
            if fit.target != "centred":
                target = target / (target.std(axis=0) + LEAST_STD)
            weighted = each.codes.T * weight
            sums[name] = dataclasses.replace(
                each, gram=weighted @ each.codes, cross=weighted @ target
            )
        return sums

    def _ridge(self, sums: Mapping[str, SectionSums], learned: Sequence[str], fit: Fit) -> Weighted:
        parts = [sums[name] for name in learned]
        values, vectors = np.linalg.eigh(sum(each.gram for each in parts))
        n_spots = sum(len(each.rows) for each in parts)
        pooled = np.sqrt(sum(each.squares for each in parts) / n_spots) + LEAST_STD
        cross = sum(each.cross for each in parts)
        if fit.target != "centred":
            cross = cross * pooled
        weights = (pooled / pooled.mean()) ** fit.power
        if fit.reliable:
            known = np.mean([self.reliability(name) for name in learned], axis=0)
            weights = weights * np.clip(known, 0.02, 1) ** fit.reliable
        mean = np.mean([each.mean for each in parts], axis=0)
        turned = vectors.T @ (cross * weights)
        return Weighted(np.maximum(values, 0), vectors, turned, mean, weights, fit.growth)

    def reliability(self, name: str) -> Doubles:
        """Return (G,) correlation of two halves of the counts, stepped up to the whole."""
        counts = self.material.counts[name].astype(np.int64)
        random, found = np.random.default_rng(0), []
        for _ in range(4):
            half = random.binomial(counts, 0.5)
            a, b = (_log(each) for each in (half, counts - half))
            a, b = a - a.mean(0), b - b.mean(0)
            r = (a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0) + 1e-12)
            found.append(2 * r / (1 + np.abs(r)))
        return np.mean(found, axis=0)

    def _kernel(self, features: Features, learned: Sequence[str]) -> Doubles:
        total, weights = 0.0, 0.0
        for which in features.sources:
            seen = self.material.seen(self.sources[which])
            groups = [group for group in seen[NAMES[0]].relative if features.use(group)]
            if features.kind == "neighbours":
                finest = [(-WIDTHS[0], group[1]) for group in groups if group[0] == WIDTHS[0]]
                groups = [*groups, *finest]
            for group in groups:
                weight = features.weight(group)
                total = total + weight * self._of_group(which, features.kind, group, learned)
                weights += weight
        return total / weights

    def _of_group(self, which: str, kind: Kind, group: Group, learned: Sequence[str]) -> Doubles:
        known = (which, kind, group, tuple(learned) if kind == "absolute" else ())
        if known not in self._kernels:
            values = self._values(which, kind, group, learned)
            self._kernels[known] = (values @ values.T).astype(np.float64) / values.shape[1]
        return self._kernels[known]

    def _values(self, which: str, kind: Kind, group: Group, learned: Sequence[str]) -> Floats:
        seen = self.material.seen(self.sources[which])
        if kind == "absolute":
            values = {name: seen[name].absolute[group] for name in NAMES}
            known = np.concatenate([values[name] for name in learned])
            mean, spread = known.mean(axis=0), known.std(axis=0)
            spread = np.where(spread > 1e-4 * np.abs(mean) + 1e-7, spread, np.inf)
            return np.concatenate([np.clip((values[n] - mean) / spread, -8, 8) for n in NAMES])
        if group[0] < 0:  # the largest of the nearest spots
            found = []
            for name in NAMES:
                xy, own = self.material.xy[name], seen[name].relative[-group[0], group[1]]
                near = cKDTree(xy).query(xy, k=NEIGHBOURS + 1)[1]
                found.append(_standard(own[near].max(axis=1)))
            return np.concatenate(found)
        values = [seen[name].relative[group] for name in NAMES]
        if kind == "means":
            values = [each[:, : each.shape[1] // 2] for each in values]
        if kind == "ranks":
            values = [_normal_scores(each) for each in values]
        if kind == "clipped":
            values = [np.clip(each, -3, 3) for each in values]
        if kind == "spots":  # relative to the section's spots, not to its whole tissue
            values = [_standard(each) for each in values]
        return np.concatenate(values)


class NegativeBinomial:
    """Counts as they are: log mean = log size + gene in its section + a few programs of the codes.

    Fitted by Adam with an L2 penalty, dispersions of genes beside the rest.
    """

    STEPS, RATE, RANK = 400, 0.02, 3

    def __init__(self, rows: LinearRows, penalty: float) -> None:
        self.rows, self.penalty = rows, penalty

    def __call__(self, learned: Sequence[str], tested: Sequence[str]) -> list[Floats]:
        material = self.rows.material
        codes, asked = self.rows.codes(Features(), learned, tested)
        counts = torch.from_numpy(np.concatenate([material.counts[name] for name in learned]))
        of = np.concatenate([np.full(len(self.rows.rows[n]), i) for i, n in enumerate(learned)])
        section = torch.from_numpy(of)
        size = counts.sum(dim=1, keepdim=True).clamp(min=1)
        share = torch.stack(
            [counts[section == i].sum(0) / size[section == i].sum() for i in range(len(learned))]
        )
        torch.manual_seed(0)
        gene = torch.log(share + 1e-6).requires_grad_()
        first = self.rows.predict(codes, codes, learned, Fit(ranks=(self.RANK,)))
        scale = np.log(10)  # the ridge's programs are in powers of ten
        left, lengths, right = np.linalg.svd(first * scale, full_matrices=False)
        solved = np.linalg.solve(codes.T @ codes + 2 * np.eye(codes.shape[1]), codes.T @ left)
        root = np.sqrt(lengths[: self.RANK])
        into = torch.tensor(solved[:, : self.RANK] * root, dtype=torch.float32).requires_grad_()
        out = torch.tensor(right[: self.RANK] * root[:, None], dtype=torch.float32).requires_grad_()
        spread = torch.zeros(counts.shape[1], requires_grad=True)
        optimiser = torch.optim.Adam([into, out, gene, spread], lr=self.RATE)
        z = torch.from_numpy(codes)
        for _ in range(self.STEPS):
            mean = size * torch.exp((gene[section] + z @ into @ out).clamp(-20, 3))
            theta = torch.exp(spread).clamp(1e-2, 1e3)
            loss = -(
                torch.lgamma(counts + theta)
                - torch.lgamma(theta)
                + theta * (torch.log(theta) - torch.log(theta + mean))
                + counts * (torch.log(mean + 1e-8) - torch.log(theta + mean))
            ).sum()
            loss = loss + self.penalty * ((into**2).sum() + (out**2).sum())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        with torch.no_grad():
            return [(torch.from_numpy(each) @ into @ out).numpy() for each in asked]


def _log(counts: NDArray[np.int64]) -> Doubles:
    return np.log10(1 + counts / np.maximum(counts.sum(1, keepdims=True), 1) * 1e4)


def _standard(values: Floats) -> Floats:
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 1e-6, spread, np.inf)


def _normal_scores(values: Floats) -> Floats:
    from scipy.special import ndtri

    ranks = rankdata(values, axis=0) / (len(values) + 1)
    scores = np.clip(ndtri(ranks), -3, 3) * (np.ptp(values, axis=0) > 0)
    return scores.astype(np.float32)
