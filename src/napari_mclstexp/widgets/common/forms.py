"""Fields of a form, built by magicgui from declared options; the tooltip is the shell's help."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import Any

from magicgui.widgets import create_widget
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QFormLayout

from ...options import Declared, declared

MOST = 10_000  # where an option has no largest value


class Fields:
    """A field for each option of a dataclass.

    Parameters
    ----------
    settings
        The dataclass that declares them.
    names
        The options to show, in order; all if none are named.
    defaults
        Values to start from where they are not the declared defaults; such a field is never empty.
    high
        Largest values the form offers, where a form offers fewer than are allowed.
    sliders
        Numbers that are chosen on a slider.
    """

    def __init__(
        self,
        settings: type,
        *names: str,
        defaults: Mapping[str, Any] | None = None,
        high: Mapping[str, float] | None = None,
        sliders: Collection[str] = (),
    ) -> None:
        options = declared(settings)
        self.options = {name: options[name] for name in names or options}
        for name, value in (defaults or {}).items():
            self.options[name] = dataclasses.replace(
                self.options[name], default=value, optional=False
            )
        self.widgets = {
            name: _widget(option, (high or {}).get(name, MOST), name in sliders)
            for name, option in self.options.items()
        }

    def __getitem__(self, name: str) -> Any:
        """Return the Qt widget of an option."""
        return self.widgets[name].native

    def label(self, name: str) -> str:
        """Return what stands beside it."""
        return self.options[name].label

    def add_to(self, form: QFormLayout) -> None:
        """Add a row for each field."""
        for name in self.widgets:
            form.addRow(self.label(name), self[name])

    def values(self) -> dict[str, Any]:
        """Return what was chosen, by name; None where nothing was."""
        return {name: self._value(name) for name in self.widgets}

    def _value(self, name: str) -> Any:
        option, value = self.options[name], self.widgets[name].value
        if option.kind not in (int, float):
            return value
        return None if option.optional and value == _unset(option) else option.kind(value)


def help_of(settings: type, name: str) -> str:
    """Return the tooltip of an option whose field magicgui does not build."""
    return declared(settings)[name].option.text


def _unset(option: Declared) -> float:
    """Return the number that stands for None: the one below the smallest."""
    return (option.option.low or 0) - 1


def _widget(declaration: Declared, most: float, slider: bool) -> Any:
    option = declaration.option
    kind, default = declaration.kind, declaration.default
    options: dict[str, Any] = {}
    if declaration.values:
        kind = str
        options["choices"] = [(option.choices.get(v, str(v)), v) for v in declaration.values]
        options["widget_type"] = "ComboBox"
    elif kind in (int, float):
        low = option.above + option.step if option.above is not None else option.low or 0
        high = option.below - option.step if option.below is not None else option.high or most
        if declaration.optional:
            low = _unset(declaration)
            default = low if default is None else default
            kind = float  # magicgui's box of whole numbers shows no text for None
        sensible = high if option.most is None else option.most
        options |= {"min": low, "max": min(high, most, sensible), "step": option.step}
        if slider:
            options["widget_type"] = "FloatSlider" if kind is float else "Slider"
    widget = create_widget(value=default, annotation=kind, name=declaration.name, options=options)
    native = widget.native
    native.setToolTip(option.text)  # a slider does not hand it on
    native.setAccessibleName(declaration.label)
    if declaration.kind is bool:
        native.setText(declaration.label)
    if isinstance(native, QAbstractSpinBox):
        native.setAlignment(Qt.AlignmentFlag.AlignCenter)
        native.setSpecialValueText(option.unset)
    if isinstance(native, QDoubleSpinBox) and option.step >= 1:
        native.setDecimals(0)
    return widget
