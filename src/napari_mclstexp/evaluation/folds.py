"""Who is held out, and the leaks that would make a held-out score a lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from ..cohort.fingerprints import counts_digest, spots_digest
from ..cohort.section import Section
from ..errors import SettingsError
from .evaluation_result import By, Fold

Choice = Literal["auto", "section", "patient", "both"]


def make_protocols(sections: Sequence[Section], choice: Choice) -> dict[By, tuple[Fold, ...]]:
    """Return the folds of each protocol that was asked for, the strictest first.

    Parameters
    ----------
    sections
        With their patients.
    choice
        ``"auto"`` leaves out patients and sections where there are several patients, and else
        sections; where every patient has one section, both are the same and patients stand for
        it. ``"both"`` asks for both in any case.

    Raises
    ------
    SettingsError
        As `make_folds` does.
    """
    patients = {each.patient for each in sections}
    if choice == "both":
        protocols: tuple[By, ...] = ("patient", "section")
    elif choice != "auto":
        protocols = (choice,)
    elif len(patients) < 2:
        protocols = ("section",)
    else:
        protocols = ("patient",) if len(patients) == len(sections) else ("patient", "section")
    return {by: make_folds(sections, by) for by in protocols}


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


def warnings_about(
    sections: Sequence[Section], protocols: Mapping[By, Sequence[Fold]]
) -> tuple[str, ...]:
    """Say what makes the folds flattering or too few, in sentences that a reader must see."""
    said = []
    for by, folds in protocols.items():
        both = patients_on_both_sides(sections, folds)
        if both:
            honest = (
                "the table of patients apart is"
                if "patient" in protocols
                else "with several patients --by patient is"
            )
            said.append(
                f"Sections of the patient{'s' if len(both) > 1 else ''} {', '.join(both)} were "
                "learned from while others of the same were tested, which flatters every method "
                f"by section; {honest} the honest test for a new patient."
            )
        if len(folds) < 3:
            said.append(
                f"Only {len(folds)} fold{'s' if len(folds) > 1 else ''} by {by}: the table's "
                "intervals over sections mean little."
            )
    return tuple(said)
