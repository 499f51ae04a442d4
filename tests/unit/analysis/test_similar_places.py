"""Places like a spot or a region, against similarities worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from napari_mclstexp.analysis.similar_places import SlidePlaces, find_similar
from napari_mclstexp.errors import SettingsError


def slide(values, name="A", columns=(), xy=None, **more):
    values = np.asarray(values, dtype=np.float32)
    n = len(values)
    xy = np.column_stack((np.arange(n) * 100.0, np.zeros(n))) if xy is None else np.asarray(xy)
    return SlidePlaces(name, tuple(f"{name}{i}" for i in range(n)), xy, values, columns, **more)


def only(n, *which):
    chosen = np.zeros(n, dtype=bool)
    chosen[list(which)] = True
    return chosen


# Around their mean (50, 20): right, up, left, down; of different lengths, which do not count.
CROSS = [[53, 20], [50, 22], [47, 20], [50, 18]]


def test_the_similarity_is_the_cosine_from_the_average_place():
    found = find_similar([slide(CROSS)], only(4, 0))
    np.testing.assert_allclose(found.similarity[0], [1, 0, -1, 0], atol=1e-6)
    assert [each.spot for each in found.places] == [1, 3, 2]  # the place itself is none
    assert found.table()["spot"].tolist() == ["A1", "A3", "A2"]


def test_the_centre_is_the_average_of_all_slides_by_their_spots():
    # The mean of the four is (5, 5): A lies above and to the right of it, B left and below.
    a, b = slide([[6, 6], [6, 6]], "A"), slide([[3, 5], [5, 3]], "B")
    found = find_similar([a, b], only(2, 0))
    np.testing.assert_allclose(found.similarity[0], [1, 1], atol=1e-6)
    np.testing.assert_allclose(found.similarity[1], [-np.sqrt(0.5)] * 2, atol=1e-6)
    assert found.table()["slide"].tolist() == ["A", "B", "B"]


def test_a_region_is_the_mean_of_the_directions_of_its_spots():
    # Right and up, however long: the direction between them.
    found = find_similar([slide(CROSS)], only(4, 0, 1))
    half = np.sqrt(0.5)
    np.testing.assert_allclose(found.similarity[0], [half, half, -half, -half], atol=1e-6)
    assert {each.spot for each in found.places} == {2, 3}


def test_genes_count_alike_whatever_their_scale_and_order():
    """The second slide has its genes in another order and one more."""
    a = slide([[100, 0], [-100, 0]], "A", ("big", "small"))
    b = slide([[7, 1, 0], [7, -1, 0]], "B", ("other", "small", "big"))
    found = find_similar([a, b], only(2, 0))
    # Variance of big 5000, of small 0.5; A0 lies along big alone, B along small alone.
    np.testing.assert_allclose(found.similarity[0], [1, -1], atol=1e-6)
    np.testing.assert_allclose(found.similarity[1], [0, 0], atol=1e-6)
    c = slide([[100, 1], [-100, 1], [100, -1], [-100, -1]], "C", ("big", "small"))
    found = find_similar([c], only(4, 0))
    np.testing.assert_allclose(found.similarity[0], [1, 0, 0, -1], atol=1e-6)
    image = find_similar([slide([[100, 1], [-100, 1], [100, -1], [-100, -1]])], only(4, 0))
    assert image.similarity[0][2] > 0.99  # features keep their scale
    assert image.similarity[0][1] < -0.99


def test_sparse_expression_gives_what_dense_does():
    random = np.random.default_rng(0)
    values = random.poisson(0.5, (30, 12)).astype(np.float32)
    genes = tuple(map(str, range(12)))
    dense = slide(values, columns=genes)
    thin = SlidePlaces("A", dense.spots, dense.xy, sparse.csr_array(values), genes)
    one, other = (find_similar([each], only(30, 3, 4)) for each in (dense, thin))
    np.testing.assert_allclose(one.similarity[0], other.similarity[0], atol=1e-5)


def test_places_stand_apart_from_each_other_and_from_the_place_asked_for():
    values = [[10, 0], [9, 1], [8, 1], [7, 1], [-30, 4], [-4, -7]]
    xy = [[0, 0], [100, 0], [200, 0], [300, 0], [1000, 0], [2000, 0]]
    near = find_similar([slide(values, xy=xy, um_per_px=0.5)], only(6, 0))
    assert [each.spot for each in near.places][:3] == [1, 2, 3]
    apart = find_similar([slide(values, xy=xy, um_per_px=0.5)], only(6, 0), apart_um=100)
    # 200 px: spot 1 is too near to the place, spot 3 too near to spot 2.
    assert [each.spot for each in apart.places][:1] == [2]
    assert {each.spot for each in apart.places} == {2, 4, 5}
    assert len(find_similar([slide(values)], only(6, 0), most=2).places) == 2


def test_each_slide_lists_its_own():
    a, b = slide([[5, 0], [5, 0], [5, 0]], "A"), slide([[-5, 0], [-5, 1], [-5, -1]], "B")
    found = find_similar([a, b], only(3, 0), most=1)
    assert found.table()["slide"].tolist() == ["A", "B"]


def test_what_cannot_be_compared_is_said():
    with pytest.raises(SettingsError, match="no spot in that place"):
        find_similar([slide(CROSS)], only(4))
    with pytest.raises(SettingsError, match="different models"):
        find_similar([slide(CROSS, maker="a"), slide(CROSS, maker="b")], only(4, 0))
    with pytest.raises(SettingsError, match="no gene in common"):
        find_similar(
            [slide(CROSS, columns=("a", "b")), slide(CROSS, columns=("c", "d"))], only(4, 0)
        )
    with pytest.raises(SettingsError, match="All places are alike"):
        find_similar([slide([[1, 2], [1, 2]])], only(2, 0))
    with pytest.raises(SettingsError, match="just like the average"):
        find_similar([slide([[0, 0], [1, 0], [-1, 0]])], only(3, 0))
