"""An option is declared once: its range is checked, and the shell's help gives its words."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
import typer

from napari_mclstexp.analysis.domain_settings import DomainSettings
from napari_mclstexp.cli.app import app
from napari_mclstexp.errors import SettingsError
from napari_mclstexp.options import Option, check, declared
from napari_mclstexp.spots import GridSettings
from napari_mclstexp.training.process import TrainRequest
from napari_mclstexp.training.settings import TrainSettings

COMMANDS = {
    "predict": (GridSettings,),
    "domains": (DomainSettings,),
    "train": (TrainSettings, TrainRequest),
}


@dataclass(frozen=True)
class Stain:
    strength: Annotated[float, Option("How dark", low=0, below=1, unit="OD")] = 0.5
    cuts: Annotated[int | None, Option("Sections cut", low=1, high=9)] = None
    rounds: Annotated[int, Option("How often", low=1, most=1000)] = 1
    dye: Annotated[Literal["H", "E"], Option("Which dye")] = "H"
    note: str = ""

    def __post_init__(self) -> None:
        check(self)


def test_help_names_unit_and_range():
    options = declared(Stain)
    assert [*options] == ["strength", "cuts", "rounds", "dye"]
    assert options["strength"].option.text == "How dark (OD, from 0 to below 1)"
    assert options["cuts"].option.text == "Sections cut (from 1 to 9)"
    assert (
        options["rounds"].option.text == "How often (at least 1)"
    )  # what makes no sense is not told
    assert options["dye"].values == ("H", "E")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"strength": 1.0}, "strength is 1.0; it must be from 0 to below 1."),
        ({"strength": float("nan")}, "strength is nan; it must be from 0 to below 1."),
        ({"cuts": 10}, "cuts is 10; it must be from 1 to 9."),
        ({"rounds": 10**9}, "rounds is 1000000000; it must be at most 1,000."),
        ({"rounds": 10**400}, "rounds is a very large number; it must be at most 1,000."),
        ({"dye": "X"}, "dye is 'X'; it must be one of H, E."),
    ],
)
def test_what_is_not_allowed_is_said_in_one_sentence(given, sentence):
    with pytest.raises(SettingsError) as caught:
        Stain(**given)
    assert str(caught.value) == sentence


def test_the_limits_themselves_are_allowed():
    assert Stain(strength=0.0, cuts=9).cuts == 9
    assert Stain(cuts=None).cuts is None


@pytest.mark.parametrize("command", COMMANDS)
def test_the_shell_says_what_was_declared(command):
    shown = {each.name: each for each in typer.main.get_command(app).commands[command].params}
    by_flag = {flag: each for each in shown.values() for flag in each.opts}
    for settings in COMMANDS[command]:
        for name, option in declared(settings).items():
            flag = option.option.flag.partition("/")[0] or "--" + name.replace("_", "-")
            assert by_flag[flag].help == option.option.text


@pytest.mark.parametrize("settings", [GridSettings, DomainSettings, TrainSettings])
def test_every_default_is_allowed(settings):
    for each in dataclasses.fields(settings):
        option = declared(settings).get(each.name)
        if option is not None and option.default is not dataclasses.MISSING:
            option.check(option.default)


def test_no_help_text_speaks_in_riddles():
    """Every option of every command says what it does, in words that stand alone."""
    group = typer.main.get_command(app)
    for command in group.commands.values():
        assert command.help
        for each in command.params:
            text = each.help or ""
            assert len(text.split()) >= 2, (command.name, each.name)
            assert not text.startswith(("Of ", "It.", "By which", "The same")), text
            assert text == "Show this message and exit." or not text.endswith("."), text
