"""Signatures: read, matched to genes, scored, refused where they mean nothing."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.signatures import (
    Signature,
    known_genes,
    pasted,
    published,
    read_gmt,
    score_signature,
)
from napari_mclstexp.errors import SettingsError

GENES = [f"G{i}" for i in range(100)]


@pytest.fixture
def expression():
    """Return 60 spots of 100 genes; the first ten are high in the first half."""
    x = np.random.default_rng(0).gamma(2.0, size=(60, 100)).astype(np.float32)
    x[:30, :10] += 2
    return x


@pytest.mark.parametrize("how", ["control", "z"])
def test_a_signature_is_high_where_its_genes_are(expression, how):
    score = score_signature(expression, GENES, Signature("S", tuple(GENES[:10])), how=how)
    assert score[:30].mean() - score[30:].mean() > 1


def test_mean_z_by_hand(expression):
    score = score_signature(expression, GENES, Signature("S", ("G3", "G7", "G50")), how="z")
    part = expression[:, [3, 7, 50]].astype(float)
    expected = ((part - part.mean(0)) / part.std(0)).mean(1)
    np.testing.assert_allclose(score, expected)


def test_controls_are_of_like_expression_and_never_its_own_genes():
    level = np.repeat([1.0, 10.0], 50)
    x = np.tile(level, (8, 1)).astype(np.float32)
    x[:, 99] += np.arange(8)  # one gene of the upper half varies
    score = score_signature(x, GENES, Signature("S", ("G97", "G98", "G99")))
    # Less genes of the same level: what is left is the mean of three genes' own variation.
    np.testing.assert_allclose(score, np.arange(8) / 3, atol=1e-5)


def test_too_few_known_genes_are_refused(expression):
    few = Signature("RARE", ("G1", "G2", *(f"X{i}" for i in range(20))))
    with pytest.raises(SettingsError, match="Only 2 of the 22 genes of RARE"):
        score_signature(expression, GENES, few)
    assert known_genes(Signature("PAIR", ("g1", "G2")), GENES) == ("G1", "G2")


def test_the_packages_signatures_each_have_a_citation():
    found = published()
    assert len(found) >= 8
    assert {"PROLIFERATION", "HYPOXIA", "TLS"} <= {each.name for each in found}
    for each in found:
        assert "doi:" in each.source
        assert len(set(each.genes)) == len(each.genes) >= 2


def test_pasted_lists_of_any_shape():
    assert pasted("FASN, CD74;GNAS\n FN1\tFASN").genes == ("FASN", "CD74", "GNAS", "FN1")
    with pytest.raises(SettingsError, match="No gene"):
        pasted(" ,; ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no signature"),
        ("# only a remark\n", "no signature"),
        ("NAME\tdescription\n", "line 1: a GMT line"),
        ("NAME without tabs\n", "line 1"),
        ("A\td\tG1\n\td\tG2\n", "line 2"),
        ("A\td\tG1\nA\td\tG2\n", "line 2: A is there twice"),
    ],
)
def test_bad_gmt_files_are_named_with_their_line(tmp_path, text, words):
    (tmp_path / "s.gmt").write_text(text)
    with pytest.raises(SettingsError, match=words):
        read_gmt(tmp_path / "s.gmt")


def test_a_gmt_that_is_missing_or_no_text(tmp_path):
    with pytest.raises(SettingsError, match="There is no file"):
        read_gmt(tmp_path / "gone.gmt")
    (tmp_path / "b.gmt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="no text"):
        read_gmt(tmp_path / "b.gmt")
