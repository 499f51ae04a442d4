"""Reference spots: chosen, joined, saved and checked with all that is known of them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from napari_mclstexp.errors import ModelError
from napari_mclstexp.model.bank import Bank

PER_SPOT = ("embedding", "expression", "section", "barcode", "array_row", "array_col", "xy")
KNOWN_OF_SOME = ("patient", "codes", "looks")


def bank_of(n: int, section: str = "S1") -> Bank:
    rng = np.random.default_rng(n)
    return Bank(
        embedding=rng.normal(size=(n, 4)).astype(np.float32),
        expression=rng.gamma(2, size=(n, 3)).astype(np.float32),
        genes=("A", "B", "C"),
        section=np.array([section] * n),
        barcode=np.array([f"{section}-{i}" for i in range(n)]),
        array_row=np.arange(n),
        array_col=np.arange(n)[::-1].copy(),
        xy=rng.uniform(size=(n, 2)),
        thumbnails=tuple(bytes([i]) * i for i in range(n)),
        patient=np.array([f"P{i % 2}" for i in range(n)]),
        codes=rng.normal(size=(n, 2)).astype(np.float32),
        looks=rng.normal(size=(n, 5)).astype(np.float32),
    )


def same(one: Bank, other: Bank) -> None:
    for name in (*PER_SPOT, *KNOWN_OF_SOME):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert (one.genes, one.thumbnails) == (other.genes, other.thumbnails)


def without(bank: Bank) -> Bank:
    return dataclasses.replace(bank, patient=None, codes=None, looks=None, thumbnails=())


def test_chosen_spots_keep_all_that_is_known_of_them():
    bank, chosen = bank_of(5), np.array([True, False, True, True, False])
    some = bank.rows(chosen)
    for name in (*PER_SPOT, *KNOWN_OF_SOME):
        np.testing.assert_array_equal(getattr(some, name), getattr(bank, name)[chosen])
    assert some.thumbnails == tuple(bank.thumbnails[i] for i in (0, 2, 3))
    fewer = without(bank).rows(chosen)
    assert (fewer.patient, fewer.codes, fewer.looks, fewer.thumbnails) == (None, None, None, ())


def test_chosen_and_joined_again_they_are_the_same():
    bank, first = bank_of(5), np.arange(5) < 2
    same(bank.rows(first).joined(bank.rows(~first)), bank)


def test_what_only_one_side_knows_is_not_known_of_both():
    joined = bank_of(2).joined(without(bank_of(3, "S2")))
    assert (joined.codes, joined.looks, joined.thumbnails) == (None, None, ())
    assert list(joined.patients) == ["P0", "P1", "S2", "S2", "S2"]
    assert joined.sections == ("S1", "S2")
    np.testing.assert_array_equal(joined.linear_codes, joined.embedding)
    np.testing.assert_array_equal(bank_of(2).linear_codes, bank_of(2).codes)


def test_a_bank_comes_back_from_its_anndata():
    same(Bank.from_anndata(bank_of(4).to_anndata()), bank_of(4))
    plain = Bank.from_anndata(without(bank_of(4)).to_anndata())
    assert (plain.patient, plain.codes, plain.looks, plain.thumbnails) == (None, None, None, ())


@pytest.mark.parametrize(
    ("part", "value", "words"),
    [
        ("xy", np.zeros((4, 3)), "xy of the bank is of shape"),
        ("expression", np.zeros((4, 2)), "expression of the bank is of shape"),
        ("looks", np.zeros((3, 5)), "looks of the bank is of shape"),
        ("codes", np.zeros(4), "codes of the bank is of shape"),
        ("embedding", np.array([[0.0], [np.nan], [0], [np.inf]]), "embedding of reference spot 1"),
        ("codes", np.array([[0.0], [0], [0], [np.nan]]), r"codes of reference spot 3.*\(1 spots"),
    ],
)
def test_parts_that_do_not_fit_or_are_no_numbers_are_named(part, value, words):
    bank_of(4).check("bank.h5ad")
    without(bank_of(4)).check("bank.h5ad")
    with pytest.raises(ModelError, match=f"bank.h5ad: the {words}"):
        dataclasses.replace(bank_of(4), **{part: value}).check("bank.h5ad")


@pytest.mark.parametrize("lengths", [[0, 1, 2, 4], [0, 1, -2, 3]])
def test_pictures_that_are_not_all_there_are_told(lengths):
    adata = bank_of(4).to_anndata()
    adata.obs["thumbnail_bytes"] = lengths
    with pytest.raises(ModelError, match="fewer bytes of pictures"):
        Bank.from_anndata(adata)


def test_a_part_that_is_missing_is_named():
    adata = bank_of(4).to_anndata()
    del adata.obsm["X_mclstexp"]
    with pytest.raises(ModelError, match="lacks 'X_mclstexp'"):
        Bank.from_anndata(adata)
