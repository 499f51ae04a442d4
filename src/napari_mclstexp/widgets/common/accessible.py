"""Every control has a name, as a screen reader says it, and can be reached and used by keys."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QTextEdit,
    QWidget,
)

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)


def name_controls(root: QWidget) -> None:
    """Give each control inside a widget that has neither a name nor a text one.

    It is called as the label of its line in a form, as its tooltip's first sentence, or as what it
    is a part of: the field of a spin box, the handle's value of a slider.
    """
    for each in (root, *root.findChildren(QWidget)):
        if isinstance(each, CONTROLS) and not _named(each):
            each.setAccessibleName(_name_for(each))


def use_by_keys(root: QWidget) -> None:
    """Have Enter press the button that has the focus, and Tab leave tables and texts."""
    for button in root.findChildren(QPushButton):
        button.setAutoDefault(True)
    for table in root.findChildren(QAbstractItemView):
        table.setTabKeyNavigation(False)
    for text in (*root.findChildren(QPlainTextEdit), *root.findChildren(QTextEdit)):
        text.setTabChangesFocus(True)


def focus_inside(root: QWidget) -> None:
    """Give the focus to the first control of a widget that takes it by Tab."""
    each = root.nextInFocusChain()
    while each is not None and each is not root:
        takes = each.focusPolicy() & Qt.FocusPolicy.TabFocus
        if takes and root.isAncestorOf(each) and each.isVisible() and each.isEnabled():
            each.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        each = each.nextInFocusChain()


def _named(control: QWidget) -> bool:
    if control.accessibleName():
        return True
    return isinstance(control, QAbstractButton) and bool(control.text())


def _name_for(control: QWidget) -> str:
    part: QWidget | None = control
    while part is not None:
        name = part.accessibleName() or _label_of(part) or _first_sentence(part.toolTip())
        if name:
            return name
        part = part.parentWidget()
    return ""


def _label_of(field: QWidget) -> str:
    """Return the label beside a field of a form, or ""."""
    parent = field.parentWidget()
    for layout in () if parent is None else (parent.layout(), *parent.findChildren(QFormLayout)):
        if isinstance(layout, QFormLayout) and layout.indexOf(field) >= 0:
            label = layout.labelForField(field)
            text = getattr(label, "text", None)
            return "" if text is None else str(text()).replace("&", "").rstrip(":")
    return ""


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].split("; ")[0].split(": ")[0].strip()
