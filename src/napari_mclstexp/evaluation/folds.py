"""Who is held out, and the leaks that would make a held-out score a lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..cohort.fingerprints import counts_digest, spots_digest
from ..cohort.section import Section
from ..errors import SettingsError
from .evaluation_result import Fold

By = Literal["section", "patient"]


def make_folds(sections: Sequence[Section], by: By) -> tuple[Fold, ...]:
    """Leave out each section, or all sections of each patient, in turn.

    Raises
    ------
    SettingsError
        If nothing would be left to learn from, or one section, told by its content and not its
        name, stands on both sides.
    """
    refuse_doubles(sections)
    groups: dict[str, list[str]] = {}
    for each in sections:
        groups.setdefault(each.name if by == "section" else each.patient, []).append(each.name)
    if len(groups) < 2:
        raise SettingsError(
            f"There is only one {by}, so nothing is left to learn from while it is held out; "
            f"give sections of at least two{' patients' if by == 'patient' else ''}."
        )
    everyone = [each.name for each in sections]
    return tuple(
        Fold(name, tuple(tested), tuple(each for each in everyone if each not in tested))
        for name, tested in groups.items()
    )


def refuse_doubles(sections: Sequence[Section]) -> None:
    """Make sure that no section is there twice under two names.

    Raises
    ------
    SettingsError
        Naming both.
    """
    seen: dict[str, str] = {}
    for each in sections:
        for what, digest in (("counts", counts_digest(each)), ("spots", spots_digest(each))):
            if digest in seen:
                raise SettingsError(
                    f"The sections {seen[digest]} and {each.name} have the same {what}, so one "
                    "would be learned from while the other is tested; leave one of them out."
                )
            seen[digest] = each.name


def patients_on_both_sides(sections: Sequence[Section], folds: Sequence[Fold]) -> tuple[str, ...]:
    """Return the patients who are learned from while another of their sections is tested."""
    patient = {each.name: each.patient for each in sections}
    both = {
        patient[name]
        for fold in folds
        for name in fold.tested
        if patient[name] in {patient[other] for other in fold.trained_on}
    }
    return tuple(sorted(both))
