"""What preparing the reference spots once a run, not once a batch, saves: part of `make bench`.

Batches of 16 queries against 11,500 reference spots of 785 genes, as of a cohort of legacy ST; both
ways in the same run, the smallest of several times.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

from napari_mclstexp.model.retrieval import Retriever, retrieve

SPOTS, GENES, WIDTH, BATCH, K, TIMES = 11_500, 785, 256, 16, 200, 15


def smallest(work: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMES):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    keys = torch.from_numpy(random.normal(size=(SPOTS, WIDTH)).astype(np.float32))
    values = random.gamma(2.0, size=(SPOTS, GENES)).astype(np.float32)
    query = torch.from_numpy(random.normal(size=(BATCH, WIDTH)).astype(np.float32))
    retriever = Retriever(keys, values, k=K)
    each = smallest(lambda: retrieve(query, keys, values, k=K))
    once = smallest(lambda: retriever(query))
    print(f"once a batch {each:.1f} ms, once a run {once:.1f} ms: {each / once:.1f} times as fast")


if __name__ == "__main__":
    main()
