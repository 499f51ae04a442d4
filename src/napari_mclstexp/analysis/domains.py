"""Domains: regions of similar expression, and how many there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SettingsError
from ..progress import CancelToken
from .components import principal_components, program_scores, smoothed
from .domain_settings import DomainSettings
from .expression import Expression

MOST_K = 12
SAMPLE = 5000  # spots that tell how many domains there are: the silhouette is quadratic in them
STARTS = 10  # of k-means; the best is kept
STARTED_ON = 50_000  # spots at most; of more, so many are drawn for the starts
UNLABELLED = ("", "nan", "NA", "None", "undetermined")


@dataclass(frozen=True, eq=False)
class Domains:
    """What was found.

    Attributes
    ----------
    labels
        (n,) domain of each spot: "1" is the largest.
    k
        How many there are.
    reason
        Why so many, in a sentence.
    components
        (n, c) smoothed components, or scores of programs, that were clustered.
    """

    labels: NDArray[np.str_]
    k: int
    reason: str
    components: NDArray[np.float64]


def find_domains(
    expression: Expression,
    xy: NDArray[np.float64] | None,
    settings: DomainSettings,
    cancel: CancelToken | None = None,
    programs: NDArray[np.floating[Any]] | None = None,
) -> Domains:
    """Cluster spots by the principal components of their expression, or by their programs.

    Parameters
    ----------
    expression
        (n, G), as `expression_of` gives it.
    xy
        (n, 2) centres; needed for smoothing only.
    settings
        See :class:`DomainSettings`.
    cancel
        Looked at between steps.
    programs
        (n, R) scores, where a linear head predicted any.

    Raises
    ------
    SettingsError
        If there are fewer spots than domains, smoothing has no positions to go by, or there are
        no programs though they are to be clustered.
    Cancelled
        If `cancel` was set.
    """
    cancel = cancel or CancelToken()
    if settings.k is not None and settings.k > expression.shape[0]:
        raise SettingsError(
            f"{expression.shape[0]:,} spots cannot be {settings.k} domains; give fewer."
        )
    if settings.smoothing and xy is None:
        raise SettingsError('Smoothing needs positions (obsm["spatial"]); set it to 0.')
    components = (
        program_scores(programs, settings)
        if settings.features == "programs"
        else principal_components(expression, settings)
    )
    cancel.raise_if_cancelled()
    components = smoothed(components, xy, settings)
    cancel.raise_if_cancelled()
    if settings.method == "leiden":
        labels = _leiden(components, settings)
        k = len(set(labels.tolist()))
        reason = f"Leiden at a resolution of {settings.resolution:g} finds {k} domains."
    else:
        k, reason = settings.k or 0, "As asked for."
        if not k:
            k, reason = suggest_k(components, settings, cancel)
        labels = _kmeans(components, k, settings.seed, cancel)
    cancel.raise_if_cancelled()
    return Domains(_by_size(labels), k, reason, components)


def suggest_k(
    components: NDArray[np.float64], settings: DomainSettings, cancel: CancelToken | None = None
) -> tuple[int, str]:
    """Return the number of domains whose spots are most alike within and unlike between.

    Of more spots than `SAMPLE`, so many are drawn by the seed, clustered, and judged.
    """
    from sklearn.metrics import silhouette_score
    from sklearn.utils import resample

    cancel, judged = cancel or CancelToken(), ""
    if len(components) > SAMPLE:
        judged = f", judged by {SAMPLE:,} spots drawn at random"
        components = resample(
            components, replace=False, n_samples=SAMPLE, random_state=settings.seed
        )
    most = min(MOST_K, len(components) - 1)
    scores = {}
    for k in range(2, most + 1):
        labels = _kmeans(components, k, settings.seed, cancel)
        cancel.raise_if_cancelled()
        scores[k] = float(silhouette_score(components, labels))
    if not scores:
        raise SettingsError("There are too few spots to tell how many domains there are; give --k.")
    best = max(scores, key=lambda k: scores[k])
    highest = f"{best} domains have the highest silhouette ({scores[best]:.2f})"
    return best, f"{highest} of 2 to {most}{judged}."


def keep_colours(before: NDArray[np.str_], after: NDArray[np.str_]) -> NDArray[np.str_]:
    """Rename new domains so that each that overlaps an old one most keeps its name.

    Parameters
    ----------
    before, after
        (n,) domains of the same spots before and after a change.
    """
    import pandas as pd
    from scipy.optimize import linear_sum_assignment

    overlap = pd.crosstab(after, before)
    new, old = (list(names) for names in overlap.axes)
    renamed = {
        new[i]: old[j]
        for i, j in zip(*linear_sum_assignment(-overlap), strict=True)
        if overlap.iat[i, j]
    }
    free = (str(i) for i in range(1, len(old) + len(new) + 1))
    taken = set(renamed.values())
    for name in new:
        if name not in renamed:
            renamed[name] = next(each for each in free if each not in taken)
            taken.add(renamed[name])
    return np.array([renamed[each] for each in after.tolist()], dtype=str)


def agreement(labels: NDArray[np.str_], truth: NDArray[np.str_]) -> tuple[float, float, int]:
    """ARI and NMI of domains against labels, and of how many labelled spots.

    Raises
    ------
    SettingsError
        If fewer than two labels are known.
    """
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    known = ~np.isin(truth, UNLABELLED)
    if len(set(truth[known].tolist())) < 2:
        raise SettingsError("Fewer than two labels are known, so there is nothing to agree with.")
    return (
        float(adjusted_rand_score(truth[known], labels[known])),
        float(normalized_mutual_info_score(truth[known], labels[known])),
        int(known.sum()),
    )


def _kmeans(values: NDArray[np.float64], k: int, seed: int, cancel: CancelToken) -> NDArray[Any]:
    """Return what KMeans(n_init=STARTS) finds, looking at the token between its starts.

    Of more spots than `STARTED_ON`, so many are drawn for the starts, and the best of these goes
    on with all.
    """
    from sklearn.cluster import KMeans
    from sklearn.utils import resample

    few = values
    if len(values) > STARTED_ON:
        few = resample(values, replace=False, n_samples=STARTED_ON, random_state=seed)
    random = np.random.RandomState(seed)  # drawn from in turn, as KMeans itself does
    best: Any = None
    for _ in range(STARTS):
        cancel.raise_if_cancelled()
        found = KMeans(k, n_init=1, random_state=random).fit(few)
        if best is None or found.inertia_ < best.inertia_:
            best = found
    if few is not values:
        best = KMeans(k, n_init=1, init=best.cluster_centers_).fit(values)
    return np.asarray(best.labels_)


def _leiden(values: NDArray[np.float64], settings: DomainSettings) -> NDArray[Any]:
    try:
        import igraph
        import leidenalg
    except ImportError as error:
        raise SettingsError(
            'Leiden needs packages of its own: pip install "napari-mclstexp[domains]"; '
            "k-means needs none."
        ) from error
    from sklearn.neighbors import kneighbors_graph

    near = kneighbors_graph(values, min(15, len(values) - 1)).tocoo()
    graph = igraph.Graph(len(values), np.column_stack([near.row, near.col])).simplify()
    found = leidenalg.find_partition(
        graph,
        leidenalg.RBConfigurationVertexPartition,
        resolution_parameter=settings.resolution,
        seed=settings.seed,
    )
    return np.asarray(found.membership)


def _by_size(labels: NDArray[Any]) -> NDArray[np.str_]:
    values, counts = np.unique(labels, return_counts=True)
    names = {value: str(i) for i, value in enumerate(values[np.argsort(-counts, kind="stable")], 1)}
    return np.array([names[each] for each in labels], dtype=str)
