"""Makes the three synthetic sections beside it from their seeds: `make sample-data`.

Each is a pyramidal OME-TIFF with µm per px and an .h5ad of spots, whose counts follow what is drawn
under the spot through negative-binomial noise. The third has another resolution and another stain,
so that a model which looks at pixels instead of µm would fail on it.
"""

from __future__ import annotations

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import tifffile
from genes import GENES, LOADINGS
from numpy.typing import NDArray
from scipy import sparse
from tissue import COMPARTMENTS, Tissue, draw

HERE = Path(__file__).parent
UM = 4000.0
PITCH_UM, DIAMETER_UM = 130.0, 100.0
SECTIONS = (  # name, seed, µm per px, strength of the stains
    ("section_1", 11, 1.0, 1.0),
    ("section_2", 23, 1.0, 0.92),
    ("section_3", 37, 0.8, 1.06),
)
MEAN_COUNTS = 6000.0  # of a spot, over the genes listed
DISPERSION = 0.12  # of the negative binomial: variance = mean + dispersion * mean^2


def main() -> None:
    """Write the sections and the cohort table."""
    rows = []
    for number, (name, seed, um_per_px, stain) in enumerate(SECTIONS, start=1):
        random = np.random.default_rng(seed)
        tissue = draw(random, UM, um_per_px, stain)
        write_slide(HERE / f"{name}.ome.tiff", tissue.rgb, um_per_px)
        spots = make_spots(random, tissue, um_per_px)
        spots.write_h5ad(HERE / f"{name}.h5ad", compression="gzip")
        rows.append((name, f"patient_{number}", f"{name}.ome.tiff", f"{name}.h5ad", ""))
        print(name, tissue.rgb.shape, spots.shape, spots.obs["domain"].value_counts().to_dict())
    table = pd.DataFrame(rows, columns=["section", "patient", "slide", "spots", "counts"])
    table.to_csv(HERE / "cohort.csv", index=False)


def write_slide(path: Path, rgb: NDArray[np.uint8], um_per_px: float) -> None:
    """Write a tiled JPEG pyramid with its physical scale."""
    options = {
        "tile": (256, 256),
        "photometric": "rgb",
        "compression": "jpeg",
        "compressionargs": {"level": 82},
        "resolutionunit": "CENTIMETER",
    }
    levels = [rgb]
    while max(levels[-1].shape) > 600:
        image = levels[-1]
        even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2].astype(np.uint16)
        mean = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2] + 2) // 4
        levels.append(mean.astype(np.uint8))
    metadata = {
        "axes": "YXS",
        "PhysicalSizeX": um_per_px,
        "PhysicalSizeXUnit": "µm",
        "PhysicalSizeY": um_per_px,
        "PhysicalSizeYUnit": "µm",
    }
    with tifffile.TiffWriter(path, ome=True) as writer:
        for index, image in enumerate(levels):
            per_cm = 1e4 / um_per_px / 2**index
            extra = (
                {"subifds": len(levels) - 1, "metadata": metadata} if index == 0
                else {"subfiletype": 1}
            )  # fmt: skip
            writer.write(image, resolution=(per_cm, per_cm), **options, **extra)


def make_spots(random: np.random.Generator, tissue: Tissue, um_per_px: float) -> anndata.AnnData:
    """Lay a hexagonal grid on the tissue and draw counts from what is under each spot."""
    row, col = (
        each.ravel() for each in np.mgrid[: int(UM / PITCH_UM / 0.866), : int(UM / PITCH_UM)]
    )
    xy = np.column_stack([(col + 0.5 + row % 2 / 2) * PITCH_UM, (row + 0.5) * PITCH_UM * 0.866])
    xy = xy / um_per_px
    under = seen_by_spots(np.concatenate([tissue.shares, (tissue.shares[0] * tissue.grade)[None]]),
                          xy, DIAMETER_UM / um_per_px)  # fmt: skip
    kept = under[:, :4].sum(1) > 0.5
    row, col, xy, under = row[kept], col[kept], xy[kept], under[kept]
    log_mean = LOADINGS["base"].to_numpy() + under @ LOADINGS[[*COMPARTMENTS, "grade"]].to_numpy().T
    rate = np.exp(log_mean)
    depth = MEAN_COUNTS * random.lognormal(sigma=0.25, size=len(rate))
    mean = rate / rate.sum(1, keepdims=True) * depth[:, None]
    counts = random.negative_binomial(1 / DISPERSION, 1 / (1 + DISPERSION * mean))
    domain = np.array(COMPARTMENTS)[under[:, :4].argmax(1)]
    obs = pd.DataFrame(
        {
            "in_tissue": True,
            "array_row": row,
            "array_col": 2 * col + row % 2,
            "domain": pd.Categorical(domain, categories=COMPARTMENTS),
        },
        index=[f"r{r}c{c}" for r, c in zip(row, 2 * col + row % 2, strict=True)],
    )
    spots = anndata.AnnData(
        sparse.csr_matrix(counts.astype(np.float32)),
        obs=obs,
        var=pd.DataFrame(index=list(GENES)),
        obsm={"spatial": np.round(xy, 1)},
    )
    spots.uns["mclstexp"] = {
        "platform": "synthetic", "pitch_um": PITCH_UM, "spot_diameter_um": DIAMETER_UM,
    }  # fmt: skip
    return spots


def seen_by_spots(
    maps: NDArray[np.float32], xy: NDArray[np.float64], diameter: float
) -> NDArray[np.float32]:
    """Return the (n, m) means of m maps over the discs of n spots."""
    reach = int(diameter / 2)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = (np.hypot(x, y) <= diameter / 2).astype(np.float32)
    disc /= disc.sum()
    at = np.round(xy).astype(int)
    padded = np.pad(maps, ((0, 0), (reach, reach), (reach, reach)))
    return np.stack(
        [
            (padded[:, y : y + 2 * reach + 1, x : x + 2 * reach + 1] * disc).sum((1, 2))
            for x, y in at
        ]
    )


if __name__ == "__main__":
    main()
