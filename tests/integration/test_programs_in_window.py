"""A model with a linear head in the real window: programs, intervals, unproven genes, evidence."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mclstexp.analysis.evidence import evidence
from napari_mclstexp.analysis.gene_summary import UNPROVEN
from napari_mclstexp.export.spot_table import spot_table
from napari_mclstexp.spots.schema import read_programs
from napari_mclstexp.widgets.frame.gene_list import UNPROVEN_ROLE

pytestmark = pytest.mark.slow
RUN_MS = 60_000


@pytest.fixture
def predicted(docks, linear_kit, qtbot):
    """Return the Predict dock after a run."""
    predict = docks[1]
    workspace = predict.workspace
    session = workspace.session
    workspace.open_slide(linear_kit.slide)
    qtbot.waitUntil(lambda: session.slide is not None, timeout=RUN_MS)
    workspace.load_spots(linear_kit.spots)
    workspace.load_model(linear_kit.model)
    qtbot.waitUntil(lambda: session.spots is not None and session.model is not None, timeout=RUN_MS)
    workspace.run("cpu")
    qtbot.waitUntil(lambda: session.result is not None and session.result.complete, timeout=RUN_MS)
    return predict


def colours_of(viewer):
    """Return the face colours of the points that stand for the chosen gene, and their layer."""
    layer = next(
        each
        for each in viewer.layers
        if each.name != "Spots" and len(getattr(each, "face_color", ())) == 60
    )
    return np.asarray(layer.face_color), layer


def test_programs_stand_first_and_have_a_map_in_two_colours(predicted, viewer, linear_kit, qtbot):
    session = predicted.workspace.session
    shown = predicted.genes.genes.shown
    programs = list(session.expression.programs)
    assert len(programs) == 2
    assert shown[:2] == programs
    index = predicted.genes.genes.index(0)
    strongest = session.expression.programs[programs[0]].up[0][0]
    assert strongest in index.data(3)  # Qt's role of tooltips
    predicted.genes.list.setCurrentIndex(index)
    qtbot.waitUntil(lambda: session.gene == programs[0])
    scores = read_programs(session.result.adata)[0][:, 0]
    np.testing.assert_allclose(
        session.expression.values("predicted", programs[0]), scores, rtol=1e-5
    )
    qtbot.wait(300)
    colours, _ = colours_of(viewer)
    high, low = colours[scores.argmax(), :3], colours[scores.argmin(), :3]
    assert np.argmax(high) != np.argmax(low)  # of two colours, not light and dark of one


def test_a_gene_whose_score_may_be_zero_stands_late_and_says_so(predicted, linear_kit):
    """The first gene has the best score, and an interval that holds 0."""
    genes = predicted.genes.genes
    row = genes.shown.index(str(linear_kit.prediction.var_names[0]))
    assert genes.index(row).data(UNPROVEN_ROLE)
    assert UNPROVEN in genes.index(row).data(3)
    unproven = [bool(genes.index(i).data(UNPROVEN_ROLE)) for i in range(len(genes.shown))]
    assert not any(unproven[:row])
    assert all(unproven[row:])


def test_both_ends_of_the_interval_are_maps_on_one_scale(predicted, viewer, qtbot):
    session = predicted.workspace.session
    gene = session.result.genes[3]
    seen = {}
    for quantity in ("lower", "predicted", "upper"):
        session.show(gene=gene, style="points", quantity=quantity)
        qtbot.wait(200)
        colours, layer = colours_of(viewer)
        seen[quantity] = colours, session.expression.values(quantity, gene)
        if quantity != "predicted":
            assert f"{quantity} end of 80%" in layer.name
    assert (seen["lower"][1] <= seen["predicted"][1]).all()
    assert (seen["predicted"][1] <= seen["upper"][1]).all()
    # The upper end is the lighter map (viridis and the like grow lighter), and neither is of one
    # colour, however wide the interval is.
    assert seen["lower"][0][:, :3].sum() < seen["upper"][0][:, :3].sum()
    for end in ("lower", "upper"):
        assert len(np.unique(seen[end][0].round(2), axis=0)) > 3


def test_evidence_lists_what_raised_and_what_lowered_the_value(predicted, viewer, qtbot):
    why = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Evidence")[1]
    session = predicted.workspace.session
    session.show(gene=session.result.genes[2])
    x, y = np.asarray(session.spots.obsm["spatial"])[7] * session.slide.um_per_px
    why.choose(y, x)
    found = evidence(session.model, session.result.adata, session.spots.obs_names[7], session.gene)
    qtbot.waitUntil(lambda: bool(why.lowering), timeout=RUN_MS)
    first, last = found.raising[0], found.lowering[0]
    assert why.retrieved[0] == f"{first.section}\n{first.adds:+.2g} · {first.measured:.2f}"
    assert why.lowering[0] == f"{last.section}\n{last.adds:+.2g} · {last.measured:.2f}"
    assert len(why.retrieved) == min(6, len(found.raising))
    assert f"makes {found.value:.3f}" in why.summary.text()
    # A program has no evidence of its own, and the pictures of the gene before do not stay.
    session.show(gene=next(iter(session.expression.programs)))
    qtbot.waitUntil(lambda: not why.lowering and not why.retrieved)


def test_domains_of_programs_and_their_columns_in_a_table(predicted, viewer, qtbot):
    domains = viewer.window.add_plugin_dock_widget("napari-mclstexp", "Domains")[1]
    session = predicted.workspace.session
    domains.fields["features"].setCurrentText("Programs")
    domains.fields["k"].setValue(3)
    domains.find.click()
    qtbot.waitUntil(lambda: session.annotations.domains is not None, timeout=RUN_MS)
    found = session.annotations.domains
    scores = read_programs(session.result.adata)[0]
    labels = np.asarray(found.labels)
    within = sum(scores[labels == key].var(axis=0) * np.mean(labels == key) for key in found.keys)
    assert within[0] < 0.5 * scores[:, 0].var()  # they part the first program
    table = spot_table(session.result.adata)
    np.testing.assert_allclose(table["program_2"], scores[:, 1], rtol=1e-5)
