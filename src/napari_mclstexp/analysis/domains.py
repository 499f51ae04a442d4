"""Domains: regions of similar expression, and what tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SettingsError
from ..progress import CancelToken
from ..spots.geometry import neighbours
from .domain_settings import DomainSettings

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

NEIGHBOURS = 6  # of a spot on a hexagonal array; of a square one, the nearest six
MOST_K = 12
SAMPLE = 5000  # spots that tell how many domains there are: the silhouette is quadratic in them
STARTS = 10  # of k-means; the best is kept
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


def expression_of(data: AnnData) -> NDArray[np.float32]:
    """Return (n, G) expression to find domains in; raw counts are scaled to 10,000 and ln(1 + x).

    Raises
    ------
    SettingsError
        If there are no genes, or values that are no numbers.
    """
    if data.n_vars == 0 or data.n_obs == 0:
        raise SettingsError("There is no expression in it, so there are no domains to find.")
    x: Any = data.layers.get("counts", data.X)
    values = np.asarray(x.toarray() if sparse.issparse(x) else x, dtype=np.float64)
    if not np.isfinite(values).all():
        raise SettingsError("Some values are no numbers; domains need every gene at every spot.")
    if (values >= 0).all() and (values == np.round(values)).all():
        totals = values.sum(axis=1, keepdims=True)
        values = np.log1p(values / np.where(totals > 0, totals, 1) * 1e4)
    return values.astype(np.float32)


def find_domains(
    expression: NDArray[np.float32],
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
    if settings.k is not None and settings.k > len(expression):
        raise SettingsError(
            f"{len(expression):,} spots cannot be {settings.k} domains; give fewer."
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


def principal_components(
    expression: NDArray[np.float32], settings: DomainSettings
) -> NDArray[np.float64]:
    """Return (n, c) scores on the first components of (n, G) expression."""
    from sklearn.decomposition import PCA

    x = expression[:, np.ptp(expression, axis=0) > 0]
    if x.shape[1] == 0:
        raise SettingsError("No gene varies between the spots, so there are no domains to find.")
    if settings.genes:
        x = x[:, np.argsort(-x.var(axis=0, dtype=np.float64), kind="stable")[: settings.genes]]
    x = x.astype(np.float64)
    if settings.scale:
        x -= x.mean(axis=0)
        x /= x.std(axis=0)
    count = min(settings.components, x.shape[1], len(x) - 1)
    # The same components; the covariance is the smaller problem where spots outnumber genes.
    solver = "covariance_eigh" if len(x) > x.shape[1] else "full"
    return np.asarray(PCA(count, svd_solver=solver).fit_transform(x))


def program_scores(
    programs: NDArray[np.floating[Any]] | None, settings: DomainSettings
) -> NDArray[np.float64]:
    """Return (n, R) scores of programs about their mean, as far apart as what they predict."""
    if programs is None:
        raise SettingsError(
            "There are no programs to find domains in: only predictions of a model with a linear "
            "head have them; use the principal components of the expression instead."
        )
    centred: NDArray[np.float64] = programs.astype(np.float64)
    centred -= centred.mean(axis=0)
    if not np.ptp(centred, axis=0).any():
        raise SettingsError("No program varies between the spots, so there are no domains to find.")
    if settings.scale:
        spread = centred.std(axis=0)
        centred /= np.where(spread > 0, spread, 1)
    return centred


def smoothed(
    values: NDArray[np.float64], xy: NDArray[np.float64] | None, settings: DomainSettings
) -> NDArray[np.float64]:
    """Mix each spot's values with its nearest neighbours' mean."""
    if not settings.smoothing or xy is None or len(xy) < 2:
        return values
    near = neighbours(xy, NEIGHBOURS)
    out = values
    for _ in range(settings.rounds):
        out = (1 - settings.smoothing) * out + settings.smoothing * out[near].mean(axis=1)
    return out


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


def marker_genes(
    expression: NDArray[np.floating[Any]], genes: tuple[str, ...], labels: NDArray[np.str_]
) -> pd.DataFrame:
    """Compare every domain with the rest, gene by gene (Wilcoxon rank sum).

    Parameters
    ----------
    expression, genes, labels
        (n, G), G names, (n,) domains.

    Returns
    -------
    A row for each domain and gene, the clearest first: ``domain, gene, auc`` (the chance that a
    spot of the domain is higher than another, 0.5 being none), ``difference`` of the means, ``p``
    and ``fdr`` (Benjamini-Hochberg within the domain). Spots of one slide are not replicates: p
    says how clear the picture is, not whether another slide would show it.
    """
    import pandas as pd
    from scipy import stats

    expression = expression.astype(np.float64)  # in float32 a small p becomes 0
    tables = []
    for domain in sorted(set(labels.tolist()), key=_order):
        inside = labels == domain
        n_in, n_out = int(inside.sum()), int((~inside).sum())
        if not n_in or not n_out:
            continue
        found = stats.mannwhitneyu(expression[inside], expression[~inside], axis=0)
        p = np.nan_to_num(np.asarray(found.pvalue), nan=1.0)
        table = pd.DataFrame(
            {
                "domain": domain,
                "gene": list(genes),
                "auc": np.asarray(found.statistic) / (n_in * n_out),
                "difference": expression[inside].mean(axis=0) - expression[~inside].mean(axis=0),
                "p": p,
                "fdr": stats.false_discovery_control(p),
            }
        )
        tables.append(table.sort_values("auc", ascending=False, kind="stable"))
    if not tables:
        raise SettingsError("There is one domain only, so nothing tells it from others.")
    return pd.concat(tables, ignore_index=True)


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
    """Return what KMeans(n_init=STARTS) finds, looking at the token between its starts."""
    from sklearn.cluster import KMeans

    random = np.random.RandomState(seed)  # drawn from in turn, as KMeans itself does
    best: Any = None
    for _ in range(STARTS):
        cancel.raise_if_cancelled()
        found = KMeans(k, n_init=1, random_state=random).fit(values)
        if best is None or found.inertia_ < best.inertia_:
            best = found
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
    graph = igraph.Graph(len(values), list(zip(near.row, near.col, strict=True))).simplify()
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


def _order(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdigit() else (10**9, name)
