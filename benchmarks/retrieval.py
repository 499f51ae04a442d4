"""Retrieval of expression from reference spots: its time, its growth, its memory (`make bench`).

First what preparing the reference spots once a run, not once a batch, saves: batches of 16 queries
against 11,500 reference spots of 785 genes, as of a cohort of legacy ST; both ways in the same run,
the smallest of several times. Then 10^4, 10^5 and 10^6 reference spots, each in a process of its
own, in batches of 16 and of 512, and the exponent of growth. `--faiss` adds faiss' exact search
where it is installed: seconds, and how many of its answers are other spots.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from findings import Finding, exponent, found

from napari_mclstexp.model.retrieval import Retriever, retrieve

SPOTS, GENES, WIDTH, BATCH, K, TIMES = 11_500, 785, 256, 16, 200, 15
ASKED = {
    "batch": f"Retrieval, reference spots x {WIDTH}, time of a query",
    "faiss": f"Retrieval, reference spots x {WIDTH}, time of a query",
    "gb": "Retrieval, memory beyond the reference spots",
    "other": "Retrieval, share of answers that faiss gives otherwise",
}
UNITS = {"batch": "ms", "faiss": "ms", "gb": "GB", "other": "of all"}
SIZES, FEWER_GENES, LARGE = (10**4, 10**5, 10**6), 100, 512


def smallest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def once_a_run() -> None:
    """Print what is saved by preparing the reference spots once."""
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    keys = torch.from_numpy(random.normal(size=(SPOTS, WIDTH)).astype(np.float32))
    values = random.gamma(2.0, size=(SPOTS, GENES)).astype(np.float32)
    query = torch.from_numpy(random.normal(size=(BATCH, WIDTH)).astype(np.float32))
    retriever = Retriever(keys, values, k=K)
    each = smallest(lambda: retrieve(query, keys, values, k=K))
    once = smallest(lambda: retriever(query))
    question = f"Retrieval from {SPOTS:,} spots of {GENES} genes, a batch of {BATCH}"
    found(Finding(question, "prepared once a batch", each, "ms"))
    found(Finding(question, "prepared once a run", once, "ms", f"{each / once:.1f} times as fast"))


def of_size(spots: int, *, faiss: bool) -> dict[str, float]:
    """Return ms a query in batches of 16 and 512, and GB beyond the reference spots."""
    random = np.random.default_rng(0)
    keys = random.standard_normal((spots, WIDTH), dtype=np.float32)
    values = random.standard_gamma(2.0, (spots, FEWER_GENES), dtype=np.float32)
    queries = torch.from_numpy(random.standard_normal((LARGE, WIDTH), dtype=np.float32))
    before = peak_gb()
    retriever = Retriever(torch.from_numpy(keys), values, k=K)
    answer = retriever(queries)
    times = {f"batch_{n}": timed(lambda n=n: retriever(queries[:n])) / n for n in (BATCH, LARGE)}
    times["gb"] = peak_gb() - before
    if faiss:
        times |= by_faiss(keys, queries.numpy(), answer.retrieved.indices)
    return times


def by_faiss(keys: np.ndarray, queries: np.ndarray, expected: np.ndarray) -> dict[str, float]:
    """Return the same of faiss, for the search alone, and the share of other answers."""
    import faiss

    faiss.normalize_L2(keys)
    unit = queries.copy()
    faiss.normalize_L2(unit)
    index = faiss.IndexFlatIP(WIDTH)
    index.add(keys)
    times = {f"faiss_{n}": timed(lambda n=n: index.search(unit[:n], K)) / n for n in (BATCH, LARGE)}
    _, rows = index.search(unit, K)
    return times | {"other": float((rows != expected).mean())}


def timed(work: Callable[[], object]) -> float:
    """Return the smaller of two times, in ms."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def peak_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faiss", action="store_true")
    parser.add_argument("--size", type=int, help="this many reference spots only, as JSON")
    given = parser.parse_args()
    if given.size:
        print(json.dumps(of_size(given.size, faiss=given.faiss)))
        return
    once_a_run()
    measured = []
    for size in SIZES:
        command = [sys.executable, __file__, "--size", str(size)] + ["--faiss"] * given.faiss
        measured.append(json.loads(subprocess.check_output(command)))
        for name, value in measured[-1].items():
            question, unit = ASKED[name.partition("_")[0]], UNITS[name.partition("_")[0]]
            found(Finding(question, name.replace("_", " of "), value, unit, at=size))
    for name in (f"batch_{BATCH}", f"batch_{LARGE}"):
        growth = exponent(SIZES, [each[name] for each in measured])
        print(f"{name}: time of a query grows as n^{growth:.2f}")


if __name__ == "__main__":
    main()
