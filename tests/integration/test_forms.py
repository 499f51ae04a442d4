"""The forms in the docks say the same words as the shell, and give the values that were chosen."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.options import declared
from napari_mclstexp.spots import GridSettings
from napari_mclstexp.training.process import TrainRequest
from napari_mclstexp.training.settings import TrainSettings
from napari_mclstexp.widgets.common.forms import Fields


@pytest.fixture
def dock(viewer):
    return lambda name: viewer.window.add_plugin_dock_widget("napari-mclstexp", name)[1]


def test_tooltips_are_the_shells_help(dock):
    slide, domains, train = (dock(name) for name in ("Slide and spots", "Domains", "Train"))
    form = train.options
    shown = {
        GridSettings: {name: slide.grid.fields[name] for name in declared(GridSettings)},
        DomainSettings: {name: domains.fields[name] for name in ("k", "method", "smoothing")},
        TrainSettings: {
            "freeze_encoder": form.fields["freeze_encoder"],
            "head": form.fields["head"],
            "rank": form.fields["rank"],
            "epochs": form.fields["epochs"],
            "encoder": form.encoder,
            "weights": form.weights.text,
            "init_from": form.base.text,
        },
        TrainRequest: {
            "preset": form.more["preset"],
            "hvg": form.more["hvg"],
            "genes": form.genes.text,
            "held_out": form.held_out,
            "out": form.out.text,
        },
    }
    for settings, fields in shown.items():
        for name, field in fields.items():
            assert field.toolTip() == declared(settings)[name].option.text, name


def test_the_training_form_asks_only_what_the_chosen_preset_and_head_need(dock, tmp_path):
    form = dock("Train").options
    form.out.text.setText(str(tmp_path / "m"))

    def asked() -> set[str]:
        return {name for name in form.fields.widgets if form.fields[name].isVisibleTo(form)}

    def said() -> tuple[str, ...]:
        return form.request(tmp_path / "c.csv").arguments()

    assert asked() == {"head", "rank"}  # the default: a linear head, computed at once
    assert "--epochs" not in said()
    assert "--rank" not in said()
    form.fields.widgets["rank"].value = 3
    assert said()[said().index("--rank") + 1] == "3"
    form.fields.widgets["head"].value = "contrastive"
    assert asked() == {"head", "epochs"}
    assert "--rank" not in said()
    form.more.widgets["preset"].value = "paper"
    assert asked() == {"freeze_encoder", "epochs"}
    assert "--head" not in said()
    form.more.widgets["preset"].value = "default"
    assert said()[said().index("--head") + 1] == "linear"


def test_a_form_starts_from_the_declared_defaults(dock):
    assert dock("Slide and spots").grid.settings() == GridSettings()
    assert DomainSettings(**dock("Domains").fields.values()) == DomainSettings()


def test_a_form_offers_only_what_is_allowed(qtbot):
    fields = Fields(DomainSettings)
    parent = QWidget()
    qtbot.addWidget(parent)
    fields.add_to(QFormLayout(parent))
    for end in ("min", "max"):
        for widget in fields.widgets.values():
            if hasattr(widget, end):
                widget.value = getattr(widget, end)
        DomainSettings(**fields.values())
    assert Fields(DomainSettings).values()["k"] is None
    fields["k"].setValue(5)
    assert fields.values()["k"] == 5
