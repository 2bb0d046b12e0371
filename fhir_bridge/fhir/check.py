"""What a compiled profile is made of: checks, each of which looks at one value and adds what is wrong to the visit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

from fhir_bridge.fhir.json_bounds import count
from fhir_bridge.outcome import Issue, Json

MAX_RULED = 50_000
"""How many values all rules in FHIRPath may go over in one resource: each takes fhirpathpy some 50 µs."""


@dataclass(slots=True)
class Work:
    """How many values rules in FHIRPath went over so far."""

    values: int = 0


class Visit:
    """One resource being checked, FHIRPath's %resource, and what was found so far.

    When there are more issues than `max_problems`, or rules went over too much, no further issues are looked for.
    """

    def __init__(self, resource: Json, issues: list[Issue], max_problems: int, work: Work | None = None) -> None:
        self.resource = resource
        self.issues = issues
        self.max_problems = max_problems
        self.work = work or Work()

    def of(self, resource: Json) -> Visit:
        """Return the visit of a resource within this one."""
        return Visit(resource, self.issues, self.max_problems, self.work)

    @property
    def has_enough(self) -> bool:
        return len(self.issues) > self.max_problems or self.work.values > MAX_RULED

    def may_rule(self, value: Json, path: str) -> bool:
        """Whether a rule in FHIRPath may go over a value; an issue where that would be too much, and none after it."""
        if self.has_enough:
            return False
        self.work.values += count(value)
        is_too_much = self.work.values > MAX_RULED
        if is_too_much:
            text = f"The rules of the profile would go over more than {MAX_RULED:,} values; send less at once."
            self.issues.append(Issue("too-many-values", "too-costly", text, path))
        return not is_too_much

    def add(self, issues: Iterable[Issue]) -> None:
        """Add no more issues than there is room for."""
        self.issues.extend(islice(issues, max(0, self.max_problems + 1 - len(self.issues))))

    @cached_property
    def plain_resource(self) -> Json:
        """The resource as rules see it."""
        return plain(self.resource)


def plain(value: Json) -> Json:
    """Return a copy without `_name`: fhirpathpy takes the extensions of a primitive for a second value of it."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items() if not name.startswith("_")}
    if isinstance(value, list):
        return [plain(inner) for inner in value if inner is not None]
    return value


Check = Callable[[Json, str, Visit], None]
"""Called with a value, its FHIRPath and the visit. It skips a value whose shape is not the one it is about."""


def all_of(checks: Sequence[Check]) -> Check:
    """Return one check that makes all of them, in order."""
    if len(checks) == 1:
        return checks[0]

    def check(value: Json, path: str, visit: Visit) -> None:
        for one in checks:
            one(value, path, visit)

    return check


def code(text: object) -> str:
    """Return a name or value as it stands in a sentence."""
    return f"`{text}`"


def listed(texts: Sequence[str], last: str = "or") -> str:
    """Return `a`, `b` or `c`."""
    *first, final = [code(text) for text in texts]
    return f"{', '.join(first)} {last} {final}" if first else final
