"""Tables of a protocol from predictions that are known, and genes that are chosen in each fold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from napari_mclstexp.cohort.section import Section
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.evaluation.evaluation_result import Evaluation, Fold
from napari_mclstexp.evaluation.fold_genes import genes_of_fold
from napari_mclstexp.evaluation.fold_prediction import FoldPrediction
from napari_mclstexp.evaluation.folds import make_folds, make_protocols
from napari_mclstexp.evaluation.prepared_sections import Prepared, raw_counts
from napari_mclstexp.evaluation.report.page import report_html
from napari_mclstexp.evaluation.report.score_tables import fold_table, uncertainty_table
from napari_mclstexp.evaluation.score_protocol import score_protocol, truth_of
from napari_mclstexp.evaluation.summaries import ALL, EXPRESSED, verdicts
from napari_mclstexp.model.normalisation import measured_expression
from napari_mclstexp.spots.build import make_spots
from napari_mclstexp.spots.schema import SpotMetadata
from support.engine_kit import painted_section

SIDE, GENES = 10, tuple(f"G{i}" for i in range(60))
KIND = "ln-1e4-all"


def section(folder, name, patient, seed):
    """A section whose genes follow a smooth program."""
    random = np.random.default_rng(seed)
    slide = folder / f"{name}.png"
    Image.fromarray(random.integers(0, 255, (100, 100, 3), dtype=np.uint8)).save(slide)
    row, col = (each.ravel() for each in np.mgrid[:SIDE, :SIDE])
    state = np.sin(row / 2 + seed) + np.cos(col / 2)
    contrast = random.uniform(-0.3, 0.3, len(GENES))
    counts = random.poisson(10 * np.exp(contrast * state[:, None]))
    spots = make_spots(
        barcodes=[f"{name}-{i}" for i in range(SIDE**2)],
        xy=np.column_stack([col, row]) * 10.0,
        array_row=row,
        array_col=col,
        metadata=SpotMetadata("table", name),
        counts=counts,
        genes=GENES,
    )
    return Section(name, patient, slide, spots, 10.0)


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sections")
    who = (("a", "P", 1), ("b", "P", 2), ("c", "Q", 3))
    return [section(folder, *each) for each in who]


@pytest.fixture(scope="module")
def truths(sections):
    made = {}
    for each in sections:
        expression = measured_expression(each.spots, GENES, KIND)
        prepared = Prepared(each, expression, expression, *raw_counts(each, GENES), {}, None)
        made[each.name] = truth_of(prepared, GENES, KIND)
    return made


def predicted(truths, noise, **more):
    out = {}
    for name, truth in truths.items():
        measured = truth.prepared.expression
        spread = measured.std(axis=0)
        random = np.random.default_rng(len(name))
        guess = measured + noise * spread * random.normal(size=measured.shape)
        out[name] = FoldPrediction(guess.astype(np.float32), **more.get(name, {}))
    return out


@pytest.fixture(scope="module")
def evaluation(sections, truths):
    bounds = {}
    for name, truth in truths.items():
        measured = truth.prepared.expression
        bounds[name] = {
            "intervals": {0.8: (measured - 1, measured + 1)},
            "samples": 2 * measured[None],  # twice the spread: four times the variance
        }
    methods = {
        "mclSTExp": predicted(truths, 1.0, **bounds),
        "image kNN, k = 50": predicted(truths, 3.0),
    }
    results = [
        score_protocol(by, folds, truths, methods)
        for by, folds in make_protocols(sections, "auto").items()
    ]
    return Evaluation("x", tuple(methods), tuple(results))


@pytest.fixture(scope="module")
def html(evaluation):
    return report_html(evaluation)


def test_protocols_are_those_that_differ(sections):
    def names(choice, some):
        return [(by, len(folds)) for by, folds in make_protocols(some, choice).items()]

    assert names("auto", sections) == [("patient", 2), ("section", 3)]
    assert names("auto", sections[:2]) == [("section", 2)]  # one patient
    assert names("auto", sections[1:]) == [("patient", 2)]  # each patient has one section
    assert names("both", sections[1:]) == [("patient", 2), ("section", 2)]
    assert names("section", sections) == [("section", 3)]
    with pytest.raises(SettingsError, match="only one patient"):
        make_protocols(sections[:2], "both")


def test_each_direction_of_the_patients_can_be_read(evaluation, html):
    result = evaluation.strictest
    assert [(fold.trained_on, fold.tested) for fold in result.folds] == [
        (("c",), ("a", "b")),
        (("a", "b"), ("c",)),
    ]
    table = result.sections.set_index(["method", "section"])
    mine = result.metrics[result.metrics["method"] == "mclSTExp"].groupby("section")["pcc"].mean()
    for name, fold in (("a", "P"), ("b", "P"), ("c", "Q")):
        assert table.loc[("mclSTExp", name), "fold"] == fold
        assert table.loc[("mclSTExp", name), ALL] == pytest.approx(mine[name])
    of_p = table.loc[[("mclSTExp", "a"), ("mclSTExp", "b")], [ALL, EXPRESSED]].mean()
    shown = fold_table(result)
    assert shown.header[1:] == ("learn Q, read P", "learn P, read Q")
    (row,) = [each for each in shown.rows if each.name == "mclSTExp"]
    assert row.cells[0].text == f"{of_p[ALL]:.3f} / {of_p[EXPRESSED]:.3f}"
    assert "learn Q, read P" in html
    assert row.cells[0].text in html


def test_the_difference_to_the_best_trivial_answer_has_an_interval(evaluation):
    for result in evaluation.protocols:
        rows = result.differences.set_index("statistic")
        assert set(rows["method"]) == {"mclSTExp"}
        assert set(rows["baseline"]) == {"image kNN, k = 50"}
        for statistic in (ALL, EXPRESSED):
            row = rows.loc[statistic]
            assert row["difference"] == pytest.approx(row["value"] - row["baseline_value"])
            assert 0.2 < row["low"] < row["difference"] < row["high"] < 0.7
            assert (row["ahead"], row["sections"]) == (3, 3)
        assert "beats" in verdicts(result.differences, result.by)[0]


def test_intervals_and_samples_of_a_method_are_judged_in_the_report(evaluation, html):
    found = evaluation.table("uncertainty")
    assert set(found["method"]) == {"mclSTExp"}
    assert set(found["by"]) == {"patient", "section"}
    values = found.groupby("measure")["value"].mean()
    assert values["80 % interval"] == 1  # bounds around the measured values themselves
    assert values["variance of a sample / measured"] == pytest.approx(4, rel=1e-3)
    assert "mclSTExp: top 50 expressed" in html
    assert "80 % interval" in html
    plain = dataclasses.replace(evaluation.strictest, uncertainty=found.iloc[:0])
    assert uncertainty_table(plain).rows == ()  # methods without intervals have no table


def test_variable_genes_are_those_of_the_sections_that_are_learned_from(sections):
    """The counts of the tested section change nothing, those of the others do."""
    fold = next(each for each in make_folds(sections, "patient") if each.name == "Q")
    chosen = genes_of_fold(sections, fold, 10)
    assert 10 <= len(chosen) <= 20

    def with_other_counts(place):
        spots = sections[place].spots.copy()
        spots.X = spots.X[:, ::-1].copy()
        return [
            dataclasses.replace(each, spots=spots) if i == place else each
            for i, each in enumerate(sections)
        ]

    assert genes_of_fold(with_other_counts(2), fold, 10) == chosen
    assert genes_of_fold(with_other_counts(0), fold, 10) != chosen
    lacking = sections[2].spots[:, [gene != chosen[0] for gene in GENES]].copy()
    others = [*sections[:2], dataclasses.replace(sections[2], spots=lacking)]
    assert genes_of_fold(others, fold, 10) == chosen[1:]


def test_an_evaluation_of_variable_genes_scores_those_of_each_fold(tmp_path):
    from napari_mclstexp.evaluation.evaluate import evaluate
    from support.engine_kit import quick_settings

    made = [painted_section(tmp_path, name, seed) for name, seed in (("a", 1), ("b", 2))]
    silent = made[0].spots.copy()
    silent.X = silent.X.toarray()
    silent.X[:, 0] = 60  # PURPLE hardly varies in a
    made[0] = dataclasses.replace(made[0], spots=silent)
    folds = [Fold("b", ("b",), ("a",)), Fold("a", ("a",), ("b",))]
    chosen = {fold.name: genes_of_fold(made, fold, 1) for fold in folds}
    assert chosen["b"] != chosen["a"]
    listed = "log10-1e4-listed"  # scaled by the counts of the fold's genes alone
    settings = [quick_settings(epochs=1, normalisation=listed)]
    found = evaluate(made, settings, folds=folds, hvg=1, heads=False).strictest
    scored = found.metrics.groupby("section")["gene"].unique()
    for each in made:
        assert tuple(scored[each.name]) == chosen[each.name]
        shown = found.maps[each.name]
        assert tuple(shown.var_names) == chosen[each.name]
        expected = measured_expression(each.spots, chosen[each.name], listed)
        np.testing.assert_allclose(shown.layers["measured"], expected)
