"""Choice elements: of `deceasedBoolean` and `deceasedDateTime` there is one at most.

https://hl7.org/fhir/R4/formats.html#choice
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhir_bridge.fhir import problems
from fhir_bridge.fhir.elements import Element
from fhir_bridge.fhir.problems import Problem, Problems
from fhir_bridge.outcome import Json


def choices_check(type_name: str, known: Mapping[str, Element]) -> Callable[[Json], Problems] | None:
    """Return the check that of the names of one choice there is one at most, and one at least where it is required."""
    names: dict[str, list[str]] = {}
    for element in known.values():
        if element.choice:
            names.setdefault(element.choice, []).append(element.name)
    required = [choice for choice in names if known[names[choice][0]].choice_required]
    choice_of = {f"{mark}{name}": (choice, name) for choice in names for name in names[choice] for mark in ("", "_")}
    names_of_choices = frozenset(choice_of)

    def check(value: Json) -> Problems:
        if not required and names_of_choices.isdisjoint(value):
            return ()
        chosen = [choice_of[member] for member in value if member in choice_of]
        if len(chosen) < 2 and not required:
            return ()
        return _choice_problems(type_name, names, required, chosen)

    return check if names else None


def _choice_problems(
    type_name: str, names: Mapping[str, list[str]], required: list[str], chosen: list[tuple[str, str]]
) -> Problems:
    """Return the problems of choices: `chosen` are choice and name (`deceased`, `deceasedDateTime`) of each member."""
    found: list[Problem] = []
    for choice in names:
        there = {name: None for its_choice, name in chosen if its_choice == choice}
        if len(there) > 1:
            found.append(problems.repeated_choice(choice, there))
        elif not there and choice in required:
            found.append(problems.missing_choice(type_name, choice, names[choice]))
    return found
