"""Whether a resource holds at least what another one holds: an assertion's `minimumId`."""

from __future__ import annotations

from lxml import etree

from tests.testscript.fhir_xml import XHTML, Tree


def missing(minimum: Tree, actual: Tree) -> list[str]:
    """Return the paths in `minimum` that `actual` lacks; nothing where it holds all.

    The order of elements does not count, and each of several equal ones needs a partner of its own. A path that has
    no partner is followed down while there is exactly one element that it could mean.
    """
    if minimum.tag != actual.tag:
        return [_name(minimum)]
    return _missing(minimum, actual, _name(minimum))


def _missing(minimum: Tree, actual: Tree, path: str) -> list[str]:
    differing = [name for name, value in minimum.attrib.items() if actual.get(name) != value]
    found = [path if name == "value" else f"{path}.{name}" for name in differing]
    partners = _partners(list(minimum), list(actual))
    for child, partner in zip(minimum, partners, strict=True):
        if partner is None:
            found += _below(child, actual, f"{path}.{_name(child)}")
    return found


def _below(child: Tree, actual: Tree, path: str) -> list[str]:
    alike = [other for other in actual if other.tag == child.tag]
    if len(alike) != 1 or child.tag.startswith(f"{{{XHTML}}}"):
        return [path]
    return _missing(child, alike[0], path) or [path]


def _holds(minimum: Tree, actual: Tree) -> bool:
    if minimum.tag != actual.tag:
        return False
    if minimum.tag.startswith(f"{{{XHTML}}}"):
        return _canonical(minimum) == _canonical(actual)
    has_attributes = all(actual.get(name) == value for name, value in minimum.attrib.items())
    return has_attributes and None not in _partners(list(minimum), list(actual))


def _partners(wanted: list[Tree], offered: list[Tree]) -> list[Tree | None]:
    """Return for each wanted element one that holds it, no offered one twice (Kuhn's matching), or None."""
    fits = [[there for there, other in enumerate(offered) if _holds(element, other)] for element in wanted]
    taken: dict[int, int] = {}

    def place(here: int, tried: set[int]) -> bool:
        for there in fits[here]:
            if there not in tried:
                tried.add(there)
                if there not in taken or place(taken[there], tried):
                    taken[there] = here
                    return True
        return False

    for here in range(len(wanted)):
        place(here, set())
    by_wanted = {here: offered[there] for there, here in taken.items()}
    return [by_wanted.get(here) for here in range(len(wanted))]


def _canonical(element: Tree) -> bytes:
    return b" ".join(etree.tostring(element, method="c14n", with_tail=False).split())


def _name(element: Tree) -> str:
    return str(etree.QName(element).localname)
