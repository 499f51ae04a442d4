"""The reference spots that a model reads expression from."""

from __future__ import annotations

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import ModelError

PER_SPOT = ("embedding", "expression", "section", "barcode", "array_row", "array_col", "xy")


@dataclass(frozen=True, eq=False, repr=False)  # nobody reads thousands of thumbnails
class Bank:
    """Reference spots: where they are in the common space, and what was measured there.

    Attributes
    ----------
    embedding
        (N, D) float32: projections of the spots by the spot encoder, or their codes where the
        head is linear.
    expression
        (N, G) float32 expression in the model's normalisation.
    genes
        The G names of its columns.
    section
        (N,) name of the section of each spot.
    barcode
        (N,) name of each spot within its section.
    array_row, array_col
        (N,) position on the array.
    xy
        (N, 2) centre in level-0 pixels of the section's slide.
    thumbnails
        N small pictures of the patches as JPEG, or none at all.
    patient
        (N,) name of each spot's patient; of earlier versions, its section's.
    codes
        (N, q) float32 codes where a contrastive and a linear head are blended, else None.
    looks
        (N, C) float32 what the tissue around each spot looks like, from which the level of a
        section is told; None where it is not known, as in models of earlier versions.
    """

    embedding: NDArray[np.float32]
    expression: NDArray[np.float32]
    genes: tuple[str, ...]
    section: NDArray[np.str_]
    barcode: NDArray[np.str_]
    array_row: NDArray[np.int64]
    array_col: NDArray[np.int64]
    xy: NDArray[np.float64]
    thumbnails: tuple[bytes, ...] = ()
    patient: NDArray[np.str_] | None = None
    codes: NDArray[np.float32] | None = None
    looks: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.embedding)

    @property
    def sections(self) -> tuple[str, ...]:
        """Names of the sections, in order of appearance."""
        return tuple(dict.fromkeys(self.section.tolist()))

    @property
    def patients(self) -> NDArray[np.str_]:
        """The (N,) names of the spots' patients, or of their sections where none are known."""
        return self.section if self.patient is None else self.patient

    @property
    def linear_codes(self) -> NDArray[np.float32]:
        """The (N, q) codes that a linear head was fitted to."""
        return self.embedding if self.codes is None else self.codes

    def rows(self, chosen: NDArray[np.bool_]) -> Bank:
        """Return the spots that are chosen by (N,) flags."""
        pictures = tuple(p for p, take in zip(self.thumbnails, chosen, strict=False) if take)
        return Bank(
            **{name: getattr(self, name)[chosen] for name in PER_SPOT},
            genes=self.genes,
            thumbnails=pictures,
            patient=None if self.patient is None else self.patient[chosen],
            codes=None if self.codes is None else self.codes[chosen],
            looks=None if self.looks is None else self.looks[chosen],
        )

    def joined(self, other: Bank) -> Bank:
        """Return the spots of both, which are of the same genes."""
        whole = len(self.thumbnails) == len(self) and len(other.thumbnails) == len(other)
        return Bank(
            **{n: np.concatenate([getattr(self, n), getattr(other, n)]) for n in PER_SPOT},
            genes=self.genes,
            thumbnails=self.thumbnails + other.thumbnails if whole else (),
            patient=np.concatenate([self.patients, other.patients]),
            codes=_both(self.codes, other.codes),
            looks=_both(self.looks, other.looks),
        )

    def to_anndata(self, *, half: bool = False) -> anndata.AnnData:
        """Return the bank as it is saved: expression in X, projections in obsm.

        Parameters
        ----------
        half
            Keep the projections as 16-bit floats.
        """
        obs = pd.DataFrame(
            {
                "section": pd.Categorical(self.section.astype(str)),
                "barcode": self.barcode.astype(str),
                "array_row": self.array_row,
                "array_col": self.array_col,
                "thumbnail_bytes": [len(each) for each in self.thumbnails] or 0,
            },
            index=[str(i) for i in range(len(self))],
        )
        bank = anndata.AnnData(
            X=self.expression,
            obs=obs,
            var=pd.DataFrame(index=list(self.genes)),
            obsm={
                "X_mclstexp": self.embedding.astype(np.float16 if half else np.float32),
                "spatial": self.xy,
            },
        )
        if self.patient is not None:
            bank.obs["patient"] = pd.Categorical(self.patient.astype(str))
        if self.codes is not None:
            bank.obsm["X_codes"] = self.codes
        if self.looks is not None:
            bank.obsm["X_looks"] = self.looks
        # One run of bytes: h5ad has no column of pictures, and a pickled one is never loaded.
        bank.uns["thumbnails"] = np.frombuffer(b"".join(self.thumbnails), dtype=np.uint8)
        return bank

    def check(self, source: str) -> None:
        """Make sure that its parts fit each other and that all values are numbers.

        Raises
        ------
        ModelError
            Naming the part that does not.
        """
        shapes = {"expression": (len(self), len(self.genes)), "xy": (len(self), 2)}
        for name in ("embedding", "expression", "xy", "codes", "looks"):
            values = getattr(self, name)
            if values is None:
                continue
            if (
                values.ndim != 2
                or len(values) != len(self)
                or (values.shape != shapes.get(name, values.shape))
            ):
                raise ModelError(
                    f"{source}: the {name} of the bank is of shape {values.shape}, which does not "
                    "fit its other parts; get the model folder anew."
                )
            lost = ~np.isfinite(values).all(axis=1)
            if lost.any():
                raise ModelError(
                    f"{source}: the {name} of reference spot {int(np.argmax(lost)):,} holds values "
                    f"that are no numbers ({int(lost.sum()):,} spots in all); get the model folder "
                    "anew."
                )

    @classmethod
    def from_anndata(cls, bank: anndata.AnnData) -> Bank:
        """Read what :meth:`to_anndata` made.

        Raises
        ------
        ModelError
            If a part is missing.
        """
        try:
            lengths = bank.obs["thumbnail_bytes"].to_numpy(dtype=np.int64)
            joined = np.asarray(bank.uns["thumbnails"], dtype=np.uint8).tobytes()
            ends = np.cumsum(lengths)
            if (lengths < 0).any() or (len(ends) and ends[-1] > len(joined)):
                raise ModelError(
                    "The model's bank holds fewer bytes of pictures than it says; "
                    "get the model folder anew."
                )
            pictures = tuple(
                joined[end - length : end] for end, length in zip(ends, lengths, strict=True)
            )
            return cls(
                embedding=np.asarray(bank.obsm["X_mclstexp"], dtype=np.float32),
                expression=_dense(bank.X),
                genes=tuple(bank.var_names),
                section=bank.obs["section"].to_numpy(dtype=str),
                barcode=bank.obs["barcode"].to_numpy(dtype=str),
                array_row=bank.obs["array_row"].to_numpy(dtype=np.int64),
                array_col=bank.obs["array_col"].to_numpy(dtype=np.int64),
                xy=np.asarray(bank.obsm["spatial"], dtype=np.float64),
                thumbnails=pictures if lengths.any() else (),
                patient=bank.obs["patient"].to_numpy(dtype=str) if "patient" in bank.obs else None,
                codes=_kept(bank, "X_codes"),
                looks=_kept(bank, "X_looks"),
            )
        except KeyError as error:
            raise ModelError(
                f"The model's bank lacks {error}; train the model again or get its folder anew."
            ) from error


def _both(
    one: NDArray[np.float32] | None, other: NDArray[np.float32] | None
) -> NDArray[np.float32] | None:
    return None if one is None or other is None else np.concatenate([one, other])


def _kept(bank: anndata.AnnData, key: str) -> NDArray[np.float32] | None:
    return np.asarray(bank.obsm[key], dtype=np.float32) if key in bank.obsm else None


def _dense(x: object) -> NDArray[np.float32]:
    return np.asarray(x.toarray() if hasattr(x, "toarray") else x, dtype=np.float32)
